import { describe, expect, it } from "vitest";
import {
  assigned,
  type Draft,
  type Editing,
  edited,
  messagesAt,
  moved,
  pinned,
  type RuleOf,
  rebased,
  scheduleState,
  undone,
  usesOf,
  withFields,
  withoutRuleSet,
  withPart,
} from "./rule_draft";

const draft: Draft = {
  filters: { sale: "a" },
  recommenders: { "for-you": { filter: "sale", rules: "spring" }, popular: { rules: "spring" } },
  rules: { spring: { pins: [{ item: "fig", position: 1 }] }, plain: {} },
};
const editing: Editing = { version: 1, base: draft, draft, past: [], field: "" };
const withPins = (...pins: NonNullable<Draft["rules"][string]["pins"]>) => withPart(draft, "spring", "pins", pins);

describe("edits", () => {
  it("are undone one by one, and those of one field together", () => {
    const first = edited(editing, withPins(), "");
    const second = edited(first, withPins({ item: "p", position: 1 }), "item");
    const third = edited(second, withPins({ item: "pl", position: 1 }), "item");
    expect(undone(third).draft).toEqual(first.draft);
    expect(undone(undone(third)).draft).toEqual(draft);
    expect(undone(editing)).toBe(editing);
  });

  it("leave no empty list and no empty recommender", () => {
    expect(withPins().rules.spring).toEqual({});
    expect(assigned(draft, "popular", undefined).recommenders).toEqual({ "for-you": draft.recommenders["for-you"] });
    expect(assigned(draft, "for-you", undefined).recommenders["for-you"]).toEqual({ filter: "sale" });
    expect(withFields<RuleOf<"pins">>({ item: "fig", position: 1, until: "2027-01-01" }, { until: undefined })).toEqual(
      {
        item: "fig",
        position: 1,
      },
    );
  });

  it("that remove a rule set also take it from its recommenders", () => {
    const without = withoutRuleSet(draft, "spring");
    expect(Object.keys(without.rules)).toEqual(["plain"]);
    expect(without.recommenders).toEqual({ "for-you": { filter: "sale" } });
  });
});

it.each([
  [0, 2, ["b", "c", "a"]],
  [2, 0, ["c", "a", "b"]],
  [1, 0, ["b", "a", "c"]],
])("element %i moves to %i", (from, to, expected) => {
  expect(moved(["a", "b", "c"], from, to)).toEqual(expected);
});

it.each([
  ["fig", 2, ["plum 1", "fig 2"]],
  ["fig", 3, ["plum 2", "fig 3"]],
  ["kiwi", 1, ["kiwi 1", "plum 2", "fig 3"]],
  ["kiwi", 5, ["fig 1", "plum 2", "kiwi 5"]],
])("%s pinned at %i trades places", (item, position, expected) => {
  const pins = pinned(
    [
      { item: "fig", position: 1 },
      { item: "plum", position: 2 },
    ],
    item,
    position,
  );
  expect(pins.map((pin) => `${pin.item} ${pin.position}`)).toEqual(expected);
});

describe("a draft on another version", () => {
  const live: Draft = {
    filters: { sale: "b", own: "c" },
    recommenders: { "for-you": { filter: "sale", rules: "plain" } },
    rules: { spring: { pins: [{ item: "theirs", position: 1 }] }, autumn: {} },
  };

  it("keeps its changes, and gets the changes of others", () => {
    const mine = edited(editing, withPins({ item: "mine", position: 1 }));
    expect(rebased(mine, { version: 2, draft: live })).toEqual({
      version: 2,
      base: live,
      draft: {
        filters: { sale: "b", own: "c" },
        recommenders: { "for-you": { filter: "sale", rules: "plain" } },
        rules: { spring: { pins: [{ item: "mine", position: 1 }] }, autumn: {} },
      },
      past: [],
      field: "",
    });
  });

  it("keeps what it removed removed, and what it added", () => {
    const mine = edited(editing, { ...draft, filters: {}, rules: { ...draft.rules, winter: {} } });
    const { filters, rules } = rebased(mine, { version: 2, draft: live }).draft;
    expect(filters).toEqual({ own: "c" });
    expect(Object.keys(rules).sort()).toEqual(["autumn", "spring", "winter"]);
  });
});

it("the uses of a rule set are recommenders and arms of experiments", () => {
  const arms = { plain: ["autumn/b"] };
  expect(usesOf(draft, arms, "spring")).toEqual(["for-you", "popular"]);
  expect(usesOf(draft, arms, "plain")).toEqual(["arm autumn/b"]);
});

it("messages are those of one field", () => {
  const faults = [
    { path: "rules.spring.pins[1]", message: "lacks position" },
    { path: "rules.spring.pins[1].item", message: "is pinned already" },
  ];
  expect(messagesAt(faults, "rules.spring.pins[1].item")).toEqual(["is pinned already"]);
});

it.each([
  [{}, null],
  [{ until: "2026-06-30" }, null],
  [{ until: "2026-06-29" }, "ended"],
  [{ from: "2026-07-01" }, "planned"],
  [{ from: "2026-06-30", until: "2026-07-02" }, null],
  [{ from: "2026-06-30T14:00:00+02:00" }, null],
  [{ from: "2026-06-30T14:00:01+02:00" }, "planned"],
])("the state of %o at noon of 30 June is %s", (rule, state) => {
  expect(scheduleState(rule, Date.UTC(2026, 5, 30, 12))).toBe(state);
});
