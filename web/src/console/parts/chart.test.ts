import { describe, expect, it } from "vitest";
import { dayMs, figure } from "../format";
import { summary, tableRows } from "./chart";
import { axisRange, axisTicks } from "./chart_canvas";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("the text of a chart", () => {
  it("contains the latest and the highest value with its day", () => {
    const points = [
      [dayMs("2026-11-24"), 5],
      [dayMs("2026-11-25"), 3],
      [dayMs("2026-11-26"), null],
    ] as const;
    expect(summary({ name: "Clicks", points }, figure, true)).toBe("Clicks: 3 latest, 5 highest (24 Nov).");
    expect(summary({ name: "Clicks", points: [[0, null]] }, figure, true)).toBe("Clicks: nothing counted.");
  });

  it("is a table with one row per time, the latest first", () => {
    const series = [
      {
        name: "a",
        points: [
          [1, 10],
          [2, 20],
        ] as const,
      },
      {
        name: "b",
        points: [
          [2, 7],
          [3, null],
        ] as const,
      },
    ];
    expect(tableRows(series)).toEqual([
      { timeMs: 3, values: [null, null] },
      { timeMs: 2, values: [20, 7] },
      { timeMs: 1, values: [10, null] },
    ]);
  });
});

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
});
