import { useState } from "preact/hooks";
import { lastPromotion } from "../champion";
import { type QueryResult, useQuery } from "../context";
import type { EngagementReport, Models, Traffic } from "../contract";
import { count, dayMs, figure, milliseconds, percent, plural } from "../format";
import { TimeChart } from "../parts/chart";
import { RadioGroup, Tile, Tiles, Timestamp } from "../parts/elements";
import { QueryContent } from "../parts/query_content";
import * as queries from "../queries";
import { href } from "../routing";
import {
  completePeriods,
  isHigh,
  latest,
  maximum,
  perSecond,
  shareOf,
  shares,
  total,
  withZeros,
} from "../traffic_metrics";

const MINUTES = { 60: "Hour", 360: "6 hours", 1440: "Day" };

interface Props {
  readonly models: QueryResult<Models>;
  readonly engagement: QueryResult<EngagementReport>;
}

/** Current traffic: tiles, then the same over time. */
export function TrafficSection({ models, engagement }: Props) {
  const [minutes, setMinutes] = useState("60");
  const query = useQuery<Traffic>(queries.traffic(Number(minutes)), queries.LIVE_MS);
  return (
    <section class="stack" aria-labelledby="now">
      <div class="row">
        <h2 id="now">Traffic</h2>
        <span class="grow" />
        <RadioGroup name="Time" options={MINUTES} value={minutes} choose={setMinutes} />
      </div>
      <QueryContent query={query} what="traffic" skeletonLines={4}>
        {(data) => (
          <>
            <TrafficTiles traffic={data} models={models.data} engagement={engagement.data} />
            <TrafficCharts traffic={data} />
          </>
        )}
      </QueryContent>
    </section>
  );
}

function TrafficTiles({
  traffic,
  models,
  engagement,
}: {
  traffic: Traffic;
  models: Models | null;
  engagement: EngagementReport | null;
}) {
  const { periodS } = traffic;
  const series = completePeriods(traffic);
  const rate = perSecond(series.requests, periodS);
  const degraded = shareOf(series.degradedAnswers, series.answers);
  const failed = shareOf(series.serverErrors, series.requests);
  const champion = models?.champion;
  const since = champion && lastPromotion(champion);
  const totals = engagement?.totals[0];
  return (
    <Tiles>
      <Tile
        name="Requests per second"
        value={figure(latest(rate))}
        note={`${figure(maximum(rate))} peak, ${count(total(series.requests))} in total`}
        trend={rate}
      />
      <Tile
        name="Latency, p99"
        value={milliseconds(latest(series.latencyP99))}
        note={`p50 ${milliseconds(latest(series.latencyP50))}`}
        trend={series.latencyP99}
      />
      <Tile
        name="Degraded responses"
        value={percent(degraded)}
        note={`${count(total(series.degradedAnswers))} of ${count(total(series.answers))}`}
        trend={shares(series.degradedAnswers, series.answers)}
        bad={isHigh(degraded, total(series.answers), 0.05)}
      />
      <Tile
        name="Server errors"
        value={percent(failed)}
        note={`${plural(total(series.serverErrors), "request")}`}
        trend={withZeros(series.serverErrors)}
        bad={isHigh(failed, total(series.requests), 0.01)}
      />
      <Tile
        name="Champion"
        href={href("models")}
        value={since ? <Timestamp ms={since.promotedMs} /> : champion ? "–" : "none"}
        note={
          champion ? (
            <a class="identifier" href={href("models", champion.version)}>
              {champion.version}
            </a>
          ) : (
            "no model"
          )
        }
      />
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

function TrafficCharts({ traffic }: { traffic: Traffic }) {
  const { periodS } = traffic;
  const series = completePeriods(traffic);
  return (
    <div class="charts">
      <TimeChart
        caption="Requests per second"
        format={figure}
        series={[
          { name: "Requests", points: perSecond(series.requests, periodS), kind: "area" },
          { name: "4xx", points: perSecond(series.clientErrors, periodS), tone: "--warn" },
          { name: "5xx", points: perSecond(series.serverErrors, periodS), tone: "--bad" },
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
          { name: "Requests rejected", points: withZeros(series.requestsRejected), tone: "--warn" },
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
