import { type QueryResult, useQuery } from "../context";
import type { EngagementReport, EngagementRow } from "../contract";
import { count, day, dayMs, type Format, figure, percent, plural, words } from "../format";
import { TimeChart } from "../parts/chart";
import { RadioGroup } from "../parts/elements";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { engagement } from "../queries";
import type { Query } from "../query_cache";
import { type Route, replaceQuery } from "../routing";
import { IncrementalSales } from "./increments";
import { RefreshButton } from "./refresh_button";

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
  const request = engagement(Number(days), by);
  const query = useQuery<EngagementReport>(request, 300_000);
  return (
    <div class="stack">
      <div class="filters">
        <RadioGroup name="By" options={BY} value={by} choose={(value) => replaceQuery(route, { by: value })} />
        <RadioGroup name="Time" options={DAYS} value={days} choose={(value) => replaceQuery(route, { days: value })} />
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
        <span class="grow" />
        {query.data && hasRecommendations(query.data) && <CountButton query={request} />}
      </div>
      <QueryContent query={query} content="engagement">
        {(report) => (
          <EngagementDetails report={report} query={request} metric={metric} by={BY[by as keyof typeof BY]} />
        )}
      </QueryContent>
      <IncrementalSales />
    </div>
  );
}

interface DetailsProps {
  readonly report: EngagementReport;
  readonly query: Query;
  readonly metric: Metric;
  readonly by: string;
}

function EngagementDetails({ report, query, metric, by }: DetailsProps) {
  if (!hasRecommendations(report)) {
    return <NoEngagement report={report} query={query} />;
  }
  const [title, format] = METRICS[metric];
  const rejected = Object.entries(report.rejected).filter(([, events]) => events > 0);
  return (
    <>
      <TimeChart
        caption={`${title} by day`}
        byDay
        format={format}
        series={[...report.totals]
          .sort((a, b) => b.answers - a.answers)
          .slice(0, LINES)
          .map((total) => ({
            name: by === "All" ? title : total.name,
            points: report.days.map(
              ({ date, rows }) => [dayMs(date), rows.find((row) => row.name === total.name)?.[metric] ?? null] as const,
            ),
          }))}
      />
      {report.totals.length > LINES && (
        <p class="faint">The chart shows the {LINES} rows with the most responses; the table shows all.</p>
      )}
      <Table
        caption={`${day(dayMs(report.from))} to ${day(dayMs(report.to))}, days in UTC`}
        rows={report.totals}
        keyOf={(row) => row.name}
        columns={[
          {
            name: by === "All" ? "Recommendations" : by,
            cell: (row) => (by === "All" ? "All" : <span class="identifier">{row.name}</span>),
          },
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

export function ClickThrough({ query, result }: { query: Query; result: QueryResult<EngagementReport> }) {
  return (
    <QueryContent query={result} content="engagement" skeletonLines={1}>
      {(report) =>
        !hasRecommendations(report) ? (
          <NoEngagement report={report} query={query} />
        ) : (
          <TimeChart
            caption="Click-through by day"
            byDay
            format={percent}
            series={[
              {
                name: "Click-through",
                kind: "bar",
                points: report.days.map(({ date, rows }) => [dayMs(date), rows[0]?.clickThrough ?? null] as const),
              },
            ]}
          />
        )
      }
    </QueryContent>
  );
}

const hasRecommendations = (report: EngagementReport): boolean => report.totals.some((row) => row.answers > 0);

function NoEngagement({ report, query }: { report: EngagementReport; query: Query }) {
  return report.totals.length === 0 ? (
    <EmptyState title="Not counted yet">
      <p>Attribution has not run for these days. It runs on a schedule, or now:</p>
      <CountButton query={query} primary />
    </EmptyState>
  ) : (
    <EmptyState title="No recommendations in these days">
      <p>Attribution counts events that carry the ID of a recommendation.</p>
    </EmptyState>
  );
}

function CountButton({ query, primary = false }: { query: Query; primary?: boolean }) {
  return (
    <RefreshButton
      verb="Count now"
      query={query}
      started="Attribution has started. The figures follow within some minutes."
      primary={primary}
    />
  );
}
