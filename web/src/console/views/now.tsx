import { useState } from "preact/hooks";
import { lastPromotion } from "../champion";
import { useFeed, type Watched } from "../context";
import type { Engagement, Models, Traffic } from "../contract";
import { count, dayMs, figure, milliseconds, percent, plural } from "../format";
import { Answered } from "../parts/answered";
import { TimeChart } from "../parts/chart";
import { Choice } from "../parts/choice";
import { Tile, Tiles } from "../parts/tile";
import { When } from "../parts/when";
import { LIVE_MS, traffic } from "../questions";
import { href } from "../routing";
import { counted, highest, isHigh, latest, over, perSecond, shareOf, shares, total } from "../traffic_figures";

const MINUTES = { 60: "Hour", 360: "6 hours", 1440: "Day" };

interface Props {
  readonly models: Watched<Models>;
  readonly engagement: Watched<Engagement>;
}

/** Current traffic: tiles, then the same over time. */
export function Now({ models, engagement }: Props) {
  const [minutes, setMinutes] = useState("60");
  const feed = useFeed<Traffic>(traffic(Number(minutes)), LIVE_MS);
  return (
    <section class="stack" aria-labelledby="now">
      <div class="row">
        <h2 id="now">Traffic</h2>
        <span class="grow" />
        <Choice name="Time" options={MINUTES} value={minutes} choose={setMinutes} />
      </div>
      <Answered feed={feed} what="traffic" bones={4}>
        {(found) => (
          <>
            <Figures traffic={found} models={models.data} engagement={engagement.data} />
            <Charts traffic={found} />
          </>
        )}
      </Answered>
    </section>
  );
}

function Figures({
  traffic: found,
  models,
  engagement,
}: {
  traffic: Traffic;
  models: Models | null;
  engagement: Engagement | null;
}) {
  const { periodS } = found;
  const series = over(found);
  const rate = perSecond(series.requests, periodS);
  const degraded = shareOf(series.degradedAnswers, series.answers);
  const failing = shareOf(series.serverErrors, series.requests);
  const champion = models?.champion;
  const since = champion && lastPromotion(champion);
  const engaged = engagement?.totals[0];
  return (
    <Tiles>
      <Tile
        name="Requests per second"
        value={figure(latest(rate))}
        note={`${figure(highest(rate))} peak, ${count(total(series.requests))} in total`}
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
        value={percent(failing)}
        note={`${plural(total(series.serverErrors), "request")}`}
        trend={counted(series.serverErrors)}
        bad={isHigh(failing, total(series.requests), 0.01)}
      />
      <Tile
        name="Champion"
        href={href("models")}
        value={since ? <When ms={since.promotedMs} /> : champion ? "–" : "none"}
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
        value={percent(engaged?.clickThrough)}
        note={engagement ? `of ${plural(engaged?.impressions ?? 0, "impression")}, 14 days` : "counting"}
        trend={engagement?.days.map(({ date, rows }) => [dayMs(date), rows[0]?.clickThrough ?? null] as const) ?? []}
      />
    </Tiles>
  );
}

function Charts({ traffic: found }: { traffic: Traffic }) {
  const { periodS } = found;
  const series = over(found);
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
          { name: "Accepted", points: counted(series.eventsAccepted), kind: "area" },
          { name: "Requests rejected", points: counted(series.requestsRejected), tone: "--warn" },
          { name: "Quarantined", points: counted(series.recordsQuarantined), tone: "--bad" },
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
