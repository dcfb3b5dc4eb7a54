import { describe, expect, it } from "vitest";
import { mattersOf } from "./attention";
import type { Champion, TrainingRun } from "./contract";
import { champion, driftAnswer, modelsAnswer, NOW, quarantineAnswer, trainingsAnswer } from "./fixtures";

const quiet = {
  alarms: { alarms: [] },
  models: modelsAnswer,
  trainings: { runs: trainingsAnswer.runs.filter((run) => run.outcome === "promoted") },
  drift: { looked: null },
  quarantine: { objects: 0, records: 0, truncated: false, groups: [] },
};
const wordsOf = (known: Parameters<typeof mattersOf>[0]) => mattersOf(known, NOW).map((matter) => matter.word);
const withChampion = (change: Partial<Champion> | null) => ({
  ...quiet,
  models: { ...modelsAnswer, champion: change && { ...champion, ...change } },
});

describe("what needs attention", () => {
  it("is nothing where all is well", () => {
    expect(wordsOf(quiet)).toEqual([]);
  });

  it("is the last training that ended, if it failed, whatever runs now", () => {
    const running = trainingsAnswer.runs.filter((run) => run.status === "RUNNING");
    const failed = trainingsAnswer.runs.filter((run) => run.status === "FAILED");
    const [matter] = mattersOf({ ...quiet, trainings: { runs: [...running, ...failed] } }, NOW);
    expect(matter?.text).toContain("no capacity for ml.m7i.2xlarge");
    expect(wordsOf({ ...quiet, trainings: { runs: [...quiet.trainings.runs, ...failed] } })).toEqual([]);
  });

  it("is a version of the last training that the gate rejected or its trial took back", () => {
    const [run] = quiet.trainings.runs;
    const ended = (outcome: string) => ({
      ...quiet,
      trainings: { runs: [{ ...run, version: "v9", outcome } as TrainingRun, ...quiet.trainings.runs] },
    });
    expect(mattersOf(ended("rejected"), NOW)).toEqual([
      {
        tone: "warn",
        word: "rejected",
        text: "The gate rejected v9 of the last training.",
        href: "#/models/v9",
      },
    ]);
    expect(mattersOf(ended("rolled back"), NOW)[0]?.text).toBe("The canary trial rolled back v9 of the last training.");
    expect(wordsOf(ended("promoted"))).toEqual([]);
    expect(wordsOf({ ...withChampion({ version: "v9" }), trainings: ended("rejected").trainings })).toEqual([]);
  });

  it("is a champion that is missing, held or being challenged", () => {
    expect(wordsOf(withChampion(null))).toEqual(["no champion"]);
    expect(wordsOf(withChampion({ held: "rolled back" }))).toEqual(["held"]);
    expect(wordsOf(withChampion({ canary: { version: "v9", share: 0.1, startedMs: NOW } }))).toEqual(["on trial"]);
  });

  it("is drift above its threshold and checks above their bounds, and what is held back", () => {
    expect(wordsOf({ ...quiet, drift: driftAnswer, quarantine: quarantineAnswer })).toEqual([
      "drift",
      "events",
      "quarantine",
    ]);
  });

  it("is not made up of what is not known", () => {
    expect(wordsOf({ alarms: null, models: null, trainings: null, drift: null, quarantine: null })).toEqual([]);
  });
});
