import { expect, it } from "vitest";
import { lastPromotion, pointerChange, wasChampion } from "./champion";
import { champion } from "./testing/responses";
import { rollbackRequest } from "./views/champion_dialogs";

it("the last promotion counts, independent of the order of the history", () => {
  const history = [
    { version: "b", promotedMs: 30, reason: "again" },
    { version: "a", promotedMs: 20, reason: "rollback" },
    { version: "b", promotedMs: 10, reason: "first" },
  ];
  const pointer = { ...champion, version: "b", history };
  expect(lastPromotion(pointer)?.reason).toBe("again");
  expect(lastPromotion({ ...pointer, history: history.reverse() })?.reason).toBe("again");
  expect([wasChampion(pointer, "a"), wasChampion(pointer, "c"), wasChampion(null, "a")]).toEqual([true, false, false]);
});

it("a changed etag is a changed pointer, described in words", () => {
  const shown = { ...champion, version: "b", etag: "1" };
  const canary = { version: "c", share: 0.1, startedMs: 0 };
  expect(pointerChange(shown, { ...shown })).toBeNull();
  expect(pointerChange(null, null)).toBeNull();
  expect(pointerChange(shown, { ...shown, version: "a", etag: "2" })).toBe("a is champion now");
  expect(pointerChange(shown, { ...shown, canary, etag: "2" })).toBe("b is champion still, with the canary c");
  expect(pointerChange(shown, null)).toBe("there is no champion now");
});

it("a rollback names its target, even if there is no canary by then", () => {
  const shown = { ...champion, etag: "1", canary: null };
  expect(rollbackRequest(shown, "canary", "r")).toEqual({ reason: "r", etag: "1", canary: true });
  expect(rollbackRequest(shown, "champion", "r")).toEqual({ reason: "r", etag: "1", champion: true });
});
