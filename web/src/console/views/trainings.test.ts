import { expect, it } from "vitest";
import type { TrainingRun } from "../contract";
import { trainingsResponse } from "../testing/responses";
import { stepState } from "./trainings";

const run = (status: TrainingRun["status"]): TrainingRun => ({ ...(trainingsResponse.runs[0] as TrainingRun), status });

it("a run is in its open state, failed in its last state, and completed the others", () => {
  expect(stepState(run("RUNNING"), true, true)).toBe("going");
  expect(stepState(run("RUNNING"), false, false)).toBe("done");
  expect([false, true].map((last) => stepState(run("TIMED_OUT"), last, last))).toEqual(["done", "failed"]);
  expect(stepState(run("SUCCEEDED"), false, true)).toBe("done");
});
