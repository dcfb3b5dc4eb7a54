import { expect, it } from "vitest";
import { stepsOf } from "./steps";

it("a state that is entered again and again is one step, as long as all its times", () => {
  const states = [
    { name: "Train", enteredMs: 0, leftMs: 40 },
    { name: "Watch", enteredMs: 40, leftMs: 50 },
    { name: "Look", enteredMs: 50, leftMs: 55 },
    { name: "Watch", enteredMs: 55, leftMs: null },
  ];
  expect(stepsOf(states, 75)).toEqual([
    { name: "Train", times: 1, tookMs: 40, going: false },
    { name: "Watch", times: 2, tookMs: 10 + 20, going: true },
    { name: "Look", times: 1, tookMs: 5, going: false },
  ]);
});
