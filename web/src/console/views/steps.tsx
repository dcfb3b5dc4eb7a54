import { useNow } from "../context";
import type { TrainingRun } from "../contract";
import { duration } from "../format";
import { Icon } from "../parts/icons";

export interface Step {
  readonly name: string;
  /** How often it was entered: a trial is looked at again and again. */
  readonly times: number;
  readonly tookMs: number;
  readonly going: boolean;
}

/** The states of a run in the order in which they were first entered, each once. */
export function stepsOf(states: TrainingRun["states"], nowMs: number): Step[] {
  const steps = new Map<string, Step>();
  for (const state of states) {
    const before = steps.get(state.name);
    steps.set(state.name, {
      name: state.name,
      times: (before?.times ?? 0) + 1,
      tookMs: (before?.tookMs ?? 0) + (state.leftMs ?? nowMs) - state.enteredMs,
      going: state.leftMs === null,
    });
  }
  return [...steps.values()];
}

/** A run's states in a row, each as wide as its time asks for. */
export function Steps({ run }: { run: TrainingRun }) {
  const now = useNow();
  const steps = stepsOf(run.states, run.endedMs ?? now);
  const failed = run.status !== "RUNNING" && run.status !== "SUCCEEDED";
  return (
    <ol class="steps" aria-label="States">
      {steps.map((step, at) => {
        const last = at === steps.length - 1;
        const state = step.going && run.status === "RUNNING" ? "going" : failed && last ? "failed" : "done";
        return (
          <li key={step.name} class={state} style={{ flexGrow: Math.sqrt(step.tookMs / 1000) + 1 }}>
            <span class="name">
              <Icon name={state === "going" ? "going" : state === "failed" ? "bad" : "check"} />
              {spaced(step.name)}
              {state !== "done" && <span class="visually-hidden"> ({state === "going" ? "going on" : "failed"})</span>}
            </span>
            <span class="took">
              {duration(step.tookMs)}
              {step.times > 1 && `, ${step.times} times`}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

/** `BuildDataset` as words. */
const spaced = (name: string): string => {
  const apart = name.replaceAll(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  return apart.charAt(0).toUpperCase() + apart.slice(1);
};
