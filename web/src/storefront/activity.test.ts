import { expect, it } from "vitest";
import { type Activity, activityText, awaitEffect, MAX_WAIT_MS, type Snapshot } from "./activity";

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
])("%o is shown in a line", (changes, sentence) => {
  expect(activityText({ ...sent, ...changes })).toBe(sentence);
});

/** Await an effect with these responses in order, the last one repeatedly, and a clock that only sleeping advances. */
async function outcome(...answers: Snapshot[]) {
  let nowMs = 0;
  let snapshots = 0;
  const result = await awaitEffect({
    before: { forYou: ["1", "2"], history: ["9"] },
    takeSnapshot: async () => answers[Math.min(snapshots++, answers.length - 1)] ?? { forYou: [], history: [] },
    sleep: async (ms) => {
      nowMs += ms;
    },
    nowMs: () => nowMs,
  });
  return { ...result, snapshots };
}

const unchanged = { forYou: ["1", "2"], history: ["9"] };
const processed = { forYou: ["1", "2"], history: ["3", "9"] };

it("reports after how long a list has changed", async () => {
  const result = await outcome(unchanged, { forYou: ["2", "1"], history: ["3", "9"] });
  expect(result).toEqual({ effect: "changed", afterMs: 250 + 375, snapshots: 2 });
});

it("detects a change one request after the event was processed", async () => {
  expect((await outcome(processed, { ...processed, forYou: ["1", "4"] })).effect).toBe("changed");
});

it("stops if an event was processed and changed nothing", async () => {
  expect(await outcome(unchanged, processed)).toMatchObject({ effect: "same", snapshots: 3 });
});

it("stops after the longest wait", async () => {
  const result = await outcome(unchanged);
  expect(result.effect).toBe("late");
  expect(result.afterMs).toBeGreaterThanOrEqual(MAX_WAIT_MS);
  expect(result.snapshots).toBeLessThan(15);
});
