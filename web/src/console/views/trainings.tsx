import { useMemo, useState } from "preact/hooks";
import { useDesk, useFeed, useNow } from "../context";
import type { StartedTraining, TrainingRun, Trainings } from "../contract";
import { duration } from "../format";
import { Answered, Empty } from "../parts/answered";
import { ChangeForm } from "../parts/change_form";
import { Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { Status } from "../parts/status";
import { When } from "../parts/when";
import { LIVE_MS, TRAININGS, trainings } from "../questions";
import { href } from "../routing";
import { Steps } from "./steps";

export function TrainingsView() {
  const feed = useFeed<Trainings>(trainings, LIVE_MS);
  const [starting, setStarting] = useState(false);
  return (
    <div class="stack">
      <div class="row">
        <button type="button" class="primary" onClick={() => setStarting(true)}>
          <Icon name="play" /> Start a training
        </button>
        <span class="faint">Only one training runs at a time.</span>
      </div>
      <Answered feed={feed} what="training runs">
        {({ runs }) =>
          runs.length === 0 ? (
            <Empty title="No training has run yet">
              <p>The schedule, drift (if enabled) or the button starts a training.</p>
            </Empty>
          ) : (
            <ol class="runs">
              {runs.map((run) => (
                <Run key={run.id} run={run} />
              ))}
            </ol>
          )
        }
      </Answered>
      {starting && <StartDialog close={() => setStarting(false)} />}
    </div>
  );
}

function Run({ run }: { run: TrainingRun }) {
  return (
    <li class="card padded run">
      <header class="row">
        <RunStatus run={run} />
        <h2 class="identifier">{run.id}</h2>
        <span class="faint">
          started <When ms={run.startedMs} />, <Took run={run} />
        </span>
        <span class="grow" />
        {run.version && (
          <a class="identifier" href={href("models", run.version)}>
            {run.version}
          </a>
        )}
      </header>
      {run.reason && <p>{run.reason}</p>}
      {run.cause && (
        <div class="note bad">
          <Icon name="bad" />
          <p>{run.cause}</p>
        </div>
      )}
      <Steps run={run} />
    </li>
  );
}

function Took({ run }: { run: TrainingRun }) {
  const now = useNow();
  return run.endedMs === null ? (
    <>running for {duration(now - run.startedMs)}</>
  ) : (
    <>took {duration(run.endedMs - run.startedMs)}</>
  );
}

/** The outcome of a run, in a word. */
export function RunStatus({ run }: { run: TrainingRun }) {
  if (run.status === "RUNNING") {
    return <Status tone="going">running</Status>;
  }
  if (run.status !== "SUCCEEDED") {
    return <Status tone="bad">{run.outcome ?? run.status.toLowerCase().replace("_", " ")}</Status>;
  }
  const tone = run.outcome === "promoted" ? "good" : run.outcome === null ? "idle" : "warn";
  return <Status tone={tone}>{run.outcome ?? "ended"}</Status>;
}

function StartDialog({ close }: { close: () => void }) {
  const { api, feeds, announce } = useDesk();
  const clientToken = useMemo(() => crypto.randomUUID(), []);
  const submit = async (reason: string) => {
    const { body } = await api.post<StartedTraining>(TRAININGS, { clientToken, ...(reason ? { reason } : {}) });
    announce(`Training ${body.id} has started.`);
    close();
    void feeds.refresh(trainings);
  };
  return (
    <Dialog title="Start a training" close={close}>
      <ChangeForm verb="Start" reasonRequired={false} cancel={close} submit={submit}>
        <p>
          The workflow builds a dataset from the lake, compares the algorithms and trains the best one. A version that
          passes the gate starts a canary trial, and becomes champion if it is no worse.
        </p>
      </ChangeForm>
    </Dialog>
  );
}
