import { useMemo, useState } from "preact/hooks";
import { useConsole, useNow, useQuery } from "../context";
import type { StartedTraining, StartTraining, TrainingRun, Trainings } from "../contract";
import { duration, sentence } from "../format";
import { ChangeForm, Dialog } from "../parts/dialog";
import { Status, Timestamp } from "../parts/elements";
import { Icon } from "../parts/icons";
import { EmptyState, QueryContent } from "../parts/query_content";
import { LIVE_MS, TRAININGS, trainings } from "../queries";
import { href } from "../routing";

export function TrainingsView() {
  const query = useQuery<Trainings>(trainings, LIVE_MS);
  const [starting, setStarting] = useState(false);
  return (
    <div class="stack">
      <div class="row">
        <button type="button" class="primary" onClick={() => setStarting(true)}>
          <Icon name="play" /> Start a training
        </button>
        <span class="faint">Only one training runs at a time.</span>
      </div>
      <QueryContent query={query} content="training runs">
        {({ runs }) =>
          runs.length === 0 ? (
            <EmptyState title="No training has run yet">
              <p>A training also starts on its schedule, and after drift if that is enabled.</p>
            </EmptyState>
          ) : (
            <ol class="runs">
              {runs.map((run) => (
                <Run key={run.id} run={run} runs={runs} />
              ))}
            </ol>
          )
        }
      </QueryContent>
      {starting && <StartDialog close={() => setStarting(false)} />}
    </div>
  );
}

function Run({ run, runs }: { run: TrainingRun; runs: readonly TrainingRun[] }) {
  return (
    <li class="card padded run">
      <header class="row">
        <RunStatus run={run} />
        <h2>{reasonText(run)}</h2>
        <span class="faint">
          started <Timestamp ms={run.startedMs} />, <RunDuration run={run} runs={runs} />
        </span>
        <span class="grow" />
        {run.version && (
          <a class="identifier" href={href("models", run.version)}>
            {run.version}
          </a>
        )}
      </header>
      {run.cause && (
        <div class="note bad">
          <Icon name="bad" />
          <p>{run.cause}</p>
        </div>
      )}
      <Steps run={run} />
      <LastLine run={run} />
      <p class="identifier faint">{run.id}</p>
    </li>
  );
}

export const reasonText = ({ reason }: TrainingRun): string =>
  sentence((reason ?? "training").replace(/^by-hand\b/, "by hand"));

export function LastLine({ run }: { run: TrainingRun }) {
  return (
    run.log && (
      <p class="log-line">
        <span class="visually-hidden">Last line of the log: </span>
        {run.log}
      </p>
    )
  );
}

export function RunDuration({ run, runs }: { run: TrainingRun; runs: readonly TrainingRun[] }) {
  const now = useNow();
  if (run.endedMs !== null) {
    return <>took {duration(run.endedMs - run.startedMs)}</>;
  }
  const usualMs = registeredAfterMs(run) === null ? usualDurationMs(runs) : null;
  const leftMs = usualMs === null ? null : run.startedMs + usualMs - now;
  return (
    <>
      running for {duration(now - run.startedMs)}
      {leftMs !== null && leftMs > 0 && `, its version should be ready in about ${duration(roundedMs(leftMs))}`}
      {leftMs !== null && leftMs <= 0 && `, longer than the usual ${duration(usualMs)}`}
    </>
  );
}

const MINUTE_MS = 60_000;

/** Round a remaining time up to the minute, or to ten seconds within the last minute. */
const roundedMs = (ms: number): number => {
  const unitMs = ms > MINUTE_MS ? MINUTE_MS : MINUTE_MS / 6;
  return Math.ceil(ms / unitMs) * unitMs;
};

const RECENT_RUNS = 5;

/** Return the median time from start to gate decision of recent successful runs, or null if there are none. */
export function usualDurationMs(runs: readonly TrainingRun[]): number | null {
  const durations = runs
    .filter((run) => run.status === "SUCCEEDED")
    .map(registeredAfterMs)
    .filter((ms) => ms !== null)
    .slice(0, RECENT_RUNS)
    .sort((a, b) => a - b);
  return durations[Math.floor(durations.length / 2)] ?? null;
}

/**
 * Return the time from a run's start to the gate's decision, or null before the decision. A canary may follow for
 * hours.
 */
function registeredAfterMs(run: TrainingRun): number | null {
  const leftMs = run.states.find(({ name }) => name === "RegisterModel")?.leftMs ?? null;
  return leftMs === null ? null : leftMs - run.startedMs;
}

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

export function StartDialog({ close }: { close: () => void }) {
  const { api, cache, announce } = useConsole();
  const clientToken = useMemo(() => crypto.randomUUID(), []);
  const submit = async (reason: string) => {
    const request: StartTraining = { clientToken, ...(reason ? { reason } : {}) };
    const { body } = await api.post<StartedTraining>(TRAININGS, request);
    announce(`Training ${body.id} has started.`);
    close();
    void cache.refresh(trainings);
  };
  return (
    <Dialog title="Start a training" close={close}>
      <ChangeForm verb="Start" reasonRequired={false} cancel={close} submit={submit}>
        <p>
          The workflow builds a dataset from the lake, compares the algorithms and trains the best one. A version that
          passes the gate starts a canary, and becomes champion if it is no worse.
        </p>
      </ChangeForm>
    </Dialog>
  );
}

/** Minimum duration of shown states. A shorter state, except the last, only selects the next state and is hidden. */
const MIN_SHOWN_MS = 20;

export function Steps({ run }: { run: TrainingRun }) {
  const now = useNow();
  return (
    <ol class="steps" aria-label="States">
      {run.states.map((state, at) => {
        const tookMs = (state.leftMs ?? run.endedMs ?? now) - state.enteredMs;
        const last = at === run.states.length - 1;
        const progress = stepState(run, state.leftMs === null, last);
        if (tookMs < MIN_SHOWN_MS && !last) {
          return null;
        }
        return (
          <li key={state.name} class={progress} style={{ flexGrow: Math.sqrt(tookMs / 1000) + 1 }}>
            <span class="name">
              <Icon name={progress === "going" ? "going" : progress === "failed" ? "bad" : "check"} />
              {stateTitle(state.name)}
              {progress !== "done" && (
                <span class="visually-hidden"> ({progress === "going" ? "running" : "failed"})</span>
              )}
            </span>
            <span class="took">{duration(tookMs)}</span>
          </li>
        );
      })}
    </ol>
  );
}

export function stepState(run: TrainingRun, open: boolean, last: boolean): "going" | "failed" | "done" {
  if (run.status === "RUNNING") {
    return open ? "going" : "done";
  }
  return last && run.status !== "SUCCEEDED" ? "failed" : "done";
}

/** Return `BuildDataset` as `Build dataset`. */
const stateTitle = (name: string): string => sentence(name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase());
