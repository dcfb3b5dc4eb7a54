import { useNow, useQuery } from "../context";
import type { Alarms, DriftReport, EngagementReport, Models, QuarantineReport, Trainings } from "../contract";
import { duration } from "../format";
import { openProblems } from "../open_problems";
import { Status, Timestamp } from "../parts/elements";
import { Icon } from "../parts/icons";
import { QueryContent } from "../parts/query_content";
import { alarms, drift, engagement, LIVE_MS, models, quarantine, SLOW_MS, trainings } from "../queries";
import { href } from "../routing";
import { AlarmCard } from "./alarms";
import { ClickThrough } from "./engagement";
import { TrafficSection } from "./traffic";
import { RunStatus, Steps } from "./trainings";

export function OverviewView() {
  const engagementQuery = useQuery<EngagementReport>(engagement(14, "all"), 300_000);
  const modelsQuery = useQuery<Models>(models, LIVE_MS);
  return (
    <div class="stack">
      <OpenProblems models={modelsQuery.data} />
      <TrafficSection models={modelsQuery} engagement={engagementQuery} />
      <div class="columns">
        <LastTraining />
        <ClickThrough query={engagementQuery} />
      </div>
    </div>
  );
}

function OpenProblems({ models: modelsData }: { models: Models | null }) {
  const now = useNow();
  const alarmsQuery = useQuery<Alarms>(alarms, LIVE_MS);
  const trainingsQuery = useQuery<Trainings>(trainings, LIVE_MS);
  const driftQuery = useQuery<DriftReport>(drift, SLOW_MS);
  const quarantineQuery = useQuery<QuarantineReport>(quarantine, SLOW_MS);
  const activeAlarms = alarmsQuery.data?.alarms.filter((alarm) => alarm.state === "ALARM") ?? [];
  const data = {
    alarms: alarmsQuery.data,
    models: modelsData,
    trainings: trainingsQuery.data,
    drift: driftQuery.data,
    quarantine: quarantineQuery.data,
  };
  const problems = openProblems(data, now);
  const failing = Object.entries({
    alarms: alarmsQuery,
    trainings: trainingsQuery,
    drift: driftQuery,
    quarantine: quarantineQuery,
  }).filter(([, query]) => query.error);
  const loading = Object.values(data).some((value) => value === null) && failing.length === 0;
  return (
    <section aria-labelledby="open-problems" class="stack">
      <h2 id="open-problems" class="visually-hidden">
        Open problems
      </h2>
      {activeAlarms.map((alarm) => (
        <AlarmCard key={alarm.name} alarm={alarm} />
      ))}
      {failing.length > 0 && (
        <div class="note warn" role="status">
          <Icon name="warn" />
          <p>No answer from: {failing.map(([name]) => name).join(", ")}.</p>
        </div>
      )}
      {problems.length > 0 && (
        <ul class="card problems">
          {problems.map((problem) => (
            <li key={problem.text}>
              <a href={problem.href}>
                <Status tone={problem.tone}>{problem.word}</Status>
                <span class="problem">{problem.text}</span>
                <Icon name="right" />
              </a>
            </li>
          ))}
        </ul>
      )}
      {activeAlarms.length === 0 && problems.length === 0 && failing.length === 0 && (
        <p class="card no-problems">
          {loading ? (
            <Status tone="idle">checking…</Status>
          ) : (
            <>
              <Status tone="good">All is well</Status>
              <span class="faint">No alarm is active, the quarantine is empty, the last training succeeded.</span>
            </>
          )}
        </p>
      )}
    </section>
  );
}

function LastTraining() {
  const query = useQuery<Trainings>(trainings, LIVE_MS);
  return (
    <QueryContent query={query} what="last training" skeletonLines={1}>
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
                  started <Timestamp ms={run.startedMs} />
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
    </QueryContent>
  );
}
