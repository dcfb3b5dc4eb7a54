import { useFeed } from "../context";
import type { Experiment, Experiments } from "../contract";
import { count, figure, lift, percent, words } from "../format";
import { Answered, Empty } from "../parts/answered";
import { Command, shellWord } from "../parts/copy";
import { Icon } from "../parts/icons";
import { Status, type Tone } from "../parts/status";
import { Table } from "../parts/table";
import { When } from "../parts/when";
import { experiments } from "../questions";
import { Interval, reach } from "./interval";

/** A split of the users that is less likely than this was not made by the shares. */
const MISMATCH_BELOW = 0.001;

const STATES: Record<Experiment["state"], Tone> = { planned: "info", running: "going", ended: "idle" };

/** The verdicts of a report, as sentences. */
const VERDICTS: Readonly<Record<string, [Tone, string]>> = {
  mismatch: ["bad", "The split of users differs from the configured shares: draw no conclusion."],
  "too little": ["idle", "Not enough data yet."],
  "no difference": ["idle", "No significant difference from the control yet."],
  better: ["good", "An arm is better than the control."],
  worse: ["bad", "An arm is worse than the control."],
};

export function ExperimentsView() {
  const feed = useFeed<Experiments>(experiments, 300_000);
  return (
    <Answered feed={feed} what="experiments">
      {(found) =>
        found.experiments.length === 0 ? (
          <Empty title="The configuration has no experiments">
            <p>An experiment compares recommenders, rule sets or models on the shop's own users.</p>
            <Command text="alsolike experiments start --help" />
          </Empty>
        ) : (
          <div class="stack">
            {found.experiments.map((experiment) => (
              <One key={experiment.name} experiment={experiment} />
            ))}
          </div>
        )
      }
    </Answered>
  );
}

function One({ experiment }: { experiment: Experiment }) {
  const { verdict, winner, sampleRatioPValue } = experiment;
  const [tone, sentence] = VERDICTS[verdict ?? ""] ?? ["info", verdict];
  const most = reach(experiment.arms);
  return (
    <article class="card padded">
      <header class="row">
        <Status tone={STATES[experiment.state]}>{experiment.state}</Status>
        <h2 class="identifier">{experiment.name}</h2>
        <span class="faint">
          {experiment.layer && `layer ${experiment.layer}, `}
          {words(experiment.metric)}, {experiment.state === "planned" ? "starts " : "started "}
          <When ms={experiment.startMs} />
          {experiment.endMs !== null && (
            <>
              , {experiment.state === "ended" ? "ended " : "ends "}
              <When ms={experiment.endMs} />
            </>
          )}
        </span>
        <span class="grow" />
        {experiment.state === "running" && <Command text={`alsolike experiments stop ${shellWord(experiment.name)}`} />}
      </header>
      {sampleRatioPValue !== null && sampleRatioPValue < MISMATCH_BELOW && (
        <div class="note bad">
          <Icon name="warn" />
          <p>
            <b>Sample ratio mismatch</b> (p = {figure(sampleRatioPValue)}): find out why users of one arm are lost or
            added before you use these results.
          </p>
        </div>
      )}
      {experiment.partial && (
        <div class="note warn">
          <Icon name="warn" />
          <p>
            The time limit allowed only the first days. The whole report:{" "}
            <Command text={`alsolike experiments report ${shellWord(experiment.name)}`} />
          </p>
        </div>
      )}
      {sentence && (
        <p class="verdict">
          <Status tone={tone}>{winner ? `${winner} is better than the control.` : sentence}</Status>
        </p>
      )}
      <Table
        caption={`Arms of ${experiment.name}`}
        hideCaption
        rows={experiment.arms}
        keyOf={(arm) => arm.name}
        marked={(arm) => arm.name === winner}
        columns={[
          {
            name: "Arm",
            cell: (arm) => (
              <span>
                {arm.name}
                {arm.control && <small class="below">control</small>}
              </span>
            ),
          },
          { name: "Share", number: true, cell: (arm) => percent(arm.share) },
          { name: "Users", number: true, cell: (arm) => count(arm.users) },
          { name: "Responses", number: true, cell: (arm) => count(arm.answers) },
          { name: words(experiment.metric), number: true, cell: (arm) => figure(arm.value) },
          { name: "Lift", number: true, cell: (arm) => (arm.control ? "–" : lift(arm.lift)) },
          {
            name: "95% interval",
            title: "Valid at any time, however often you look",
            cell: (arm) => (arm.control ? <Interval arm={null} most={most} /> : <Interval arm={arm} most={most} />),
          },
          { name: "p", number: true, cell: (arm) => figure(arm.pValue) },
        ]}
      />
    </article>
  );
}
