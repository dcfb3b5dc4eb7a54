import { expect, it } from "vitest";
import { computeMoves } from "./rule_preview";

const items = (...ids: string[]) => ids.map((itemId) => ({ itemId, score: 0, origin: "ranked" }));

it("items move up or down, or are added or removed", () => {
  const moves = computeMoves(items("a", "b", "c", "d"), items("c", "new", "b", "a"));
  expect(Object.fromEntries(moves)).toEqual({ c: 2, new: "in", b: -1, a: -3, d: "out" });
});
