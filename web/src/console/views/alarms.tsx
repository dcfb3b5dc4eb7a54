import { useFeed } from "../context";
import type { Alarm, Alarms } from "../contract";
import { plural } from "../format";
import { Answered, Empty } from "../parts/answered";
import { Command } from "../parts/copy";
import { Status, type Tone } from "../parts/status";
import { Table } from "../parts/table";
import { When } from "../parts/when";
import { alarms, LIVE_MS } from "../questions";
import { FIRST_LOOK } from "../runbooks";

const STATES: Record<Alarm["state"], [Tone, string]> = {
  ALARM: ["bad", "ringing"],
  OK: ["good", "quiet"],
  INSUFFICIENT_DATA: ["idle", "no data"],
};

export function AlarmsView() {
  const feed = useFeed<Alarms>(alarms, LIVE_MS);
  return (
    <Answered feed={feed} what="alarms">
      {({ alarms: all }) => {
        const ringing = all.filter((alarm) => alarm.state === "ALARM");
        if (all.length === 0) {
          return <Empty title="This deployment has no alarms" />;
        }
        return (
          <div class="stack">
            {ringing.length === 0 ? (
              <Empty title="Nothing rings" good>
                <p>{plural(all.length, "alarm")} watch this deployment.</p>
              </Empty>
            ) : (
              ringing.map((alarm) => <Ringing key={alarm.name} alarm={alarm} />)
            )}
            <Table
              caption="All alarms"
              rows={all}
              keyOf={(alarm) => alarm.name}
              columns={[
                {
                  name: "Alarm",
                  cell: (alarm) => (
                    <div class="wide">
                      {meaning(alarm)}
                      <div class="identifier faint">{alarm.name}</div>
                    </div>
                  ),
                },
                { name: "State", cell: (alarm) => <AlarmStatus alarm={alarm} /> },
                { name: "Since", cell: (alarm) => <When ms={alarm.changedMs} /> },
                { name: "Runbook", cell: (alarm) => alarm.runbook ?? "–" },
              ]}
            />
          </div>
        );
      }}
    </Answered>
  );
}

/** An alarm that rings: what it found, and what to do about it. */
export function Ringing({ alarm }: { alarm: Alarm }) {
  return (
    <article class="card ringing">
      <header>
        <AlarmStatus alarm={alarm} />
        <h2>{meaning(alarm)}</h2>
        <When ms={alarm.changedMs} />
      </header>
      <p class="identifier faint">{alarm.name}</p>
      {alarm.reason && <p class="faint">{alarm.reason}</p>}
      {alarm.runbook && (
        <div class="runbook">
          <span>
            Runbook <b>docs/runbooks/{alarm.runbook}.md</b> begins with
          </span>
          {(FIRST_LOOK[alarm.runbook] ?? []).map((command) => (
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

/** The description as a heading, without the path of its runbook. */
export function meaning(alarm: Alarm): string {
  const text = alarm.description.replace(/:?\s*docs\/[\w/-]+\.md\s*$/, "");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
