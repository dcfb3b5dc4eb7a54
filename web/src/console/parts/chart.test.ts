import { describe, expect, it } from "vitest";
import { dayMs, figure } from "../format";
import { summary, tableRows } from "./chart";

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
