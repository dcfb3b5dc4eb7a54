import { describe, expect, it } from "vitest";
import { axisRange, axisTicks } from "./time_axis";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("the range of a time axis", () => {
  it("covers the times, with half a day on either side for bars of days", () => {
    expect(axisRange([2 * HOUR, HOUR], false, false)).toEqual({ min: HOUR, max: 2 * HOUR });
    expect(axisRange([0, 24 * HOUR], true, true)).toEqual({ min: -12 * HOUR, max: 36 * HOUR });
  });

  it("has a margin around a single time", () => {
    expect(axisRange([HOUR, HOUR], false, false)).toEqual({ min: 0.5 * HOUR, max: 1.5 * HOUR });
    expect(axisRange([24 * HOUR], true, false)).toEqual({ min: 12 * HOUR, max: 36 * HOUR });
  });
});

describe("the ticks of a time axis", () => {
  it("are round times, up to a limit", () => {
    expect(axisTicks(7 * MINUTE, 67 * MINUTE, 6, 0)).toEqual([15, 30, 45, 60].map((minute) => minute * MINUTE));
  });

  it("are round in the reader's zone", () => {
    const halfPast = 5.5 * HOUR;
    expect(axisTicks(0, 48 * HOUR, 3, halfPast)).toEqual([18.5 * HOUR, 42.5 * HOUR]);
  });

  it("are whole days for daily series", () => {
    expect(axisTicks(0, 36 * HOUR, 20, 0, true)).toEqual([0, 24 * HOUR]);
  });

  it("keep their limit over years", () => {
    const days = axisTicks(0, 3650 * 24 * HOUR, 6, 0, true).map((ms) => ms / (24 * HOUR));
    expect(days).toEqual([0, 730, 1460, 2190, 2920, 3650]);
  });
});
