import { mattersOf } from "../attention";
import { useFeed, useNow } from "../context";
import type { Alarms, DriftAnswer, Engagement, Models, Quarantine, Trainings } from "../contract";
import { duration } from "../format";
import { Answered } from "../parts/answered";
import { Icon } from "../parts/icons";
import { Status } from "../parts/status";
import { When } from "../parts/when";
import { alarms, drift, engagement, LIVE_MS, models, quarantine, SLOW_MS, trainings } from "../questions";
import { href } from "../routing";
import { Ringing } from "./alarms";
import { ClickThrough } from "./click_through";
import { Now } from "./now";
import { Steps } from "./steps";
import { RunStatus } from "./trainings";

export function OverviewView() {
  const engaged = useFeed<Engagement>(engagement(14, "all"), 300_000);
  const found = useFeed<Models>(models, LIVE_MS);
  return (
    <div class="stack">
      <Attention models={found.data} />
      <Now models={found} engagement={engaged} />
      <div class="columns">
        <LastTraining />
        <ClickThrough feed={engaged} />
      </div>
    </div>
  );
}

function Attention({ models: found }: { models: Models | null }) {
  const now = useNow();
  const ring = useFeed<Alarms>(alarms, LIVE_MS);
  const runs = useFeed<Trainings>(trainings, LIVE_MS);
  const looked = useFeed<DriftAnswer>(drift, SLOW_MS);
  const held = useFeed<Quarantine>(quarantine, SLOW_MS);
  const ringing = ring.data?.alarms.filter((alarm) => alarm.state === "ALARM") ?? [];
  const known = { alarms: ring.data, models: found, trainings: runs.data, drift: looked.data, quarantine: held.data };
  const matters = mattersOf(known, now);
  const failing = Object.entries({ alarms: ring, trainings: runs, drift: looked, quarantine: held }).filter(
    ([, feed]) => feed.error,
  );
  const waiting = Object.values(known).some((data) => data === null) && failing.length === 0;
  return (
    <section aria-labelledby="attention" class="stack">
      <h2 id="attention" class="visually-hidden">
        Open problems
      </h2>
      {ringing.map((alarm) => (
        <Ringing key={alarm.name} alarm={alarm} />
      ))}
      {failing.length > 0 && (
        <div class="note warn" role="status">
          <Icon name="warn" />
          <p>No answer from: {failing.map(([name]) => name).join(", ")}.</p>
        </div>
      )}
      {matters.length > 0 && (
        <ul class="card matters">
          {matters.map((matter) => (
            <li key={matter.text}>
              <a href={matter.href}>
                <Status tone={matter.tone}>{matter.word}</Status>
                <span class="matter">{matter.text}</span>
                <Icon name="right" />
              </a>
            </li>
          ))}
        </ul>
      )}
      {ringing.length === 0 && matters.length === 0 && failing.length === 0 && (
        <p class="card calm">
          {waiting ? (
            <Status tone="idle">checking…</Status>
          ) : (
            <>
              <Status tone="good">All is well</Status>
              <span class="faint">No alarm rings, the quarantine is empty, the last training succeeded.</span>
            </>
          )}
        </p>
      )}
    </section>
  );
}

function LastTraining() {
  const feed = useFeed<Trainings>(trainings, LIVE_MS);
  return (
    <Answered feed={feed} what="last training" bones={1}>
      {({ runs: [run] }) => (
        <section class="card padded">
          <div class="row">
            <h2>Last training</h2>
            <span class="grow" />
            <a href={href("trainings")}>All trainings</a>
          </div>
          {run ? (
            <>
              <p class="row">
                <RunStatus run={run} />
                <span class="faint">
                  started <When ms={run.startedMs} />
                  {run.endedMs !== null && `, took ${duration(run.endedMs - run.startedMs)}`}
                </span>
              </p>
              {run.reason && <p>{run.reason}</p>}
              <Steps run={run} />
            </>
          ) : (
            <p class="faint">No training has run yet.</p>
          )}
        </section>
      )}
    </Answered>
  );
}
