import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { clockTime, dateTime, day, type Format } from "../format";
import { type ChartProps, DASHES, drawChart, pointTitle, type Series, useColourScheme } from "./chart_canvas";
import { Table } from "./table";

const DAY_MS = 86_400_000;

export function TimeChart(props: ChartProps) {
  const { caption, series, format, byDay = false, threshold, emptyText = "Nothing was counted in this time." } = props;
  const scheme = useColourScheme();
  const canvas = useRef<HTMLCanvasElement>(null);
  const contentKey = JSON.stringify([series, threshold]);
  const hasValues = series.some((line) => line.points.some(([, value]) => value !== null));
  useEffect(() => {
    if (!canvas.current || !hasValues) {
      return;
    }
    const drawn = drawChart(canvas.current, props);
    return () => drawn.destroy();
  }, [contentKey, scheme, hasValues]);
  const summaries = useMemo(() => series.map((line) => summary(line, format, byDay)), [series, format, byDay]);
  return (
    <figure class="chart card">
      <figcaption>
        <b>{caption}</b>
        <ul class="legend">
          {series.length > 1 && series.map((line, at) => <Swatch key={line.name} series={line} at={at} />)}
          {threshold && <Swatch series={{ name: threshold.name, points: [], tone: "--bad" }} at={2} />}
        </ul>
      </figcaption>
      {hasValues ? (
        <div class="drawing">
          <canvas ref={canvas} role="img" aria-label={`${caption}. ${summaries.join(" ")}`} />
        </div>
      ) : (
        <p class="drawing nothing">{emptyText}</p>
      )}
      {hasValues && (
        <>
          <p class="summary">{summaries.join(" ")}</p>
          <ChartTable {...props} />
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

function ChartTable(props: ChartProps) {
  const { caption, series, format } = props;
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
          rows={tableRows(series)}
          keyOf={(row) => String(row.timeMs)}
          columns={[
            { name: "Time", cell: (row) => pointTitle(props, row.timeMs) },
            ...series.map((line, at) => ({
              name: line.name,
              number: true,
              cell: (row: { values: readonly (number | null)[] }) => format(row.values[at]),
            })),
          ]}
        />
      )}
    </details>
  );
}

/** Return one row per time with the values of all series, the latest first. */
export function tableRows(series: readonly Series[]): { timeMs: number; values: (number | null)[] }[] {
  const byTime = series.map((line) => new Map(line.points));
  const times = [...new Set(byTime.flatMap((points) => [...points.keys()]))].sort((a, b) => b - a);
  return times.map((timeMs) => ({ timeMs, values: byTime.map((points) => points.get(timeMs) ?? null) }));
}
