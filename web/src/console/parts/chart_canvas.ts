import {
  BarController,
  BarElement,
  Chart,
  type ChartConfiguration,
  type ChartDataset,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  Tooltip,
} from "chart.js";
import { useEffect, useState } from "preact/hooks";
import type { Point } from "../contract";
import { clockOrDay, dateTime, day, type Format } from "../format";
import { axisRange, axisTicks } from "./time_axis";

Chart.register(BarController, BarElement, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip);

export interface Series {
  readonly name: string;
  readonly points: readonly Point[];
  readonly kind?: "line" | "area" | "bar";
  /** The custom property with the colour of the series. By default, the series' position selects one. */
  readonly tone?: string;
}

export interface ChartProps {
  readonly caption: string;
  readonly series: readonly Series[];
  readonly format: Format;
  /** True if points are days, in UTC. */
  readonly byDay?: boolean;
  readonly nameOf?: (timeMs: number) => string;
  readonly emptyText?: string;
  readonly threshold?: { readonly name: string; readonly value: number };
}

type Drawn = Chart<"line" | "bar", { x: number; y: number | null }[]>;

/** Line patterns in addition to colours, by position of the series. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [10, 3, 2, 3], [12, 4]];

/** Draw series over time. The caller must destroy the chart. */
export function drawChart(canvas: HTMLCanvasElement, props: ChartProps): Drawn {
  const container = canvas.parentElement as HTMLElement;
  const ink = colour(container, "--faint");
  const gridColour = colour(container, "--line");
  const font = { family: getComputedStyle(container).fontFamily, size: 11 };
  const times = props.series.flatMap((line) => line.points.map(([timeMs]) => timeMs));
  const bars = props.series.some((line) => line.kind === "bar");
  const { min, max } = axisRange(times, props.byDay ?? false, bars);
  const zoneOffsetMs = props.byDay ? 0 : -new Date().getTimezoneOffset() * 60_000;
  const options: ChartConfiguration<"line" | "bar">["options"] = {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: { mode: "index", intersect: false },
    layout: { padding: { top: 6, right: 4 } },
    scales: {
      x: {
        type: "linear",
        offset: false,
        min,
        max,
        grid: { display: false },
        border: { color: gridColour },
        afterBuildTicks: (axis) => {
          const limit = Math.max(2, Math.floor(axis.width / 72));
          axis.ticks = axisTicks(axis.min, axis.max, limit, zoneOffsetMs, props.byDay).map((value) => ({ value }));
        },
        ticks: {
          color: ink,
          font,
          maxRotation: 0,
          callback: (value) => (props.byDay ? day(Number(value)) : clockOrDay(Number(value))),
        },
      },
      y: {
        beginAtZero: true,
        grid: { color: gridColour },
        border: { display: false },
        ticks: { color: ink, font, maxTicksLimit: 5, callback: (value) => props.format(Number(value)) },
        ...(props.threshold ? { suggestedMax: props.threshold.value * 1.2 } : {}),
      },
    },
    plugins: {
      tooltip: {
        backgroundColor: colour(container, "--raised"),
        borderColor: colour(container, "--line-strong"),
        borderWidth: 1,
        titleColor: colour(container, "--ink"),
        bodyColor: colour(container, "--ink"),
        titleFont: { ...font, size: 12 },
        bodyFont: { ...font, size: 12 },
        padding: 10,
        boxPadding: 4,
        usePointStyle: true,
        callbacks: {
          title: ([item]) => (item ? pointTitle(props, item.parsed.x ?? 0) : ""),
          label: (item) => ` ${item.dataset.label}: ${props.format(item.parsed.y)}`,
        },
      },
    },
  };
  const datasets: ChartDataset<"line" | "bar", { x: number; y: number | null }[]>[] = props.series.map((line, at) =>
    dataset(line, at, container),
  );
  if (props.threshold) {
    const edge = colour(container, "--bad");
    datasets.push({
      type: "line",
      label: props.threshold.name,
      data: [min, max].map((x) => ({
        x,
        y: props.threshold?.value ?? null,
      })),
      borderColor: edge,
      borderWidth: 1.5,
      borderDash: [3, 3],
      pointRadius: 0,
      pointHoverRadius: 0,
    });
  }
  return new Chart(canvas, { type: "line", data: { datasets }, options });
}

export function pointTitle({ nameOf, byDay = false }: Pick<ChartProps, "nameOf" | "byDay">, timeMs: number): string {
  return [nameOf?.(timeMs), byDay ? day(timeMs) : dateTime(timeMs)].filter(Boolean).join(", ");
}

function dataset(series: Series, at: number, container: HTMLElement) {
  const data = series.points.map(([x, y]) => ({ x, y }));
  const tone = colour(container, series.tone ?? `--series-${at + 1}`);
  if (series.kind === "bar") {
    return {
      type: "bar" as const,
      label: series.name,
      data,
      backgroundColor: tone,
      borderRadius: 3,
      maxBarThickness: 28,
      grouped: false,
    };
  }
  const sparse = data.filter((point) => point.y !== null).length <= 31;
  return {
    type: "line" as const,
    label: series.name,
    data,
    borderColor: tone,
    backgroundColor: colour(container, series.tone ?? `--series-${at + 1}`, 0.12),
    borderWidth: 2,
    borderDash: [...(DASHES[at % DASHES.length] ?? [])],
    borderJoinStyle: "round" as const,
    cubicInterpolationMode: "monotone" as const,
    fill: series.kind === "area" ? ("origin" as const) : false,
    pointRadius: sparse ? 2.5 : 0,
    pointHoverRadius: 4,
    pointBackgroundColor: tone,
    pointBorderWidth: 0,
    clip: 6, // show points at the edges completely
  };
}

/** Return a number that changes with the colour scheme, to redraw a canvas. */
export function useColourScheme(): number {
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    const changed = () => setTurn((n) => n + 1);
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", changed);
    return () => dark.removeEventListener("change", changed);
  }, []);
  return turn;
}

/** Return the current colour of a custom property for a canvas, with an opacity. */
function colour(container: HTMLElement, property: string, opacity = 1): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  container.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  const parts = value.match(/[\d.]+/g);
  return opacity === 1 || !parts ? value : `rgba(${parts.slice(0, 3).join(", ")}, ${opacity})`;
}
