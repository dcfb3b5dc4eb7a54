import { expect, it } from "vitest";
import type { Point } from "./contract";
import { trafficAnswer } from "./fixtures";
import { counted, highest, isHigh, latest, over, perSecond, shareOf, shares, total } from "./traffic_figures";

const counts: Point[] = [
  [0, 120],
  [60, null],
  [120, 60],
  [180, null],
];

it("counts of a period are rates a second, 0 where nothing was counted", () => {
  expect(perSecond(counts, 60).map(([, value]) => value)).toEqual([2, 0, 1, 0]);
});

it("what was never counted is not 0", () => {
  expect(counted([[0, null]])).toEqual([[0, null]]);
});

it("a period that is not over does not count", () => {
  const traffic = { ...trafficAnswer, periodS: 60, untilMs: 150_000 };
  const { requests } = over({
    ...traffic,
    series: {
      ...traffic.series,
      requests: [
        [30_000, 5],
        [90_000, 7],
        [150_000, 1],
      ],
    },
  });
  expect(requests).toEqual([
    [30_000, 5],
    [90_000, 7],
  ]);
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

it("a share of a few requests is not high", () => {
  expect(isHigh(1, 1, 0.01)).toBe(false);
  expect(isHigh(0.05, 20, 0.01)).toBe(true);
  expect(isHigh(0.01, 20, 0.01)).toBe(false);
  expect(isHigh(null, 20, 0.01)).toBe(false);
});
