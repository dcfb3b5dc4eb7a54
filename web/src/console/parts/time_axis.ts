const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE);
const DAYS = [1, 2, 3, 7, 14, 28].map((days) => days * DAY);

/** At which times an axis has its marks: round ones of the given zone, `most` at most. */
export function timeMarks(
  fromMs: number,
  untilMs: number,
  most: number,
  zoneOffsetMs: number,
  daysOnly = false,
): number[] {
  const steps = daysOnly ? DAYS : [...STEPS, ...DAYS];
  const step = steps.find((ms) => (untilMs - fromMs) / ms <= most - 1) ?? (steps.at(-1) as number);
  const first = Math.ceil((fromMs + zoneOffsetMs) / step) * step - zoneOffsetMs;
  const marks = [];
  for (let at = first; at <= untilMs; at += step) {
    marks.push(at);
  }
  return marks;
}

/**
 * From where to where an axis goes, with half a day for bars of days on either side. A single time has room on either
 * side, too: an axis without a length shows neither its point nor a line across.
 */
export function timeRange(times: readonly number[], byDay: boolean, bars: boolean): { min: number; max: number } {
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const half = byDay && (bars || first === last) ? DAY / 2 : first === last ? HOUR / 2 : 0;
  return { min: first - half, max: last + half };
}
