import { expect, it } from "vitest";
import { type Look, PATIENCE_MS, watch } from "./watch";

/** Watch answers that come one after another, the last one for ever, by a clock that sleeping moves. */
async function outcome(...answers: Look[]) {
  let nowMs = 0;
  let looks = 0;
  const found = await watch({
    before: { forYou: ["1", "2"], had: ["9"] },
    look: async () => answers[Math.min(looks++, answers.length - 1)] ?? { forYou: [], had: [] },
    sleep: async (ms) => {
      nowMs += ms;
    },
    nowMs: () => nowMs,
  });
  return { ...found, looks };
}

const unchanged = { forYou: ["1", "2"], had: ["9"] };
const arrived = { forYou: ["1", "2"], had: ["3", "9"] };

it("says after how long a list has changed", async () => {
  const found = await outcome(unchanged, { forYou: ["2", "1"], had: ["3", "9"] });
  expect(found).toEqual({ effect: "changed", afterMs: 250 + 375, looks: 2 });
});

it("sees a change that comes a look after the event has arrived", async () => {
  expect((await outcome(arrived, { ...arrived, forYou: ["1", "4"] })).effect).toBe("changed");
});

it("does not wait on where an event has arrived and changes nothing", async () => {
  expect(await outcome(unchanged, arrived)).toMatchObject({ effect: "same", looks: 3 });
});

it("gives up in the end", async () => {
  const found = await outcome(unchanged);
  expect(found.effect).toBe("late");
  expect(found.afterMs).toBeGreaterThanOrEqual(PATIENCE_MS);
  expect(found.looks).toBeLessThan(15);
});
