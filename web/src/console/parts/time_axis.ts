const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720].map((minutes) => minutes * MINUTE);
const DAYS = [1, 2, 3, 7, 14, 28].map((days) => days * DAY);

/** Return at most `limit` round times of a time zone as the ticks of an axis. */
export function axisTicks(
  fromMs: number,
  untilMs: number,
  limit: number,
  zoneOffsetMs: number,
  daysOnly = false,
): number[] {
  const steps = daysOnly ? DAYS : [...STEPS, ...DAYS];
  const smallest = (untilMs - fromMs) / (limit - 1);
  const step = steps.find((ms) => ms >= smallest) ?? Math.ceil(smallest / DAY) * DAY;
  const first = Math.ceil((fromMs + zoneOffsetMs) / step) * step - zoneOffsetMs;
  const ticks = [];
  for (let at = first; at <= untilMs; at += step) {
    ticks.push(at);
  }
  return ticks;
}

/**
 * Return the range of an axis, with half a day on either side for bars of days. A single time also has a margin,
 * because an axis without a length shows neither its point nor a threshold.
 */
export function axisRange(times: readonly number[], byDay: boolean, bars: boolean): { min: number; max: number } {
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const half = byDay && (bars || first === last) ? DAY / 2 : first === last ? HOUR / 2 : 0;
  return { min: first - half, max: last + half };
}
