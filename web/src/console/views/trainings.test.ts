import { expect, it } from "vitest";
import type { TrainingRun } from "../contract";
import { trainingsResponse } from "../testing/responses";
import { reasonText, stepState, usualDurationMs } from "./trainings";

const run = (status: TrainingRun["status"]): TrainingRun => ({ ...(trainingsResponse.runs[0] as TrainingRun), status });

it("a run is in its open state, failed in its last state, and completed the others", () => {
  expect(stepState(run("RUNNING"), true, true)).toBe("going");
  expect(stepState(run("RUNNING"), false, false)).toBe("done");
  expect([false, true].map((last) => stepState(run("TIMED_OUT"), last, last))).toEqual(["done", "failed"]);
  expect(stepState(run("SUCCEEDED"), false, true)).toBe("done");
});

it("the usual duration is the median time until recent runs had a version", () => {
  const took = (minutes: number, changes: Partial<TrainingRun> = {}): TrainingRun => ({
    ...run("SUCCEEDED"),
    startedMs: 0,
    states: [
      { name: "RegisterModel", enteredMs: 0, leftMs: minutes * 60_000 },
      { name: "WatchCanary", enteredMs: minutes * 60_000, leftMs: 90 * 60_000 },
    ],
    ...changes,
  });
  const runs = [took(1, { states: [] }), took(2, { status: "FAILED" }), took(9), took(30), took(10)];
  expect(usualDurationMs(runs)).toBe(10 * 60_000);
  expect(usualDurationMs([...runs, took(11), took(12), took(500), took(600)])).toBe(11 * 60_000);
  expect(usualDurationMs([run("RUNNING")])).toBeNull();
});

it.each([
  ["by-hand: new arrivals", "By hand: new arrivals"],
  ["by-hand", "By hand"],
  ["schedule", "Schedule"],
  [null, "Training"],
])("the reason %s is the heading “%s”", (reason, heading) => {
  expect(reasonText({ ...run("SUCCEEDED"), reason })).toBe(heading);
});
