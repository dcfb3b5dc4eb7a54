import { expect, it } from "vitest";
import type { Point } from "./contract";
import { trafficResponse } from "./testing/responses";
import {
  completePeriods,
  highest,
  isHigh,
  latest,
  perMinute,
  shareOf,
  shares,
  total,
  withZeros,
} from "./traffic_metrics";

const counts: Point[] = [
  [0, 120],
  [60, null],
  [120, 60],
  [180, null],
];

it("counts per period become rates per minute, 0 in gaps", () => {
  expect(perMinute(counts, 300).map(([, value]) => value)).toEqual([24, 0, 12, 0]);
});

it("a series without values has no zeros", () => {
  expect(withZeros([[0, null]])).toEqual([[0, null]]);
});

it("a running period does not count", () => {
  const traffic = { ...trafficResponse, periodS: 60, untilMs: 150_000 };
  const { requests } = completePeriods({
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

it("the latest value skips gaps", () => {
  expect([latest(counts), highest(counts), total(counts)]).toEqual([60, [0, 120], 180]);
  expect([latest([]), highest([[0, null]])]).toEqual([null, null]);
});

it("a share covers the whole time, and is null without requests", () => {
  expect(shareOf([[0, 9]], counts)).toBe(9 / 180);
  expect(shareOf([[0, 9]], [[0, 0]])).toBeNull();
});

it("shares per point are 0 without a part, and null without a whole", () => {
  expect(shares([[0, 30]], counts).map(([, value]) => value)).toEqual([0.25, null, 0, null]);
});

it("a share of a few requests is not high", () => {
  expect(isHigh(1, 1, 1)).toBe(false);
  expect(isHigh(0.05, 20, 1)).toBe(true);
  expect(isHigh(0.01, 20, 1)).toBe(false);
  expect(isHigh(null, 20, 1)).toBe(false);
  expect(isHigh(0.05, 20, null)).toBe(false);
});
