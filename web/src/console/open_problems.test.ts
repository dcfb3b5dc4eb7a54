import { describe, expect, it } from "vitest";
import type { Champion, TrainingRun } from "./contract";
import { openProblems } from "./open_problems";
import {
  alarmsResponse,
  champion,
  driftResponse,
  modelsResponse,
  NOW,
  quarantineResponse,
  soundModels,
  trafficResponse,
  trainingsResponse,
} from "./testing/responses";

const quiet = {
  alarms: alarmsResponse,
  traffic: null,
  models: soundModels,
  trainings: { runs: trainingsResponse.runs.filter((run) => run.outcome === "promoted") },
  drift: { looked: null },
  quarantine: { objects: 0, records: 0, truncated: false, groups: [] },
};
const wordsOf = (data: Parameters<typeof openProblems>[0]) => openProblems(data, NOW).map((problem) => problem.word);
const withChampion = (change: Partial<Champion> | null) => ({
  ...quiet,
  models: { ...soundModels, champion: change && { ...champion, ...change } },
});

describe("the open problems", () => {
  it("are empty without problems", () => {
    expect(wordsOf(quiet)).toEqual([]);
  });

  it("contain a failed last training, independent of running ones", () => {
    const running = trainingsResponse.runs.filter((run) => run.status === "RUNNING");
    const failed = trainingsResponse.runs.filter((run) => run.status === "FAILED");
    const [problem] = openProblems({ ...quiet, trainings: { runs: [...running, ...failed] } }, NOW);
    expect(problem?.text).toContain("no capacity for ml.m7i.2xlarge");
    expect(wordsOf({ ...quiet, trainings: { runs: [...quiet.trainings.runs, ...failed] } })).toEqual([]);
  });

  it("contain a version that the gate rejected or its canary rolled back", () => {
    const [run] = quiet.trainings.runs;
    const ended = (outcome: string) => ({
      ...quiet,
      trainings: { runs: [{ ...run, version: "v9", outcome } as TrainingRun, ...quiet.trainings.runs] },
    });
    expect(openProblems(ended("rejected"), NOW)).toEqual([
      {
        tone: "warn",
        word: "rejected",
        text: "The gate rejected v9 of the last training.",
        href: "#/models/v9",
      },
    ]);
    expect(openProblems(ended("rolled back"), NOW)[0]?.text).toBe("The canary rolled back v9 of the last training.");
    expect(openProblems(ended("waiting"), NOW)[0]?.text).toBe(
      "v9 of the last training waits for evidence or your promotion.",
    );
    expect(wordsOf(ended("promoted"))).toEqual([]);
    expect(wordsOf({ ...withChampion({ version: "v9" }), trainings: ended("rejected").trainings })).toEqual([]);
  });

  it("contain a missing champion, paused promotion and a canary", () => {
    expect(wordsOf(withChampion(null))).toEqual(["no champion"]);
    expect(wordsOf(withChampion({ held: "rolled back" }))).toEqual(["held"]);
    expect(wordsOf(withChampion({ canary: { version: "v9", share: 0.1, startedMs: NOW } }))).toEqual(["canary"]);
  });

  it("contain empty lists by recommender and filter, but no short ones", () => {
    const series = { ...trafficResponse.series, serverErrors: [], latencyP99: [] };
    expect(openProblems({ ...quiet, traffic: { ...trafficResponse, series } }, NOW)).toEqual([
      {
        tone: "warn",
        word: "empty",
        text: "for-you with filter in-stock: 31 empty lists in the last hour.",
        href: "#/alarms/empty",
      },
    ]);
  });

  it("contain damaged files of versions, worst for the champion", () => {
    const versions = modelsResponse.versions.map((version) => ({ ...version, damaged: ["graph.onnx is missing"] }));
    const found = openProblems({ ...quiet, models: { ...modelsResponse, versions } }, NOW);
    expect(found.filter(({ tone }) => tone === "bad").map(({ text }) => text)).toEqual([
      `${champion.version}, champion, has damaged files: graph.onnx is missing.`,
    ]);
    expect(found.length).toBe(versions.length);
  });

  it("contain failed requests, and latency above its alarm's threshold although the alarm is quiet", () => {
    const traffic = (serverErrors: number, latencyMs: number | null) => {
      const { series } = trafficResponse;
      const one = (value: number | null) => [[NOW, value]] as const;
      const changed = { ...series, requests: one(1_420), serverErrors: one(serverErrors), latencyP99: one(latencyMs) };
      return { ...quiet, traffic: { ...trafficResponse, series: changed, incomplete: [] } };
    };
    expect(wordsOf(traffic(0, 1_000))).toEqual([]);
    expect(wordsOf(traffic(0, null))).toEqual([]);
    expect(wordsOf(traffic(1, 10_000))).toEqual(["errors", "slow"]);
    const [errors, slow] = openProblems(traffic(1, 10_000), NOW);
    expect(errors?.text).toBe("1 of 1,420 requests in the last hour failed with a server error.");
    expect(slow?.text).toMatch(/^The p99 latency was 10 s at \d\d:\d\d\. The alarm's threshold is 1 s\.$/);
    expect([errors?.href, slow?.href]).toEqual(["#/alarms/errors", "#/alarms/errors"]);
    expect(wordsOf({ ...traffic(0, 10_000), alarms: { alarms: [] } })).toEqual([]);
  });

  it("contain drift above its threshold, failed checks and quarantined records", () => {
    expect(wordsOf({ ...quiet, drift: driftResponse, quarantine: quarantineResponse })).toEqual([
      "drift",
      "events",
      "quarantine",
    ]);
  });

  it("are empty without data", () => {
    const nothing = { alarms: null, traffic: null, models: null, trainings: null, drift: null, quarantine: null };
    expect(wordsOf(nothing)).toEqual([]);
  });
});
