import { describe, expect, it } from "vitest";
import { parseBlocks, parseInline } from "./parts/markdown";
import { commandOf, firstCommands, linkedView, runbook } from "./runbooks";

const NAMES = Object.keys(import.meta.glob("../../../docs/runbooks/*.md")).map((path) =>
  path.replace(/^.*\/|\.md$/g, ""),
);

/** Return all texts of a value except code, which may contain any character. */
function texts(value: unknown): string[] {
  if (typeof value === "string") return parseInline(value).flatMap(({ kind, text }) => (kind === "code" ? [] : [text]));
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
}

describe.each(NAMES)("the runbook %s", (name) => {
  it("has a title, first commands, and no syntax that is not read", () => {
    const found = runbook(name);
    expect(found?.title).toMatch(/^[A-Z]/);
    expect(firstCommands(name).length).toBeGreaterThan(0);
    const blocks = found?.blocks.filter((block) => block.kind !== "code") ?? [];
    expect(texts(blocks).filter((text) => /[*`#|]|\]\(|^- /.test(text))).toEqual([]);
  });
});

it("other names have no runbook", () => {
  expect(runbook("nothing")).toBeNull();
  expect(firstCommands("nothing")).toEqual([]);
});

it("links lead to other runbooks only", () => {
  expect(linkedView("stale.md")).toBe("#/alarms/stale");
  expect(linkedView("stale.md#causes")).toBe("#/alarms/stale");
  expect([linkedView("../performance.md"), linkedView("nothing.md")]).toEqual([null, null]);
});

it("first commands need no ID", () => {
  expect(firstCommands("quarantine")).toEqual([
    "alsolike quarantine list --totals --since 6h",
    "alsolike quarantine list --limit 5",
  ]);
});

it("a line of a terminal is a command with a comment, or output", () => {
  expect(commandOf("$ alsolike status   # champion")).toEqual({ command: "alsolike status", comment: "champion" });
  expect(commandOf("$ alsolike engagement")).toEqual({ command: "alsolike engagement", comment: "" });
  expect(commandOf("version 1 is live")).toBeNull();
});

it("the blocks of a document are read", () => {
  const text =
    "# Title\n\nTwo\nlines.\n\n- one\n  goes on\n- two\n\n| a | b |\n|---|---|\n| 1 | x \\| y |\n\n```sh\nls\n\nls\n```";
  expect(parseBlocks(text)).toEqual([
    { kind: "heading", level: 1, text: "Title" },
    { kind: "paragraph", text: "Two lines." },
    { kind: "list", items: ["one goes on", "two"] },
    { kind: "table", header: ["a", "b"], rows: [["1", "x | y"]] },
    { kind: "code", lines: ["ls", "", "ls"] },
  ]);
});

it("the parts of a line are read", () => {
  expect(parseInline("Run `a *b*`, **now** or *later*: [*this*](that.md).")).toEqual([
    { kind: "text", text: "Run " },
    { kind: "code", text: "a *b*" },
    { kind: "text", text: ", " },
    { kind: "strong", text: "now" },
    { kind: "text", text: " or " },
    { kind: "emphasis", text: "later" },
    { kind: "text", text: ": " },
    { kind: "link", text: "this", href: "that.md" },
    { kind: "text", text: "." },
  ]);
});
