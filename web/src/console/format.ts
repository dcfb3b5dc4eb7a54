/** Texts of figures and times, in English and in the reader's time zone. */

const DASH = "–";
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const dollars = new Intl.NumberFormat("en", { style: "currency", currency: "USD" });
const cents = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 4 });

type Maybe = number | null | undefined;

export type Format = (value: Maybe) => string;

const orDash =
  (write: (value: number) => string): Format =>
  (value) =>
    value === null || value === undefined || !Number.isFinite(value) ? DASH : write(value);

export const count: Format = orDash((value) => (value >= 1e6 ? short.format(value) : whole.format(value)));

/** Format a figure with at most three significant digits, or as an integer from 1,000: 0.0123, 1.23, 12.3, 1,235. */
export const figure: Format = orDash((value) => {
  if (value !== 0 && Math.abs(value) < 1e-4) {
    return value.toExponential(1);
  }
  return new Intl.NumberFormat(
    "en",
    Math.abs(value) < 1000 ? { maximumSignificantDigits: 3 } : { maximumFractionDigits: 0 },
  ).format(value);
});

export const measure: Format = orDash((value) => value.toFixed(3));

export const percent: Format = orDash((value) => {
  const hundred = value * 100;
  const size = Math.abs(hundred);
  const digits = size === 0 || size >= 99.95 ? 0 : size < 1 ? 2 : 1;
  return `${hundred.toFixed(digits)}%`;
});

/** Format a relative difference: +4.2%. */
export const lift: Format = orDash((value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${percent(Math.abs(value))}`);

export const money: Format = orDash((value) => dollars.format(value));

export const unitPrice: Format = orDash((value) =>
  Math.abs(value) >= 1 ? dollars.format(value) : cents.format(value),
);

export const milliseconds: Format = orDash((value) =>
  value > 0 && value < 9.95 ? `${value.toFixed(1)} ms` : duration(value),
);

/** Format a duration in at most two units: 480 ms, 12 s, 3 min 20 s, 4 h 5 min, 2 d 3 h. */
export const duration: Format = orDash((value) => {
  const ms = Math.round(value);
  if (ms < SECOND) {
    return `${ms} ms`;
  }
  if (ms < 10 * SECOND) {
    return `${Number((ms / SECOND).toFixed(1))} s`;
  }
  if (ms < MINUTE - SECOND / 2) {
    return `${Math.round(ms / SECOND)} s`;
  }
  if (ms < HOUR - SECOND / 2) {
    return pair(ms, MINUTE, "min", SECOND, "s");
  }
  return ms < DAY - MINUTE / 2 ? pair(ms, HOUR, "h", MINUTE, "min") : pair(ms, DAY, "d", HOUR, "h");
});

function pair(value: number, large: number, largeName: string, small: number, smallName: string): string {
  const all = Math.round(value / small) * small;
  const rest = Math.round((all % large) / small);
  return `${Math.floor(all / large)} ${largeName}${rest ? ` ${rest} ${smallName}` : ""}`;
}

/** Format a time relative to now in one unit: `just now`, `4 min ago`, `in 2 h`. */
export function ago(thenMs: number, nowMs: number): string {
  const past = nowMs - thenMs;
  const size = Math.abs(past);
  if (size < 5 * SECOND) {
    return "just now";
  }
  const [unit, name]: [number, string] =
    size < MINUTE ? [SECOND, "s"] : size < HOUR ? [MINUTE, "min"] : size < 2 * DAY ? [HOUR, "h"] : [DAY, "days"];
  const words = `${Math.floor(size / unit)} ${name}`;
  return past > 0 ? `${words} ago` : `in ${words}`;
}

const clock = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const dayAndClock = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  hourCycle: "h23",
});
const utcDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

const localDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

export const clockTime = (ms: number): string => clock.format(ms);
/** Format the time of day, or the day at midnight. */
export const clockOrDay = (ms: number): string => {
  const at = new Date(ms);
  return at.getHours() + at.getMinutes() === 0 ? localDay.format(ms) : clock.format(ms);
};
export const dateTime = (ms: number): string => dayAndClock.format(ms);
/** Format the UTC date of a time, because the lake's days are UTC. */
export const day = (ms: number): string => utcDay.format(ms);
export const dayMs = (isoDate: string): number => Date.parse(`${isoDate}T00:00:00Z`);
export const utc = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** Replace the separators in a name of the API by spaces: `rolled_back` becomes `rolled back`. */
export const words = (name: string): string => name.replaceAll(/[_-]/g, " ");

export const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

export const plural = (n: number, one: string, many = `${one}s`): string => `${count(n)} ${n === 1 ? one : many}`;
