import { useQuery } from "../context";
import type { Experiment, Experiments } from "../contract";
import { count, figure, lift, percent, sentence, words } from "../format";
import { Command, Status, shellQuote, Timestamp, type Tone } from "../parts/elements";
import { Icon } from "../parts/icons";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { experiments } from "../queries";

const STATES: Record<Experiment["state"], Tone> = { planned: "info", running: "going", ended: "idle" };

/** Metrics that are shares: of impressions, of responses and of users. */
const SHARES = ["click-through", "conversion", "buyers"];

const VERDICTS: Readonly<Record<string, [Tone, string]>> = {
  mismatch: ["bad", "The split of users differs from the configured shares: draw no conclusion."],
  "too little": ["idle", "Not enough data yet."],
  "no difference": ["idle", "No significant difference from the control yet."],
  better: ["good", "An arm is better than the control."],
  worse: ["bad", "An arm is worse than the control."],
};

export function ExperimentsView() {
  const query = useQuery<Experiments>(experiments, 300_000);
  return (
    <QueryContent query={query} content="experiments">
      {({ experiments }) =>
        experiments.length === 0 ? (
          <EmptyState title="The configuration has no experiments">
            <p>An experiment compares recommenders, rule sets or models on the shop's own users.</p>
            <Command text="alsolike experiments start --help" />
          </EmptyState>
        ) : (
          <div class="stack">
            {experiments.map((experiment) => (
              <ExperimentCard key={experiment.name} experiment={experiment} />
            ))}
          </div>
        )
      }
    </QueryContent>
  );
}

function ExperimentCard({ experiment }: { experiment: Experiment }) {
  const { verdict, winner, sampleRatioPValue } = experiment;
  const [tone, verdictText] = VERDICTS[verdict ?? ""] ?? ["info", verdict];
  const scale = maxLift(experiment.arms);
  const isShare = SHARES.includes(experiment.metric);
  // A hyphen belongs to the word "click-through" only.
  const metric = experiment.metric === "click-through" ? experiment.metric : words(experiment.metric);
  return (
    <article class="card padded">
      <header class="row">
        <Status tone={STATES[experiment.state]}>{experiment.state}</Status>
        <h2 class="identifier">{experiment.name}</h2>
        <span class="faint">
          {experiment.layer && `layer ${experiment.layer}, `}
          {metric}, {experiment.state === "planned" ? "starts " : "started "}
          <Timestamp ms={experiment.startMs} />
          {experiment.endMs !== null && (
            <>
              , {experiment.state === "ended" ? "ended " : "ends "}
              <Timestamp ms={experiment.endMs} />
            </>
          )}
        </span>
        <span class="grow" />
        {experiment.state === "running" && (
          <Command text={`alsolike experiments stop ${shellQuote(experiment.name)}`} />
        )}
      </header>
      {verdict === "mismatch" && sampleRatioPValue !== null && (
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
            <Command text={`alsolike experiments report ${shellQuote(experiment.name)}`} />
          </p>
        </div>
      )}
      {verdictText && (
        <p class="verdict">
          <Status tone={tone}>{winner ? `${winner} is better than the control.` : verdictText}</Status>
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
                {arm.control && <small class="below">baseline</small>}
              </span>
            ),
          },
          { name: "Share", number: true, cell: (arm) => percent(arm.share) },
          { name: "Users", number: true, cell: (arm) => count(arm.users) },
          { name: "Responses", number: true, cell: (arm) => count(arm.answers) },
          { name: sentence(metric), number: true, cell: (arm) => (isShare ? percent : figure)(arm.value) },
          { name: "Lift", number: true, cell: (arm) => (arm.control ? "–" : lift(arm.lift)) },
          {
            name: "95% interval",
            title: "Valid at any time, for any number of interim analyses",
            cell: (arm) => (arm.control ? <Interval arm={null} scale={scale} /> : <Interval arm={arm} scale={scale} />),
          },
          { name: "p", number: true, cell: (arm) => figure(arm.pValue) },
        ]}
      />
    </article>
  );
}

type Arm = Experiment["arms"][number];

/** Return the common scale of all intervals: the largest absolute lift or bound with a margin, or 1 if all are 0. */
function maxLift(arms: readonly Arm[]): number {
  return (
    Math.max(...arms.flatMap((arm) => [arm.lift, arm.liftLow, arm.liftHigh].map((value) => Math.abs(value ?? 0)))) *
      1.1 || 1
  );
}

function Interval({ arm, scale }: { arm: Arm | null; scale: number }) {
  const at = (value: number) => `${50 + (value / scale) * 50}%`;
  const known = arm && arm.lift !== null && arm.liftLow !== null && arm.liftHigh !== null;
  const side = !known ? "" : (arm.liftLow ?? 0) > 0 ? "above" : (arm.liftHigh ?? 0) < 0 ? "below" : "across";
  return (
    <span class="interval">
      <svg aria-hidden="true" class={side}>
        <line class="zero" x1="50%" x2="50%" y1="0" y2="100%" />
        {known && (
          <>
            <line class="span" x1={at(arm.liftLow ?? 0)} x2={at(arm.liftHigh ?? 0)} y1="50%" y2="50%" />
            <circle cx={at(arm.lift ?? 0)} cy="50%" r="4.5" />
          </>
        )}
      </svg>
      <small>{known ? `${lift(arm.liftLow)} to ${lift(arm.liftHigh)}` : arm ? "not known yet" : "baseline"}</small>
    </span>
  );
}
