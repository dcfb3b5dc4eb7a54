import { expect, it } from "vitest";
import type { Alarm } from "../contract";
import { alarmsResponse } from "../testing/responses";
import { alarmTitle, conditionText } from "./alarms";

const [alarm] = alarmsResponse.alarms as [Alarm];
const condition = { metric: "p99 latency, ms", threshold: 1000, breaching: 3, periods: 3, periodS: 300 };

it.each([
  [{ ...condition, breaching: 1, periods: 1 }, "ApiSlow. p99 latency, ms: above 1,000 within 5 min"],
  [condition, "ApiSlow. p99 latency, ms: above 1,000 for 3 periods of 5 min"],
  [{ ...condition, breaching: 1, periods: 12 }, "ApiSlow. p99 latency, ms: above 1,000 in 1 of 12 periods of 5 min"],
  [
    { ...condition, metric: "SnapshotMergesFailed" },
    "ApiSlow. Snapshot merges failed: above 1,000 for 3 periods of 5 min",
  ],
])("a condition is a sentence (%#)", (given, text) => {
  expect(conditionText({ ...alarm, id: "ApiSlow", condition: given })).toBe(text);
});

it("an alarm of alarms names them", () => {
  const combined = { ...alarm, id: "ShopSeesErrors", condition: null, combines: ["ApiErrors", "ApiSlow"] };
  expect(conditionText(combined)).toBe("ShopSeesErrors. Rings with any of ApiErrors, ApiSlow");
});

it("a title is the description without its runbook", () => {
  expect(alarmTitle({ ...alarm, description: "the champion is old: docs/runbooks/drift.md" })).toBe(
    "The champion is old",
  );
});
