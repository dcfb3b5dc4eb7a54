/** Paths in a box of 20 by 20, drawn with one line width. */
const PATHS = {
  overview: "M3.5 3.5h5v6h-5zM11.5 3.5h5v3.5h-5zM11.5 10.5h5v6h-5zM3.5 13h5v3.5h-5z",
  models: "M10 2.8 16.5 6.3v7.4L10 17.2 3.5 13.7V6.3zM3.7 6.4 10 9.9l6.3-3.5M10 9.9v7.1",
  trainings: "M4 4.5h4M4 10h8M4 15.5h12M11 4.5h5M15 10h1",
  engagement: "M4 16V11M8 16V7M12 16V9.5M16 16V4",
  experiments: "M8 3v5L3.8 15.2A1.3 1.3 0 0 0 5 17h10a1.3 1.3 0 0 0 1.2-1.8L12 8V3M6.8 3h6.4M6 12.5h8",
  rules: "M4 5h8M15 5h1M4 10h2M9 10h7M4 15h6M13 15h3M13.5 3.2v3.6M7.5 8.2v3.6M11.5 13.2v3.6",
  drift: "M2.5 13c2.5 0 2.5-6 5-6s2.5 6 5 6 2.5-8 5-8",
  quarantine: "M4 7.5h12v9H4zM3 3.8h14v3.7H3zM8 11h4",
  alarms:
    "M10 3a4.5 4.5 0 0 0-4.5 4.5c0 4-1.5 5.5-1.5 5.5h12s-1.5-1.5-1.5-5.5A4.5 4.5 0 0 0 10 3zM8.5 16a1.6 1.6 0 0 0 3 0",
  cost: "M10 3v14M13.5 6.2C13 5 11.7 4.6 10 4.6c-2 0-3.5.9-3.5 2.5 0 3.7 7.2 1.7 7.2 5.5 0 1.8-1.7 2.8-3.7 2.8-1.9 0-3.3-.7-3.7-2.2",
  menu: "M3.5 5.5h13M3.5 10h13M3.5 14.5h13",
  close: "m5 5 10 10M15 5 5 15",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  good: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM6.8 10.2l2.2 2.2 4.2-4.6",
  warn: "M10 3 17.5 16.2h-15zM10 8v4M10 14v.1",
  bad: "M7 2.8h6L17.2 7v6L13 17.2H7L2.8 13V7zM7.5 7.5l5 5M12.5 7.5l-5 5",
  info: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM10 9.2v4.3M10 6.5v.1",
  idle: "M10 2.8a7.2 7.2 0 1 0 0 14.4 7.2 7.2 0 0 0 0-14.4zM7 10h6",
  going: "M10 2.8a7.2 7.2 0 1 0 7.2 7.2M10 6v4l2.8 1.8",
  star: "m10 3 2.1 4.5 4.9.6-3.6 3.4.9 4.9L10 14l-4.3 2.4.9-4.9L3 8.1l4.9-.6z",
  copy: "M7.5 7.5h9v9h-9zM4.5 12.5h-1v-9h9v1",
  pause: "M7 4.5v11M13 4.5v11",
  play: "M6.5 4v12l9.5-6z",
  refresh: "M16 10a6 6 0 1 1-1.8-4.3M16 3.5V7h-3.5",
  up: "M10 16V4.5M5 9.5l5-5 5 5",
  down: "M10 4v11.5M5 10.5l5 5 5-5",
  right: "m8 4.5 5.5 5.5L8 15.5",
  back: "M9 5 4 10l5 5M4.5 10H16",
  exit: "M8 3.5H4v13h4M12 6.5l3.5 3.5-3.5 3.5M15.5 10H8",
  pin: "M7 3.5h6M8 3.5v5l-2.5 3h9L12 8.5v-5M10 11.5V17",
} as const;

export type IconName = keyof typeof PATHS;

/** An icon next to a text with the same meaning. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
