import { useFeed } from "../context";
import type { Engagement, EngagementRow } from "../contract";
import { count, dayMs, type Format, figure, percent, plural, words } from "../format";
import { Answered } from "../parts/answered";
import { TimeChart } from "../parts/chart";
import { Choice } from "../parts/choice";
import { Table } from "../parts/table";
import { engagement } from "../questions";
import { type Route, replaceQuery } from "../routing";
import { NotCounted } from "./not_counted";

const BY = { all: "All", recommender: "Recommender", model: "Model", arm: "Arm" };
const DAYS = { 7: "7 days", 14: "14 days", 28: "28 days" };
const LINES = 5;

type Metric = Exclude<keyof EngagementRow, "name">;

const METRICS: Readonly<Record<Metric, [string, Format]>> = {
  clickThrough: ["Click-through", percent],
  conversion: ["Conversion", percent],
  revenuePerThousand: ["Revenue per 1,000 responses", figure],
  revenue: ["Revenue", figure],
  answers: ["Responses", count],
  impressions: ["Impressions", count],
  clicks: ["Clicks", count],
  carts: ["Carts", count],
  purchases: ["Purchases", count],
  coverage: ["Coverage", percent],
  novelty: ["Novelty, bits", figure],
  newItemShare: ["New items", percent],
  degradedShare: ["Degraded", percent],
};

export function EngagementView({ route }: { route: Route }) {
  const by = route.query.by && route.query.by in BY ? route.query.by : "all";
  const days = route.query.days && route.query.days in DAYS ? route.query.days : "14";
  const metric = (route.query.metric && route.query.metric in METRICS ? route.query.metric : "clickThrough") as Metric;
  const feed = useFeed<Engagement>(engagement(Number(days), by), 300_000);
  return (
    <div class="stack">
      <div class="filters">
        <Choice name="By" options={BY} value={by} choose={(value) => replaceQuery(route, { by: value })} />
        <Choice name="Time" options={DAYS} value={days} choose={(value) => replaceQuery(route, { days: value })} />
        <label class="pick">
          Metric
          <select value={metric} onChange={(event) => replaceQuery(route, { metric: event.currentTarget.value })}>
            {Object.entries(METRICS).map(([name, [title]]) => (
              <option key={name} value={name}>
                {title}
              </option>
            ))}
          </select>
        </label>
      </div>
      <Answered feed={feed} what="engagement">
        {(found) => <Found found={found} metric={metric} by={BY[by as keyof typeof BY]} />}
      </Answered>
    </div>
  );
}

function Found({ found, metric, by }: { found: Engagement; metric: Metric; by: string }) {
  if (found.totals.every((row) => row.answers === 0)) {
    return <NotCounted found={found} />;
  }
  const [title, format] = METRICS[metric];
  const rejected = Object.entries(found.rejected).filter(([, events]) => events > 0);
  return (
    <>
      <TimeChart
        caption={`${title} by day`}
        byDay
        format={format}
        series={[...found.totals]
          .sort((a, b) => b.answers - a.answers)
          .slice(0, LINES)
          .map((total) => ({
            name: total.name,
            points: found.days.map(
              ({ date, rows }) => [dayMs(date), rows.find((row) => row.name === total.name)?.[metric] ?? null] as const,
            ),
          }))}
      />
      {found.totals.length > LINES && (
        <p class="faint">The chart shows the {LINES} rows with the most responses; the table shows all.</p>
      )}
      <Table
        caption={`${found.from} to ${found.to}, UTC`}
        rows={found.totals}
        keyOf={(row) => row.name}
        columns={[
          { name: by === "All" ? "Responses of" : by, cell: (row) => <span class="identifier">{row.name}</span> },
          ...(["answers", "impressions", "clicks", "carts", "purchases"] as const).map((name) => ({
            name: METRICS[name][0],
            number: true,
            cell: (row: EngagementRow) => count(row[name]),
          })),
          { name: "Click-through", number: true, cell: (row) => percent(row.clickThrough) },
          { name: "Conversion", number: true, cell: (row) => percent(row.conversion) },
          {
            name: "Revenue",
            number: true,
            title: "As stated by the shop's events, in its currency",
            cell: (row) => figure(row.revenue),
          },
          { name: "per 1,000", number: true, cell: (row) => figure(row.revenuePerThousand) },
          { name: "Coverage", number: true, cell: (row) => percent(row.coverage) },
          { name: "Novelty", number: true, title: "Bits", cell: (row) => figure(row.novelty) },
          { name: "New items", number: true, cell: (row) => percent(row.newItemShare) },
          { name: "Degraded", number: true, cell: (row) => percent(row.degradedShare) },
        ]}
      />
      {rejected.length > 0 && (
        <section class="card padded">
          <h2>Events that were not counted</h2>
          <ul class="plain">
            {rejected.map(([reason, events]) => (
              <li key={reason}>
                {plural(events, "event")}: {words(reason)}
              </li>
            ))}
          </ul>
        </section>
      )}
    </>
  );
}
