import { expect, it } from "vitest";
import { type Activity, activitySentence } from "./activity";

const sent: Activity = { id: 1, what: "View of Figs", state: "sent", outcome: null, error: null, again: null };

it.each<[Partial<Activity>, string]>([
  [{ state: "sending" }, "Sending view of Figs …"],
  [{}, "View of Figs sent"],
  [{ state: "watching" }, "View of Figs sent, waiting for its effect …"],
  [{ state: "settled", what: "Shopper 7 shops now" }, "Shopper 7 shops now"],
  [{ state: "failed", error: "offline" }, "View of Figs could not be sent: offline"],
  [
    { state: "settled", outcome: { effect: "changed", afterMs: 1234 } },
    "View of Figs sent. “For you” changed after 1.2 s",
  ],
  [
    { state: "settled", outcome: { effect: "same", afterMs: 900 } },
    "View of Figs sent. Counted after 0.9 s; “for you” did not change",
  ],
  [{ state: "settled", outcome: { effect: "late", afterMs: 15_000 } }, "View of Figs sent. No change within 15.0 s"],
])("%o is said in a line", (changes, sentence) => {
  expect(activitySentence({ ...sent, ...changes })).toBe(sentence);
});
