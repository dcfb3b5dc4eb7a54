import type { Alarms, DriftAnswer, Models, Quarantine, Trainings } from "./contract";
import { ago, figure, plural, words } from "./format";
import type { Tone } from "./parts/status";
import { href } from "./routing";

/** Something that an operator should look at. */
export interface Matter {
  readonly tone: Tone;
  readonly word: string;
  readonly text: string;
  readonly href: string;
}

interface Known {
  readonly alarms: Alarms | null;
  readonly models: Models | null;
  readonly trainings: Trainings | null;
  readonly drift: DriftAnswer | null;
  readonly quarantine: Quarantine | null;
}

/** Open problems other than ringing alarms, the worst first. */
export function mattersOf({ models, trainings, drift, quarantine }: Known, nowMs: number): Matter[] {
  const matters: Matter[] = [];
  const last = trainings?.runs.find((run) => run.status !== "RUNNING");
  if (last && last.status !== "SUCCEEDED") {
    const text = `The last training ended ${ago(last.endedMs ?? last.startedMs, nowMs)}: ${last.cause ?? last.status.toLowerCase()}`;
    matters.push({ tone: "bad", word: "failed", text, href: href("trainings") });
  }
  const refused = last?.outcome === "rejected" || last?.outcome === "rolled back";
  // Unless an operator promoted it afterwards.
  if (refused && (last.version === null || last.version !== models?.champion?.version)) {
    const by = last.outcome === "rejected" ? "The gate rejected" : "The canary trial rolled back";
    const text = `${by} ${last.version ?? "the version"} of the last training.`;
    const where = last.version ? href("models", last.version) : href("trainings");
    matters.push({ tone: "warn", word: last.outcome, text, href: where });
  }
  if (models && !models.champion) {
    matters.push({
      tone: "warn",
      word: "no champion",
      text: "Requests return trending items or an empty list.",
      href: href("models"),
    });
  }
  if (models?.champion?.held) {
    const text = `Automatic promotion is paused: ${models.champion.held}`;
    matters.push({ tone: "warn", word: "held", text, href: href("models") });
  }
  if (models?.champion?.canary) {
    const text = `${models.champion.canary.version} is on trial with some of the users.`;
    matters.push({ tone: "going", word: "on trial", text, href: href("models", models.champion.canary.version) });
  }
  if (drift?.looked) {
    const { figures, checks, threshold } = drift.looked;
    for (const one of figures.filter((found) => (found.value ?? 0) > threshold)) {
      const text = `${words(one.name)} is at ${figure(one.value)}, above ${figure(threshold)}.`;
      matters.push({ tone: "warn", word: "drift", text, href: href("drift") });
    }
    for (const check of checks.filter((found) => found.failed)) {
      matters.push({
        tone: "warn",
        word: "events",
        text: `${words(check.name)} is above its limit.`,
        href: href("drift"),
      });
    }
  }
  if (quarantine && quarantine.records > 0) {
    const text = `${plural(quarantine.records, "record")} could not be processed.`;
    matters.push({ tone: "warn", word: "quarantine", text, href: href("quarantine") });
  }
  return matters;
}
