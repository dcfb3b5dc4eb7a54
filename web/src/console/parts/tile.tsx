import type { ComponentChildren } from "preact";
import type { Point } from "../contract";

interface Props {
  readonly name: string;
  readonly value: ComponentChildren;
  readonly note?: ComponentChildren;
  readonly trend?: readonly Point[];
  readonly href?: string;
  readonly bad?: boolean;
}

/** Figures next to each other. */
export const Tiles = ({ children }: { children: ComponentChildren }) => <dl class="tiles">{children}</dl>;

/** One figure, large, with how it came about. */
export function Tile({ name, value, note, trend, href, bad = false }: Props) {
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

/** A line that shows only how a figure went; the chart below it has its values. */
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
