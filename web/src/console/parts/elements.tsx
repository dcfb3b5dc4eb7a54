import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { useConsole, useNow } from "../context";
import type { Point } from "../contract";
import { ago, dateTime, utc } from "../format";
import { Icon, type IconName } from "./icons";

export type Tone = "good" | "warn" | "bad" | "info" | "idle" | "going";

/** A state as a word with an icon, readable without its colour. */
export function Status({ tone, icon, children }: { tone: Tone; icon?: IconName; children: ComponentChildren }) {
  return (
    <span class={`status ${tone}`}>
      <Icon name={icon ?? tone} />
      <span>{children}</span>
    </span>
  );
}

/** A relative time, or the local date and time, with UTC in the tooltip. */
export function Timestamp({ ms, exact = false }: { ms: number; exact?: boolean }) {
  const now = useNow();
  return (
    <time dateTime={new Date(ms).toISOString()} title={exact ? utc(ms) : `${dateTime(ms)} here, ${utc(ms)}`}>
      {exact ? dateTime(ms) : ago(ms, now)}
    </time>
  );
}

interface RadioGroupProps {
  readonly name: string;
  readonly options: Readonly<Record<string, string>>;
  readonly value: string;
  readonly choose: (value: string) => void;
}

export function RadioGroup({ name, options, value, choose }: RadioGroupProps) {
  const id = useId();
  return (
    <fieldset class="choice">
      <legend>{name}</legend>
      <div>
        {Object.entries(options).map(([option, title]) => (
          <label key={option}>
            <input type="radio" name={id} value={option} checked={option === value} onChange={() => choose(option)} />
            <span>{title}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

export function Command({ text }: { text: string }) {
  const { announce } = useConsole();
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      announce(`Copied: ${text}`);
    } catch {
      announce("This browser does not let the page copy: select the command instead.");
    }
  };
  return (
    <span class="command">
      <code>{text}</code>
      <button type="button" class="quiet small" onClick={() => void copy()} aria-label={`Copy: ${text}`}>
        <Icon name="copy" />
      </button>
    </span>
  );
}

export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

interface TileProps {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly trend?: readonly Point[];
  readonly href?: string;
  readonly bad?: boolean;
}

export const Tiles = ({ children }: { children: ComponentChildren }) => <dl class="tiles">{children}</dl>;

export function Tile({ name, value, note, trend, href, bad = false }: TileProps) {
  return (
    <div class={`tile card${bad ? " bad" : ""}`}>
      <dt>{href ? <a href={href}>{name}</a> : name}</dt>
      <dd class="value">{value}</dd>
      {note && <dd class="note-line">{note}</dd>}
      {trend && (
        <dd class="trend" aria-hidden="true">
          <Spark points={trend} />
        </dd>
      )}
    </div>
  );
}

function Spark({ points }: { points: readonly Point[] }) {
  const known = points.filter((point): point is [number, number] => point[1] !== null);
  const [first, last] = [known[0], known.at(-1)];
  if (!first || !last || known.length < 2) {
    return null;
  }
  const top = Math.max(...known.map(([, value]) => value)) || 1;
  const at = ([timeMs, value]: readonly [number, number]) =>
    `${(((timeMs - first[0]) / (last[0] - first[0])) * 100).toFixed(1)} ${(27 - (value / top) * 24).toFixed(1)}`;
  const line = known.map(at).join("L");
  return (
    <svg class="spark" viewBox="0 0 100 28" preserveAspectRatio="none" aria-hidden="true">
      <path class="under" d={`M${line}L100 28L0 28Z`} />
      <path class="line" d={`M${line}`} />
    </svg>
  );
}
