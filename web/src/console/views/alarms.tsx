import { useQuery } from "../context";
import type { Alarm, Alarms } from "../contract";
import { plural } from "../format";
import { Command, Status, Timestamp, type Tone } from "../parts/elements";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import * as queries from "../queries";

const STATES: Record<Alarm["state"], [Tone, string]> = {
  ALARM: ["bad", "ringing"],
  OK: ["good", "quiet"],
  INSUFFICIENT_DATA: ["idle", "no data"],
};

export function AlarmsView() {
  const query = useQuery<Alarms>(queries.alarms, queries.LIVE_MS);
  return (
    <QueryContent query={query} what="alarms">
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
                    <div class="wide">
                      {alarmTitle(alarm)}
                      <div class="identifier faint">{alarm.name}</div>
                    </div>
                  ),
                },
                { name: "State", cell: (alarm) => <AlarmStatus alarm={alarm} /> },
                { name: "Since", cell: (alarm) => <Timestamp ms={alarm.changedMs} /> },
                { name: "Runbook", cell: (alarm) => alarm.runbook ?? "–" },
              ]}
            />
          </div>
        );
      }}
    </QueryContent>
  );
}

/** An active alarm with its reason and the first commands of its runbook. */
export function AlarmCard({ alarm }: { alarm: Alarm }) {
  return (
    <article class="card active-alarm">
      <header>
        <AlarmStatus alarm={alarm} />
        <h2>{alarmTitle(alarm)}</h2>
        <Timestamp ms={alarm.changedMs} />
      </header>
      <p class="identifier faint">{alarm.name}</p>
      {alarm.reason && <p class="faint">{alarm.reason}</p>}
      {alarm.runbook && (
        <div class="runbook">
          <span>
            Runbook <b>docs/runbooks/{alarm.runbook}.md</b> begins with
          </span>
          {(FIRST_COMMANDS[alarm.runbook] ?? []).map((command) => (
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

/** Return the description as a heading, without the path of the runbook. */
function alarmTitle(alarm: Alarm): string {
  const text = alarm.description.replace(/:?\s*docs\/[\w/-]+\.md\s*$/, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The first commands of each runbook: those of its section "Check" that need no ID. */
export const FIRST_COMMANDS: Readonly<Record<string, readonly string[]>> = {
  attribution: ["alsolike engagement --refresh"],
  catalogue: ["alsolike status"],
  drift: ["alsolike drift --refresh", "alsolike status"],
  errors: ["alsolike status", "alsolike models list"],
  kafka: ["alsolike status", "alsolike quarantine list --totals --since 6h"],
  quarantine: ["alsolike quarantine list --totals --since 6h", "alsolike quarantine list --limit 5"],
  served: ["alsolike quarantine list --since 6h --totals", "alsolike engagement"],
  stale: ["alsolike status", "alsolike models list"],
  upkeep: ["alsolike status", "alsolike config show"],
};
