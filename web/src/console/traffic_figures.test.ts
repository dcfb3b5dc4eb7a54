import { expect, it } from "vitest";
import type { Point } from "./contract";
import { highest, latest, perSecond, shareOf, shares, total } from "./traffic_figures";

const counts: Point[] = [
  [0, 120],
  [60, null],
  [120, 60],
  [180, null],
];

it("counts of a period are rates a second, and what is not known stays so", () => {
  expect(perSecond(counts, 60).map(([, value]) => value)).toEqual([2, null, 1, null]);
});

it("the latest value is the last that is known", () => {
  expect([latest(counts), highest(counts), total(counts)]).toEqual([60, 120, 180]);
  expect([latest([]), highest([[0, null]])]).toEqual([null, null]);
});

it("a share is of the whole time, and of nothing there is none", () => {
  expect(shareOf([[0, 9]], counts)).toBe(9 / 180);
  expect(shareOf([[0, 9]], [[0, 0]])).toBeNull();
});

it("shares by time are 0 where no part was counted, and not known where no whole was", () => {
  expect(shares([[0, 30]], counts).map(([, value]) => value)).toEqual([0.25, null, 0, null]);
});
