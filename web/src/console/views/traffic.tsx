import { useState } from "preact/hooks";
import { lastPromotion } from "../champion";
import { type QueryResult, useNow, useQuery } from "../context";
import type { Alarms, EngagementReport, Models, Traffic } from "../contract";
import { clockTime, count, dayMs, duration, figure, milliseconds, percent, plural } from "../format";
import { TimeChart } from "../parts/chart";
import { RadioGroup, Tile, Tiles } from "../parts/elements";
import { QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import * as queries from "../queries";
import { href } from "../routing";
import { runbookHref } from "../runbooks";
import {
  completePeriods,
  highest,
  isHigh,
  latest,
  perMinute,
  shareOf,
  shares,
  thresholdOf,
  total,
  withZeros,
} from "../traffic_metrics";

const MINUTES = { 60: "Hour", 360: "6 hours", 1440: "Day" };

interface Props {
  readonly alarms: Alarms | null;
  readonly models: QueryResult<Models>;
  readonly engagement: QueryResult<EngagementReport>;
}

export function TrafficSection({ alarms, models, engagement }: Props) {
  const [minutes, setMinutes] = useState("60");
  const query = useQuery<Traffic>(queries.traffic(Number(minutes)), queries.LIVE_MS);
  return (
    <section class="stack" aria-labelledby="now">
      <div class="row">
        <h2 id="now">Traffic</h2>
        <span class="grow" />
        <RadioGroup name="Time" options={MINUTES} value={minutes} choose={setMinutes} />
      </div>
      <QueryContent query={query} content="traffic" skeletonLines={4}>
        {(data) => (
          <>
            <TrafficTiles traffic={data} alarms={alarms} models={models.data} engagement={engagement.data} />
            <TrafficCharts traffic={data} />
            <IncompleteLists traffic={data} />
          </>
        )}
      </QueryContent>
    </section>
  );
}

function TrafficTiles({
  traffic,
  alarms,
  models,
  engagement,
}: {
  traffic: Traffic;
  alarms: Alarms | null;
  models: Models | null;
  engagement: EngagementReport | null;
}) {
  const { periodS } = traffic;
  const series = completePeriods(traffic);
  const rate = perMinute(series.requests, periodS);
  const slowest = highest(series.latencyP99);
  const limitMs = thresholdOf(alarms, "ApiSlow");
  const degraded = shareOf(series.degradedAnswers, series.answers);
  const failed = shareOf(series.serverErrors, series.requests);
  const totals = engagement?.totals[0];
  return (
    <Tiles>
      <Tile
        name="Requests per minute"
        value={figure(latest(rate) ?? 0)}
        note={
          highest(rate)
            ? `${figure(highest(rate)?.[1])} highest, ${count(total(series.requests))} in total`
            : "no request in this time"
        }
        trend={rate}
      />
      <Tile
        name="Latency, p99"
        value={milliseconds(latest(series.latencyP99))}
        note={
          slowest
            ? `p50 ${milliseconds(latest(series.latencyP50))}, highest ${milliseconds(slowest[1])} at ${clockTime(slowest[0])}`
            : "no request in this time"
        }
        trend={series.latencyP99}
        bad={limitMs !== null && (latest(series.latencyP99) ?? 0) > limitMs}
      />
      <Tile
        name="Degraded responses"
        value={percent(degraded)}
        note={`${count(total(series.degradedAnswers))} of ${count(total(series.answers))}`}
        trend={shares(series.degradedAnswers, series.answers)}
        bad={isHigh(degraded, total(series.answers), thresholdOf(alarms, "Degraded"))}
      />
      <Tile
        name="Server errors"
        value={percent(failed)}
        note={`${plural(total(series.serverErrors), "request")}`}
        trend={withZeros(series.serverErrors)}
        bad={total(series.serverErrors) > 0}
      />
      <ChampionTile models={models} />
      <Tile
        name="Click-through"
        href={href("engagement")}
        value={percent(totals?.clickThrough)}
        note={engagement ? `of ${plural(totals?.impressions ?? 0, "impression")}, 14 days` : "counting"}
        trend={engagement?.days.map(({ date, rows }) => [dayMs(date), rows[0]?.clickThrough ?? null] as const) ?? []}
      />
    </Tiles>
  );
}

function ChampionTile({ models }: { models: Models | null }) {
  const now = useNow();
  const champion = models?.champion;
  if (!champion) {
    return <Tile name="Champion" href={href("models")} value={models ? "none" : "–"} note="no model serves" />;
  }
  const since = lastPromotion(champion);
  const algorithm = models.versions.find(({ version }) => version === champion.version)?.algorithm;
  const age = since && `champion for ${duration(now - since.promotedMs)}`;
  return (
    <Tile
      name="Champion"
      value={
        <a class="identifier name" href={href("models", champion.version)}>
          {champion.version}
        </a>
      }
      note={[algorithm, age].filter(Boolean).join(", ")}
    />
  );
}

function IncompleteLists({ traffic }: { traffic: Traffic }) {
  if (traffic.incomplete.length === 0) {
    return null;
  }
  return (
    <section class="stack" aria-labelledby="incomplete">
      <div class="row">
        <h2 id="incomplete">Empty and short lists</h2>
        <span class="grow" />
        <a href={runbookHref("empty")}>Runbook</a>
      </div>
      <Table
        caption="Empty and short lists by recommender and filter"
        hideCaption
        rows={traffic.incomplete}
        keyOf={(row) => `${row.recommender} ${row.filter}`}
        columns={[
          { name: "Recommender", cell: (row) => <span class="identifier">{row.recommender}</span> },
          { name: "Filter", cell: (row) => <span class="identifier">{row.filter}</span> },
          { name: "Empty lists", number: true, cell: (row) => count(row.empty) },
          {
            name: "Short lists",
            number: true,
            title: "Fewer items than requested",
            cell: (row) => count(row.short),
          },
        ]}
      />
    </section>
  );
}

function TrafficCharts({ traffic }: { traffic: Traffic }) {
  const { periodS } = traffic;
  const series = completePeriods(traffic);
  return (
    <div class="charts">
      <TimeChart
        caption="Requests per minute"
        format={figure}
        series={[
          { name: "Requests", points: perMinute(series.requests, periodS), kind: "area" },
          { name: "4xx", points: perMinute(series.clientErrors, periodS), tone: "--warn" },
          { name: "5xx", points: perMinute(series.serverErrors, periodS), tone: "--bad" },
        ]}
      />
      <TimeChart
        caption="Latency"
        format={milliseconds}
        series={[
          { name: "p99", points: series.latencyP99 },
          { name: "p95", points: series.latencyP95 },
          { name: "p50", points: series.latencyP50 },
        ]}
      />
      <TimeChart
        caption="Events accepted and rejected"
        format={count}
        series={[
          { name: "Accepted", points: withZeros(series.eventsAccepted), kind: "area" },
          { name: "Rejected", points: withZeros(series.eventsRejected), tone: "--warn" },
          { name: "Quarantined", points: withZeros(series.recordsQuarantined), tone: "--bad" },
        ]}
      />
      <TimeChart
        caption="Stream lag"
        format={milliseconds}
        series={[{ name: "Iterator age", points: series.iteratorAge, kind: "area", tone: "--series-3" }]}
      />
    </div>
  );
}
