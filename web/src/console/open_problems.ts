import type { Alarms, DriftReport, Models, QuarantineReport, Trainings } from "./contract";
import { ago, figure, plural, words } from "./format";
import type { Tone } from "./parts/elements";
import { href } from "./routing";

/** A problem with a link to its view. */
interface Problem {
  readonly tone: Tone;
  readonly word: string;
  readonly text: string;
  readonly href: string;
}

interface LoadedData {
  readonly alarms: Alarms | null;
  readonly models: Models | null;
  readonly trainings: Trainings | null;
  readonly drift: DriftReport | null;
  readonly quarantine: QuarantineReport | null;
}

/** Open problems other than ringing alarms, the worst first. */
export function openProblems({ models, trainings, drift, quarantine }: LoadedData, nowMs: number): Problem[] {
  const problems: Problem[] = [];
  const last = trainings?.runs.find((run) => run.status !== "RUNNING");
  if (last && last.status !== "SUCCEEDED") {
    const text = `The last training ended ${ago(last.endedMs ?? last.startedMs, nowMs)}: ${last.cause ?? last.status.toLowerCase()}`;
    problems.push({ tone: "bad", word: "failed", text, href: href("trainings") });
  }
  const rejected = last?.outcome === "rejected" || last?.outcome === "rolled back";
  // Unless an operator promoted it afterwards.
  if (rejected && (last.version === null || last.version !== models?.champion?.version)) {
    const by = last.outcome === "rejected" ? "The gate rejected" : "The canary trial rolled back";
    const text = `${by} ${last.version ?? "the version"} of the last training.`;
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
  if (models?.champion?.held) {
    const text = `Automatic promotion is paused: ${models.champion.held}`;
    problems.push({ tone: "warn", word: "held", text, href: href("models") });
  }
  if (models?.champion?.canary) {
    const text = `${models.champion.canary.version} is on trial with some of the users.`;
    problems.push({ tone: "going", word: "on trial", text, href: href("models", models.champion.canary.version) });
  }
  if (drift?.looked) {
    const { figures, checks, threshold } = drift.looked;
    for (const metric of figures.filter(({ value }) => (value ?? 0) > threshold)) {
      const text = `${words(metric.name)} is at ${figure(metric.value)}, above ${figure(threshold)}.`;
      problems.push({ tone: "warn", word: "drift", text, href: href("drift") });
    }
    for (const check of checks.filter(({ failed }) => failed)) {
      problems.push({
        tone: "warn",
        word: "events",
        text: `${words(check.name)} is above its limit.`,
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
