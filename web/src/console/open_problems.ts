import type { Alarms, DriftReport, Models, QuarantineReport, Traffic, Trainings } from "./contract";
import { ago, clockTime, count, figure, milliseconds, plural, sentence, words } from "./format";
import type { Tone } from "./parts/elements";
import { href } from "./routing";
import { runbookHref } from "./runbooks";
import { highest, thresholdOf, total } from "./traffic_metrics";

interface Problem {
  readonly tone: Tone;
  readonly word: string;
  readonly text: string;
  readonly href: string;
}

interface LoadedData {
  readonly alarms: Alarms | null;
  /** The traffic of the last hour. */
  readonly traffic: Traffic | null;
  readonly models: Models | null;
  readonly trainings: Trainings | null;
  readonly drift: DriftReport | null;
  readonly quarantine: QuarantineReport | null;
}

/** Sentences on a version that did not become champion, by the outcome of its training. */
const NOT_PROMOTED: Readonly<Record<string, (version: string) => string>> = {
  rejected: (version) => `The gate rejected ${version} of the last training.`,
  waiting: (version) => `${version} of the last training waits for evidence or your promotion.`,
  "rolled back": (version) => `The canary rolled back ${version} of the last training.`,
};

/** Return the open problems other than ringing alarms. */
export function openProblems(data: LoadedData, nowMs: number): Problem[] {
  const { models, trainings, drift, quarantine } = data;
  const problems = trafficProblems(data);
  const last = trainings?.runs.find((run) => run.status !== "RUNNING");
  if (last && last.status !== "SUCCEEDED") {
    const text = `The last training ended ${ago(last.endedMs ?? last.startedMs, nowMs)}: ${last.cause ?? last.status.toLowerCase()}`;
    problems.push({ tone: "bad", word: "failed", text, href: href("trainings") });
  }
  const refused = last?.outcome ? NOT_PROMOTED[last.outcome] : undefined;
  // An operator may have promoted the version afterwards.
  if (last?.outcome && refused && (last.version === null || last.version !== models?.champion?.version)) {
    const text = refused(last.version ?? "the version");
    const link = last.version ? href("models", last.version) : href("trainings");
    problems.push({ tone: "warn", word: last.outcome, text, href: link });
  }
  if (models && !models.champion) {
    problems.push({
      tone: "warn",
      word: "no champion",
      text: "Requests return trending items or an empty list.",
      href: href("models"),
    });
  }
  for (const { version, status, damaged } of models?.versions ?? []) {
    if (damaged.length > 0) {
      const text = `${version}, ${status}, has damaged files: ${damaged.join(", ")}.`;
      problems.push({
        tone: status === "champion" ? "bad" : "warn",
        word: "damaged",
        text,
        href: runbookHref("models"),
      });
    }
  }
  if (models?.champion?.held) {
    const text = `Automatic promotion is paused: ${models.champion.held}`;
    problems.push({ tone: "warn", word: "held", text, href: href("models") });
  }
  if (models?.champion?.canary) {
    const text = `${models.champion.canary.version} is a canary for some of the users.`;
    problems.push({ tone: "going", word: "canary", text, href: href("models", models.champion.canary.version) });
  }
  if (drift?.looked) {
    const { figures, checks } = drift.looked;
    for (const metric of figures.filter(({ value, threshold }) => (value ?? 0) > (threshold ?? Infinity))) {
      const text = `${sentence(words(metric.name))} is at ${figure(metric.value)}, above ${figure(metric.threshold)}.`;
      problems.push({ tone: "warn", word: "drift", text, href: href("drift") });
    }
    for (const check of checks.filter(({ failed }) => failed)) {
      problems.push({
        tone: "warn",
        word: "events",
        text: `${sentence(words(check.name))} is above its limit.`,
        href: href("drift"),
      });
    }
  }
  if (quarantine && quarantine.records > 0) {
    const text = `${plural(quarantine.records, "record")} could not be processed.`;
    problems.push({ tone: "warn", word: "quarantine", text, href: href("quarantine") });
  }
  return problems;
}

/**
 * Return problems of failed requests, of empty lists, and of a p99 latency above the threshold of the alarm `ApiSlow`.
 * The alarm rings only after several slow periods.
 */
function trafficProblems({ alarms, traffic }: LoadedData): Problem[] {
  if (!traffic) {
    return [];
  }
  const problems: Problem[] = [];
  const { requests, serverErrors, latencyP99 } = traffic.series;
  const failed = total(serverErrors);
  if (failed > 0) {
    const text = `${count(failed)} of ${plural(total(requests), "request")} in the last hour failed with a server error.`;
    problems.push({ tone: "bad", word: "errors", text, href: runbookHref("errors") });
  }
  for (const { recommender, filter, empty } of traffic.incomplete.filter((row) => row.empty > 0)) {
    const text = `${recommender} with filter ${filter}: ${plural(empty, "empty list")} in the last hour.`;
    problems.push({ tone: "warn", word: "empty", text, href: runbookHref("empty") });
  }
  const slowest = highest(latencyP99);
  const limitMs = thresholdOf(alarms, "ApiSlow");
  if (slowest && limitMs !== null && slowest[1] > limitMs) {
    const [atMs, latencyMs] = slowest;
    const text = `The p99 latency was ${milliseconds(latencyMs)} at ${clockTime(atMs)}. The alarm's threshold is ${milliseconds(limitMs)}.`;
    problems.push({ tone: "warn", word: "slow", text, href: runbookHref("errors") });
  }
  return problems;
}
