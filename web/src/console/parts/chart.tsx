import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Point } from "../contract";
import { clockTime, dateTime, day, type Format } from "../format";
import { DASHES, draw } from "./draw";
import { useScheme } from "./scheme";
import { Table } from "./table";

const DAY_MS = 86_400_000;

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  readonly kind?: "line" | "area" | "bar";
  /** The custom property of its colour; by its place where it is left out. */
  readonly tone?: string;
}

export interface ChartProps {
  readonly caption: string;
  readonly series: readonly Series[];
  readonly format: Format;
  /** True if points are days, in UTC. */
  readonly byDay?: boolean;
  /** The text if there is nothing to draw. */
  readonly nothing?: string;
  readonly threshold?: { readonly name: string; readonly value: number };
}

/** Series over time: a drawing, what it says in words, and the same as a table. */
export function TimeChart(props: ChartProps) {
  const { caption, series, format, byDay = false, threshold, nothing = "Nothing was counted in this time." } = props;
  const scheme = useScheme();
  const canvas = useRef<HTMLCanvasElement>(null);
  const content = JSON.stringify([series, threshold]);
  const something = series.some((one) => one.points.some(([, value]) => value !== null));
  useEffect(() => {
    if (!canvas.current || !something) {
      return;
    }
    const drawn = draw(canvas.current, props);
    return () => drawn.destroy();
  }, [content, scheme, something]);
  const said = useMemo(() => series.map((one) => summary(one, format, byDay)), [series, format, byDay]);
  return (
    <figure class="chart card">
      <figcaption>
        <b>{caption}</b>
        <ul class="legend">
          {series.length > 1 && series.map((one, at) => <Swatch key={one.name} series={one} at={at} />)}
          {threshold && <Swatch series={{ name: threshold.name, points: [], tone: "--bad" }} at={2} />}
        </ul>
      </figcaption>
      {something ? (
        <div class="drawing">
          <canvas ref={canvas} role="img" aria-label={`${caption}. ${said.join(" ")}`} />
        </div>
      ) : (
        <p class="drawing nothing">{nothing}</p>
      )}
      {something && (
        <>
          <p class="summary">{said.join(" ")}</p>
          <AsTable caption={caption} series={series} format={format} byDay={byDay} />
        </>
      )}
    </figure>
  );
}

function Swatch({ series, at }: { series: Series; at: number }) {
  return (
    <li>
      <svg viewBox="0 0 24 8" aria-hidden="true" style={{ color: `var(${series.tone ?? `--series-${at + 1}`})` }}>
        {series.kind === "bar" ? (
          <rect x="8" y="0" width="8" height="8" rx="2" fill="currentColor" />
        ) : (
          <line
            x1="0"
            x2="24"
            y1="4"
            y2="4"
            stroke="currentColor"
            stroke-width="2.5"
            stroke-dasharray={(DASHES[at % DASHES.length] ?? []).join(" ")}
          />
        )}
      </svg>
      {series.name}
    </li>
  );
}

/** The latest and the highest value of a series, as a sentence. */
export function summary(series: Series, format: Format, byDay: boolean): string {
  const known = series.points.filter((point): point is [number, number] => point[1] !== null);
  const latest = known.at(-1);
  if (!latest) {
    return `${series.name}: nothing counted.`;
  }
  const highest = known.reduce((best, point) => (point[1] > best[1] ? point : best));
  const at = byDay ? day(highest[0]) : latest[0] - highest[0] < DAY_MS ? clockTime(highest[0]) : dateTime(highest[0]);
  return `${series.name}: ${format(latest[1])} latest, ${format(highest[1])} highest (${at}).`;
}

function AsTable({
  caption,
  series,
  format,
  byDay,
}: Required<Pick<ChartProps, "caption" | "series" | "format" | "byDay">>) {
  const [open, setOpen] = useState(false);
  return (
    <details class="as-table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Show as a table<span class="visually-hidden">: {caption}</span>
      </summary>
      {open && (
        <Table
          caption={caption}
          hideCaption
          rows={rowsOf(series)}
          keyOf={(row) => String(row.timeMs)}
          columns={[
            { name: "Time", cell: (row) => (byDay ? day(row.timeMs) : dateTime(row.timeMs)) },
            ...series.map((one, at) => ({
              name: one.name,
              number: true,
              cell: (row: { values: readonly (number | null)[] }) => format(row.values[at]),
            })),
          ]}
        />
      )}
    </details>
  );
}

/** Every time that a series has, the latest first, with each series' value then. */
export function rowsOf(series: readonly Series[]): { timeMs: number; values: (number | null)[] }[] {
  const byTime = series.map((one) => new Map(one.points));
  const times = [...new Set(byTime.flatMap((points) => [...points.keys()]))].sort((a, b) => b - a);
  return times.map((timeMs) => ({ timeMs, values: byTime.map((points) => points.get(timeMs) ?? null) }));
}
