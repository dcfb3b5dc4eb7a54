import { expect, it } from "vitest";
import { movesOf } from "./before_and_after";

const items = (...ids: string[]) => ids.map((itemId) => ({ itemId, score: 0, origin: "model" }));

it("items move up and down, come in and are left out", () => {
  const moves = movesOf(items("a", "b", "c", "d"), items("c", "new", "b", "a"));
  expect(Object.fromEntries(moves)).toEqual({ c: 2, new: "in", b: -1, a: -3, d: "out" });
});
