import { describe, expect, it } from "vitest";
import { ago, duration, figure, lift, milliseconds, money, percent, plural, unitPrice, utc } from "./format";

const MINUTE = 60_000;

describe("a figure", () => {
  it("has three digits that count", () => {
    expect([0, 0.012345, 1.2345, 12.345, 1234.5].map(figure)).toEqual(["0", "0.0123", "1.23", "12.3", "1,235"]);
    expect(figure(0.0000201)).toBe("2.0e-5");
  });

  it("is a dash if it is unknown", () => {
    expect([figure(null), percent(undefined), money(Number.NaN)]).toEqual(["–", "–", "–"]);
  });
});

describe("a share", () => {
  it("has two decimals below one in a hundred and none if it is whole", () => {
    expect([0, 0.0021, 0.0531, 1].map(percent)).toEqual(["0%", "0.21%", "5.3%", "100%"]);
  });

  it("has a sign as a lift", () => {
    expect([0.066, -0.011, 0].map(lift)).toEqual(["+6.6%", "−1.1%", "0%"]);
  });
});

describe("a duration", () => {
  it("is in two units at most", () => {
    expect([480, 12_000, 200_000, 14_700_000, 183_600_000].map(duration)).toEqual([
      "480 ms",
      "12 s",
      "3 min 20 s",
      "4 h 5 min",
      "2 d 3 h",
    ]);
  });

  it.each([
    [999.6, "1 s"],
    [59_600, "1 min"],
    [2 * MINUTE - 200, "2 min"],
    [60 * MINUTE - 200, "1 h"],
    [24 * 60 * MINUTE - 20_000, "1 d"],
  ])("of %d ms carries rounding into the larger unit", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("is in milliseconds as a latency", () => {
    expect([0, 4.24, 9.96, 92.4, 999.6, 1500].map(milliseconds)).toEqual([
      "0 ms",
      "4.2 ms",
      "10 ms",
      "92 ms",
      "1 s",
      "1.5 s",
    ]);
  });
});

describe("a time", () => {
  it("is relative, in the past or in the future", () => {
    const now = 10_000_000;
    expect([now - 1000, now - 42_000, now - 5 * MINUTE, now + 120 * MINUTE].map((then) => ago(then, now))).toEqual([
      "just now",
      "42 s ago",
      "5 min ago",
      "in 2 h",
    ]);
  });

  it("has a UTC form", () => {
    expect(utc(Date.UTC(2026, 10, 26, 5, 17))).toBe("2026-11-26 05:17:00 UTC");
  });
});

it("a price of one unit keeps the digits of a small part of a cent", () => {
  expect([0.0000012, 0.1, 2.5].map(unitPrice)).toEqual(["$0.0000012", "$0.1", "$2.50"]);
});

it("a count of one is singular", () => {
  expect([plural(1, "record"), plural(1200, "record")]).toEqual(["1 record", "1,200 records"]);
});
