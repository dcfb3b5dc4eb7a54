import { useQuery } from "../context";
import type { Alarm, Alarms } from "../contract";
import { duration, figure, plural, sentence } from "../format";
import { Command, Status, Timestamp, type Tone } from "../parts/elements";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import * as queries from "../queries";
import type { Route } from "../routing";
import { firstCommands, runbook, runbookHref } from "../runbooks";
import { RunbookView } from "./runbook";

const STATES: Record<Alarm["state"], [Tone, string]> = {
  ALARM: ["bad", "ringing"],
  OK: ["good", "quiet"],
  INSUFFICIENT_DATA: ["idle", "no data"],
};

export function AlarmsView({ route }: { route: Route }) {
  return route.id === null ? <AlarmList /> : <RunbookView name={route.id} />;
}

function AlarmList() {
  const query = useQuery<Alarms>(queries.alarms, queries.LIVE_MS);
  return (
    <QueryContent query={query} content="alarms">
      {({ alarms }) => {
        const active = alarms.filter((alarm) => alarm.state === "ALARM");
        if (alarms.length === 0) {
          return <EmptyState title="This deployment has no alarms" />;
        }
        return (
          <div class="stack">
            {active.length === 0 ? (
              <EmptyState title="No active alarms" good>
                <p>{plural(alarms.length, "alarm")} watch this deployment.</p>
              </EmptyState>
            ) : (
              active.map((alarm) => <AlarmCard key={alarm.name} alarm={alarm} />)
            )}
            <Table
              caption="All alarms"
              rows={alarms}
              keyOf={(alarm) => alarm.name}
              columns={[
                {
                  name: "Alarm",
                  cell: (alarm) => (
                    <div class="wide" title={alarm.name}>
                      {alarmTitle(alarm)}
                      <span class="below">{conditionText(alarm)}</span>
                    </div>
                  ),
                },
                { name: "State", cell: (alarm) => <AlarmStatus alarm={alarm} /> },
                { name: "Severity", cell: (alarm) => <Severity alarm={alarm} /> },
                { name: "Since", cell: (alarm) => <Timestamp ms={alarm.changedMs} /> },
                { name: "Runbook", cell: (alarm) => <RunbookLink alarm={alarm} /> },
              ]}
            />
          </div>
        );
      }}
    </QueryContent>
  );
}

export function AlarmCard({ alarm }: { alarm: Alarm }) {
  return (
    <article class={`card active-alarm ${alarm.severity}`} title={alarm.name}>
      <header>
        <AlarmStatus alarm={alarm} />
        <h2>{alarmTitle(alarm)}</h2>
        <span class="faint">
          {alarm.severity}, since <Timestamp ms={alarm.changedMs} />
        </span>
      </header>
      <p class="faint">{conditionText(alarm)}</p>
      {alarm.reason && <p class="faint">{alarm.reason}</p>}
      {alarm.runbook && (
        <div class="runbook">
          <span>
            Runbook: <RunbookLink alarm={alarm} />
          </span>
          {firstCommands(alarm.runbook).map((command) => (
            <Command key={command} text={command} />
          ))}
        </div>
      )}
    </article>
  );
}

function AlarmStatus({ alarm }: { alarm: Alarm }) {
  const [tone, word] = STATES[alarm.state];
  return (
    <Status tone={tone} icon={alarm.state === "ALARM" ? "alarms" : tone}>
      {word}
    </Status>
  );
}

/** The severity of an alarm, without a colour, because only a ringing alarm needs action. */
function Severity({ alarm }: { alarm: Alarm }) {
  return alarm.severity === "critical" ? <b>critical</b> : <span class="faint">warning</span>;
}

function RunbookLink({ alarm }: { alarm: Alarm }) {
  const found = alarm.runbook === null ? null : runbook(alarm.runbook);
  return alarm.runbook && found ? <a href={runbookHref(alarm.runbook)}>{found.title}</a> : <>–</>;
}

/** Return the description as a heading, without the path of the runbook. */
export function alarmTitle(alarm: Alarm): string {
  return sentence(alarm.description.replace(/:?\s*docs\/[\w/-]+\.md\s*$/, ""));
}

export function conditionText({ id, condition, combines }: Alarm): string {
  if (condition === null) {
    return `${id}. Rings with any of ${combines.join(", ")}`;
  }
  const { metric, threshold, breaching, periods, periodS } = condition;
  const period = duration(periodS * 1000);
  const often =
    periods === 1
      ? `within ${period}`
      : breaching === periods
        ? `for ${periods} periods of ${period}`
        : `in ${breaching} of ${periods} periods of ${period}`;
  return `${id}. ${metricTitle(metric)}: above ${figure(threshold)} ${often}`;
}

/** Return `SnapshotMergesFailed` as `Snapshot merges failed`, and names with other characters unchanged. */
const metricTitle = (name: string): string =>
  /^[A-Za-z0-9]+$/.test(name) ? sentence(name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase()) : name;
