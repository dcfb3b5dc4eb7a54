import { expect, it } from "vitest";
import { lastPromotion, movedTo, wasChampion } from "./champion";
import { champion } from "./fixtures";
import { rollbackOf } from "./views/rollback";

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

it("a changed etag is a changed pointer, described in words", () => {
  const seen = { ...champion, version: "b", etag: "1" };
  const canary = { version: "c", share: 0.1, startedMs: 0 };
  expect(movedTo(seen, { ...seen })).toBeNull();
  expect(movedTo(null, null)).toBeNull();
  expect(movedTo(seen, { ...seen, version: "a", etag: "2" })).toBe("a is champion now");
  expect(movedTo(seen, { ...seen, canary, etag: "2" })).toBe("b is champion still, with c on trial");
  expect(movedTo(seen, null)).toBe("there is no champion now");
});

it("a rollback names its target, even if no version is on trial by then", () => {
  const seen = { ...champion, etag: "1", canary: null };
  expect(rollbackOf(seen, "canary", "r")).toEqual({ reason: "r", etag: "1", canary: true });
  expect(rollbackOf(seen, "champion", "r")).toEqual({ reason: "r", etag: "1", champion: true });
});
