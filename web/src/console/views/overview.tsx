import { type QueryResult, useNow, useQuery } from "../context";
import type { Alarms, DriftReport, EngagementReport, Models, QuarantineReport, Traffic, Trainings } from "../contract";
import { openProblems } from "../open_problems";
import { Status, Timestamp } from "../parts/elements";
import { Icon } from "../parts/icons";
import { QueryContent } from "../parts/query_content";
import { alarms, drift, engagement, LIVE_MS, models, quarantine, SLOW_MS, traffic, trainings } from "../queries";
import { href } from "../routing";
import { AlarmCard } from "./alarms";
import { ClickThrough } from "./engagement";
import { TrafficSection } from "./traffic";
import { LastLine, RunDuration, RunStatus, reasonText, Steps } from "./trainings";

export function OverviewView() {
  const clicks = engagement(14, "all");
  const engagementQuery = useQuery<EngagementReport>(clicks, 300_000);
  const modelsQuery = useQuery<Models>(models, LIVE_MS);
  const alarmsQuery = useQuery<Alarms>(alarms, LIVE_MS);
  return (
    <div class="stack">
      <OpenProblems models={modelsQuery.data} alarms={alarmsQuery} />
      <TrafficSection alarms={alarmsQuery.data} models={modelsQuery} engagement={engagementQuery} />
      <div class="columns">
        <LastTraining />
        <ClickThrough query={clicks} result={engagementQuery} />
      </div>
    </div>
  );
}

interface OpenProblemsProps {
  readonly models: Models | null;
  readonly alarms: QueryResult<Alarms>;
}

function OpenProblems({ models: modelsData, alarms: alarmsQuery }: OpenProblemsProps) {
  const now = useNow();
  const trafficQuery = useQuery<Traffic>(traffic(60), LIVE_MS);
  const trainingsQuery = useQuery<Trainings>(trainings, LIVE_MS);
  const driftQuery = useQuery<DriftReport>(drift, SLOW_MS);
  const quarantineQuery = useQuery<QuarantineReport>(quarantine, SLOW_MS);
  const activeAlarms = alarmsQuery.data?.alarms.filter((alarm) => alarm.state === "ALARM") ?? [];
  const data = {
    alarms: alarmsQuery.data,
    traffic: trafficQuery.data,
    models: modelsData,
    trainings: trainingsQuery.data,
    drift: driftQuery.data,
    quarantine: quarantineQuery.data,
  };
  const problems = openProblems(data, now);
  const failing = Object.entries({
    alarms: alarmsQuery,
    traffic: trafficQuery,
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
              <Status tone="good">No open problems</Status>
              <span class="faint">
                No alarm rings and the quarantine is empty. In the last hour, no request failed and none was slow.
              </span>
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
    <QueryContent query={query} content="last training" skeletonLines={1}>
      {({ runs, runs: [run] }) => (
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
                  started <Timestamp ms={run.startedMs} />, <RunDuration run={run} runs={runs} />
                </span>
              </p>
              <p>{reasonText(run)}</p>
              <Steps run={run} />
              <LastLine run={run} />
            </>
          ) : (
            <p class="faint">No training has run yet.</p>
          )}
        </section>
      )}
    </QueryContent>
  );
}
