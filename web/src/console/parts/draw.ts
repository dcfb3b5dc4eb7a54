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
import { clockOrDay, dateTime, day } from "../format";
import type { ChartProps, Series } from "./chart";
import { colour } from "./scheme";
import { timeMarks, timeRange } from "./time_axis";

Chart.register(BarController, BarElement, Filler, LinearScale, LineController, LineElement, PointElement, Tooltip);

type Drawn = Chart<"line" | "bar", { x: number; y: number | null }[]>;

/** Line patterns in addition to colours, by place: solid, dashed, dotted. */
export const DASHES: readonly (readonly number[])[] = [[], [6, 4], [2, 3], [10, 3, 2, 3], [12, 4]];

/** Draw series over time; what is drawn is the caller's to destroy. */
export function draw(canvas: HTMLCanvasElement, props: ChartProps): Drawn {
  const place = canvas.parentElement as HTMLElement;
  const ink = colour(place, "--faint");
  const line = colour(place, "--line");
  const font = { family: getComputedStyle(place).fontFamily, size: 11 };
  const times = props.series.flatMap((one) => one.points.map(([timeMs]) => timeMs));
  const bars = props.series.some((one) => one.kind === "bar");
  const { min, max } = timeRange(times, props.byDay ?? false, bars);
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
        border: { color: line },
        afterBuildTicks: (axis) => {
          const most = Math.max(2, Math.floor(axis.width / 72));
          axis.ticks = timeMarks(axis.min, axis.max, most, zoneOffsetMs, props.byDay).map((value) => ({ value }));
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
        grid: { color: line },
        border: { display: false },
        ticks: { color: ink, font, maxTicksLimit: 5, callback: (value) => props.format(Number(value)) },
        ...(props.threshold ? { suggestedMax: props.threshold.value * 1.2 } : {}),
      },
    },
    plugins: {
      tooltip: {
        backgroundColor: colour(place, "--raised"),
        borderColor: colour(place, "--line-strong"),
        borderWidth: 1,
        titleColor: colour(place, "--ink"),
        bodyColor: colour(place, "--ink"),
        titleFont: { ...font, size: 12 },
        bodyFont: { ...font, size: 12 },
        padding: 10,
        boxPadding: 4,
        usePointStyle: true,
        callbacks: {
          title: ([item]) => (item ? (props.byDay ? day(item.parsed.x ?? 0) : dateTime(item.parsed.x ?? 0)) : ""),
          label: (item) => ` ${item.dataset.label}: ${props.format(item.parsed.y)}`,
        },
      },
    },
  };
  const datasets: ChartDataset<"line" | "bar", { x: number; y: number | null }[]>[] = props.series.map((one, at) =>
    dataset(one, at, place),
  );
  if (props.threshold) {
    const edge = colour(place, "--bad");
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

function dataset(series: Series, at: number, place: HTMLElement) {
  const data = series.points.map(([x, y]) => ({ x, y }));
  const tone = colour(place, series.tone ?? `--series-${at + 1}`);
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
    backgroundColor: colour(place, series.tone ?? `--series-${at + 1}`, 0.12),
    borderWidth: 2,
    borderDash: [...(DASHES[at % DASHES.length] ?? [])],
    borderJoinStyle: "round" as const,
    cubicInterpolationMode: "monotone" as const,
    fill: series.kind === "area" ? ("origin" as const) : false,
    pointRadius: sparse ? 2.5 : 0,
    pointHoverRadius: 4,
    pointBackgroundColor: tone,
    pointBorderWidth: 0,
  };
}
