import type { Point, Traffic } from "./contract";

/** The series without the periods that are not over yet: those have counted only a part of what they will. */
export function over({ series, periodS, untilMs }: Traffic): Traffic["series"] {
  const ended = ([name, points]: [string, readonly Point[]]) => [
    name,
    points.filter(([timeMs]) => timeMs + periodS * 1000 <= untilMs),
  ];
  return Object.fromEntries(Object.entries(series).map(ended)) as Traffic["series"];
}

/** Counts where nothing is counted as 0: what counts says only what happened. All of nothing stays so. */
export const counted = (points: readonly Point[]): readonly Point[] =>
  points.some(([, value]) => value !== null) ? points.map(([timeMs, value]) => [timeMs, value ?? 0]) : points;

/** Counts of a period as a rate a second. */
export const perSecond = (points: readonly Point[], periodS: number): Point[] =>
  counted(points).map(([timeMs, value]) => [timeMs, value === null ? null : value / periodS]);

/** The latest value that is known. */
export const latest = (points: readonly Point[]): number | null =>
  points.findLast(([, value]) => value !== null)?.[1] ?? null;

export const highest = (points: readonly Point[]): number | null => {
  const known = points.map(([, value]) => value).filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
};

export const total = (points: readonly Point[]): number => points.reduce((sum, [, value]) => sum + (value ?? 0), 0);

/** The share of one count in another over the whole time; null if the other is 0. */
export const shareOf = (part: readonly Point[], whole: readonly Point[]): number | null =>
  total(whole) > 0 ? total(part) / total(whole) : null;

/** Fewer requests than these say nothing about a share: the alarms wait for as many. */
const LEAST_REQUESTS = 20;

/** Return whether a share of `whole` requests is above a threshold, and of enough requests to mean something. */
export const isHigh = (share: number | null, whole: number, threshold: number): boolean =>
  share !== null && whole >= LEAST_REQUESTS && share > threshold;

/** The same, point by point. */
export function shares(part: readonly Point[], whole: readonly Point[]): Point[] {
  const parts = new Map(part);
  return whole.map(([timeMs, value]) => [timeMs, value ? (parts.get(timeMs) ?? 0) / value : null]);
}
