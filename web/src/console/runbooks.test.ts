import { expect, it } from "vitest";
import { FIRST_LOOK } from "./runbooks";

const texts = import.meta.glob<string>("../../../docs/runbooks/*.md", {
  query: "?raw",
  import: "default",
  eager: true,
});
const runbooks = Object.entries(texts).map(([path, text]) => [path.replace(/^.*\/|\.md$/g, ""), text] as const);

it("every runbook has commands to begin with", () => {
  expect(Object.keys(FIRST_LOOK).sort()).toEqual(runbooks.map(([name]) => name).sort());
});

it.each(runbooks)("%s begins with what it says", (name, text) => {
  const check = text.split("## Check")[1]?.split("\n## ")[0] ?? "";
  const commands = [...check.matchAll(/^\$ (.*?)(?:\s+#.*)?$/gm)].map((found) => found[1]);
  expect(commands).toEqual(expect.arrayContaining([...(FIRST_LOOK[name] ?? [])]));
});
