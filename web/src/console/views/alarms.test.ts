import { expect, it } from "vitest";
import { FIRST_COMMANDS } from "./alarms";

const texts = import.meta.glob<string>("../../../../docs/runbooks/*.md", {
  query: "?raw",
  import: "default",
  eager: true,
});
const runbooks = Object.entries(texts).map(([path, text]) => [path.replace(/^.*\/|\.md$/g, ""), text] as const);

it("every runbook has first commands", () => {
  expect(Object.keys(FIRST_COMMANDS).sort()).toEqual(runbooks.map(([name]) => name).sort());
});

it.each(runbooks)("the first commands of %s stand in its check", (name, text) => {
  const check = text.split("## Check")[1]?.split("\n## ")[0] ?? "";
  const commands = [...check.matchAll(/^\$ (.*?)(?:\s+#.*)?$/gm)].map((match) => match[1]);
  expect(commands).toEqual(expect.arrayContaining([...(FIRST_COMMANDS[name] ?? [])]));
});
