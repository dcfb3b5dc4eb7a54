import type { Outcome } from "./watch";

/** An action of the shopper, and its outcome. */
export interface Activity {
  readonly id: number;
  /** The action, such as "View of Bananas". */
  readonly what: string;
  readonly state: "sending" | "sent" | "watching" | "settled" | "failed";
  readonly outcome: Outcome | null;
  /** Why it could not be sent, and what sends it again. */
  readonly error: string | null;
  readonly again: (() => void) | null;
}

/** Number of remembered actions. */
export const REMEMBERED = 20;

/** Say it in a line. */
export function activitySentence({ what, state, outcome, error }: Activity): string {
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
      return outcome ? `${what} sent. ${outcomeSentence(outcome)}` : what; // without one nothing was sent
  }
}

/** Say what an event led to. */
export function outcomeSentence({ effect, afterMs }: Outcome): string {
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
