import { expect, it } from "vitest";
import { lastPromotion, wasChampion } from "./champion";
import { champion } from "./fixtures";

it("a champion is champion since its last promotion, whatever order the history has", () => {
  const history = [
    { version: "b", promotedMs: 30, reason: "again" },
    { version: "a", promotedMs: 20, reason: "rollback" },
    { version: "b", promotedMs: 10, reason: "first" },
  ];
  const found = { ...champion, version: "b", history };
  expect(lastPromotion(found)?.reason).toBe("again");
  expect(lastPromotion({ ...found, history: history.reverse() })?.reason).toBe("again");
  expect([wasChampion(found, "a"), wasChampion(found, "c"), wasChampion(null, "a")]).toEqual([true, false, false]);
});
