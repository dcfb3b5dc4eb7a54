import type { Alarms, Point, Traffic } from "./contract";

/** Return the series without periods that are still running, which are counted only in part. */
export function completePeriods({ series, periodS, untilMs }: Traffic): Traffic["series"] {
  const ended = ([name, points]: [string, readonly Point[]]) => [
    name,
    points.filter(([timeMs]) => timeMs + periodS * 1000 <= untilMs),
  ];
  return Object.fromEntries(Object.entries(series).map(ended)) as Traffic["series"];
}

/** Replace gaps by 0, because counters report only events. A series without any value is unchanged. */
export const withZeros = (points: readonly Point[]): readonly Point[] =>
  points.some(([, value]) => value !== null) ? points.map(([timeMs, value]) => [timeMs, value ?? 0]) : points;

export const perMinute = (points: readonly Point[], periodS: number): Point[] =>
  withZeros(points).map(([timeMs, value]) => [timeMs, value === null ? null : (value * 60) / periodS]);

export const latest = (points: readonly Point[]): number | null =>
  points.findLast(([, value]) => value !== null)?.[1] ?? null;

export const highest = (points: readonly Point[]): readonly [timeMs: number, value: number] | null =>
  points
    .filter((point): point is [number, number] => point[1] !== null)
    .reduce<readonly [number, number] | null>((best, point) => (best && best[1] >= point[1] ? best : point), null);

export const total = (points: readonly Point[]): number => points.reduce((sum, [, value]) => sum + (value ?? 0), 0);

/** Return the share of `part` in `whole`, both summed over all periods, or null if the sum of `whole` is 0. */
export const shareOf = (part: readonly Point[], whole: readonly Point[]): number | null =>
  total(whole) > 0 ? total(part) / total(whole) : null;

/** Return the threshold of the alarm with an ID such as `ApiSlow`, or null if there is no threshold. */
export const thresholdOf = (alarms: Alarms | null, id: string): number | null =>
  alarms?.alarms.find((alarm) => alarm.id === id)?.condition?.threshold ?? null;

/** Minimum number of requests for a meaningful share, as in the alarms. */
const MIN_REQUESTS = 20;

export const isHigh = (share: number | null, whole: number, percent: number | null): boolean =>
  share !== null && percent !== null && whole >= MIN_REQUESTS && share * 100 > percent;

export function shares(part: readonly Point[], whole: readonly Point[]): Point[] {
  const parts = new Map(part);
  return whole.map(([timeMs, value]) => [timeMs, value ? (parts.get(timeMs) ?? 0) / value : null]);
}
