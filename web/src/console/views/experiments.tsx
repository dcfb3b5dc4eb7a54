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
  mismatch: ["bad", "Users did not come into the arms by their shares: nothing can be concluded."],
  "too little": ["idle", "Too little to go by so far."],
  "no difference": ["idle", "No difference was found so far between the control and the others."],
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
          {words(experiment.metric)}, {experiment.state === "planned" ? "begins " : "begun "}
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
            <b>Sample ratio mismatch</b> (p = {figure(sampleRatioPValue)}): look for what loses or adds users of one arm
            before you believe any of this.
          </p>
        </div>
      )}
      {experiment.partial && (
        <div class="note warn">
          <Icon name="warn" />
          <p>
            There was no time to read all its days: these figures are of the first ones. All of it:{" "}
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
          { name: "Answers", number: true, cell: (arm) => count(arm.answers) },
          { name: words(experiment.metric), number: true, cell: (arm) => figure(arm.value) },
          { name: "Lift", number: true, cell: (arm) => (arm.control ? "–" : lift(arm.lift)) },
          {
            name: "95% interval",
            title: "Always valid: look as often as you like",
            cell: (arm) => (arm.control ? <Interval arm={null} most={most} /> : <Interval arm={arm} most={most} />),
          },
          { name: "p", number: true, cell: (arm) => figure(arm.pValue) },
        ]}
      />
    </article>
  );
}
