import { expect, it } from "vitest";
import { scrollDirections } from "./carousel";

it.each([
  [0, 300, { any: false, back: false, on: false }], // the whole list is in view
  [0, 301, { any: false, back: false, on: false }],
  [0, 900, { any: true, back: false, on: true }],
  [300, 900, { any: true, back: true, on: true }],
  [599, 900, { any: true, back: true, on: false }], // rounded position of the end
])("a list 300 wide that stands at %i of %i", (scrollLeft, scrollWidth, scrolling) => {
  expect(scrollDirections({ scrollLeft, scrollWidth, clientWidth: 300 })).toEqual(scrolling);
});
