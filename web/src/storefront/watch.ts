import type { Api } from "../platform/api";
import { recommendIds } from "./recommending";
import type { Shopper } from "./shopper";

/** Lists that show an event's effect: the items of "for you", and those that the shopper has had. */
export interface Look {
  readonly forYou: readonly string[];
  /** Recently viewed and bought before: where these change the event has arrived. */
  readonly had: readonly string[];
}

/** What became of an event. `same`: it has arrived, and "for you" stays as it was. */
export interface Outcome {
  readonly effect: "changed" | "same" | "late";
  readonly afterMs: number;
}

export interface Watching {
  readonly before: Look;
  readonly look: () => Promise<Look>;
  readonly sleep: (ms: number) => Promise<void>;
  readonly nowMs: () => number;
}

const LOOKED_AT = 20;

/** Look at what a shopper is answered now. */
export async function lookAt(api: Api, shopper: Shopper): Promise<Look> {
  const ids = (recommender: "for-you" | "recently-viewed" | "buy-again") =>
    recommendIds(api, { recommender, userId: shopper.id, most: LOOKED_AT });
  const [forYou, recent, again] = await Promise.all([ids("for-you"), ids("recently-viewed"), ids("buy-again")]);
  return { forYou, had: [...recent, "", ...again] };
}

/** Longest wait for an effect. */
export const PATIENCE_MS = 15_000;

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 2_000;

/**
 * Look again and again, each time after a longer wait, until "for you" has changed.
 *
 * An event may arrive and change nothing. Where what the shopper has had shows it and "for you" is the same in the look
 * after that, it is not waited on.
 */
export async function watch({ before, look, sleep, nowMs }: Watching): Promise<Outcome> {
  const startedMs = nowMs();
  let arrived = false;
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 1.5, LONGEST_WAIT_MS)) {
    await sleep(waitMs);
    const { forYou, had } = await look();
    const afterMs = nowMs() - startedMs;
    if (differs(forYou, before.forYou)) return { effect: "changed", afterMs };
    if (arrived) return { effect: "same", afterMs };
    arrived = differs(had, before.had);
    if (afterMs >= PATIENCE_MS) return { effect: "late", afterMs };
  }
}

function differs(left: readonly string[], right: readonly string[]): boolean {
  return left.length !== right.length || left.some((item, index) => item !== right[index]);
}
