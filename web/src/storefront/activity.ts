import { type ListReader, readIds } from "./recommendations";

export interface Activity {
  readonly id: number;
  /** The action, such as "View of Bananas". */
  readonly what: string;
  readonly state: "sending" | "sent" | "watching" | "settled" | "failed";
  readonly outcome: Outcome | null;
  readonly error: string | null;
  /** Repeats a failed request, if a retry can succeed. */
  readonly again: (() => void) | null;
}

export const MAX_ACTIVITIES = 20;

export function activityText({ what, state, outcome, error }: Activity): string {
  switch (state) {
    case "sending":
      return `Sending ${what.charAt(0).toLowerCase()}${what.slice(1)} …`;
    case "sent":
      return `${what} sent`;
    case "watching":
      return `${what} sent, waiting for its effect …`;
    case "failed":
      return `${what} could not be sent: ${error}`;
    case "settled":
      return outcome ? `${what} sent. ${outcomeText(outcome)}` : what; // no event was sent
  }
}

function outcomeText({ effect, afterMs }: Outcome): string {
  const seconds = `${(afterMs / 1000).toFixed(1)} s`;
  switch (effect) {
    case "changed":
      return `“For you” changed after ${seconds}`;
    case "same":
      return `Counted after ${seconds}; “for you” did not change`;
    case "late":
      return `No change within ${seconds}`;
  }
}

/** The lists that show the effect of an event. */
export interface Snapshot {
  readonly forYou: readonly string[];
  /** The items recently viewed and bought before. A change shows that the event was processed. */
  readonly history: readonly string[];
}

/** The effect of an event. `same` means that the event was processed, but "for you" did not change. */
interface Outcome {
  readonly effect: "changed" | "same" | "late";
  readonly afterMs: number;
}

interface EffectOptions {
  readonly before: Snapshot;
  readonly takeSnapshot: () => Promise<Snapshot>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nowMs: () => number;
}

const SNAPSHOT_ITEMS = 20;

export async function takeSnapshot(lists: ListReader): Promise<Snapshot> {
  const ids = (recommender: "for-you" | "recently-viewed" | "buy-again") =>
    readIds(lists, { recommender, numResults: SNAPSHOT_ITEMS });
  const [forYou, recent, again] = await Promise.all([ids("for-you"), ids("recently-viewed"), ids("buy-again")]);
  return { forYou, history: [...recent, "", ...again] };
}

export const MAX_WAIT_MS = 15_000;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2_000;

/**
 * Poll after increasing waits until "for you" has changed, or for `MAX_WAIT_MS`.
 *
 * An event may leave "for you" unchanged, so polling stops one request after the shopper's history has changed.
 */
export async function awaitEffect({ before, takeSnapshot, sleep, nowMs }: EffectOptions): Promise<Outcome> {
  const startedMs = nowMs();
  let processed = false;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
    await sleep(waitMs);
    const { forYou, history } = await takeSnapshot();
    const afterMs = nowMs() - startedMs;
    if (differs(forYou, before.forYou)) return { effect: "changed", afterMs };
    if (processed) return { effect: "same", afterMs };
    processed = differs(history, before.history);
    if (afterMs >= MAX_WAIT_MS) return { effect: "late", afterMs };
  }
}

function differs(left: readonly string[], right: readonly string[]): boolean {
  return left.length !== right.length || left.some((item, index) => item !== right[index]);
}
