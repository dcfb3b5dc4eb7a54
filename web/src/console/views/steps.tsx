import { useNow } from "../context";
import type { TrainingRun } from "../contract";
import { duration } from "../format";
import { Icon } from "../parts/icons";

/** A state that took no longer only decided which one comes next. */
const NOTHING_DONE_MS = 20;

/** A run's states in a row, each as wide as its time asks for. */
export function Steps({ run }: { run: TrainingRun }) {
  const now = useNow();
  return (
    <ol class="steps" aria-label="States">
      {run.states.map((state, at) => {
        const tookMs = (state.leftMs ?? run.endedMs ?? now) - state.enteredMs;
        const last = at === run.states.length - 1;
        const how = howFar(run, state.leftMs === null, last);
        if (tookMs < NOTHING_DONE_MS && !last) {
          return null;
        }
        return (
          <li key={state.name} class={how} style={{ flexGrow: Math.sqrt(tookMs / 1000) + 1 }}>
            <span class="name">
              <Icon name={how === "going" ? "going" : how === "failed" ? "bad" : "check"} />
              {spaced(state.name)}
              {how !== "done" && <span class="visually-hidden"> ({how === "going" ? "running" : "failed"})</span>}
            </span>
            <span class="took">{duration(tookMs)}</span>
          </li>
        );
      })}
    </ol>
  );
}

/** Progress of a run through a state: in it, failed in it, or past it. */
export function howFar(run: TrainingRun, within: boolean, last: boolean): "going" | "failed" | "done" {
  if (run.status === "RUNNING") {
    return within ? "going" : "done";
  }
  return last && run.status !== "SUCCEEDED" ? "failed" : "done";
}

/** `BuildDataset` as words. */
const spaced = (name: string): string => {
  const apart = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
};
