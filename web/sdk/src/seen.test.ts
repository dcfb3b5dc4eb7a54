import { expect, it } from "vitest";
import { impressionOf } from "./seen";

const shown = Array.from({ length: 30 }, (_, place) => String(place));

it.each<[string, string, string[], string[]]>([
  ["in the order of the list", "7", ["3", "7", "9"], ["3", "7", "9"]],
  ["with its own item, also if it was not in view", "7", ["3"], ["7", "3"]],
  ["with at most 25 items", "3", shown, shown.slice(0, 25)],
  ["with its own item in place of the 25th", "29", shown, [...shown.slice(0, 24), "29"]],
  ["with its own item in place of the 25th, if it was not in view", "x", shown, ["x", ...shown.slice(0, 24)]],
])("an impression has the shown items %s", (_, itemId, items, impression) => {
  expect(impressionOf(itemId, items)).toEqual(impression);
});
