import { expect, it } from "vitest";
import type { TrainingRun } from "../contract";
import { trainingsAnswer } from "../fixtures";
import { howFar } from "./steps";

const run = (status: TrainingRun["status"]): TrainingRun => ({ ...(trainingsAnswer.runs[0] as TrainingRun), status });

it("a run goes on in what it has not left, failed in its last state, and did the rest", () => {
  expect(howFar(run("RUNNING"), true, true)).toBe("going");
  expect(howFar(run("RUNNING"), false, false)).toBe("done");
  expect([false, true].map((last) => howFar(run("TIMED_OUT"), last, last))).toEqual(["done", "failed"]);
  expect(howFar(run("SUCCEEDED"), false, true)).toBe("done");
});
