import { expect, it } from "vitest";
import type { Recommendations } from "./recommending";
import { plans, type Shelf } from "./shelves";
import { shopperOf } from "./shopper";
import { standingOf, standingSentence } from "./welcome";

const planned = plans({ page: "home" }, []);
const item = { product: { id: "7" }, reasons: [], filling: false } as unknown as Recommendations["items"][number];

/** The lists of the shop's front, all alike but for what is said of "for you". */
function shelves(items: number, source: string, degraded: string[] = [], usedUp = false): Shelf[] {
  return planned.map((plan) => ({
    plan,
    list: {
      recommender: plan.recommender,
      items: Array(items).fill(item),
      source,
      degraded,
    } as unknown as Recommendations,
    error: null,
    fresh: new Set(),
    usedUp,
  }));
}

it.each<[string, Shelf[], string, string]>([
  ["nothing has come", [], "42", "made"],
  ["nothing has come", [], "guest-1", "unknown"],
  ["an empty shop", shelves(0, "none", ["no-model"]), "42", "nothing"],
  ["not all of an empty shop", shelves(0, "none", ["no-model"]).slice(0, 3), "42", "no-model"],
  ["a shop all of which is in the cart", shelves(0, "model", [], true), "42", "made"],
  ["no model", shelves(1, "popular", ["no-model"]), "42", "no-model"],
  ["a model that was slow", shelves(1, "popular", ["model-slow"]), "42", "less"],
  ["the model's answer", shelves(1, "model"), "guest-1", "made"],
  ["what is popular", shelves(1, "popular"), "42", "unknown"],
])("the greeting goes by what there is: %s (%#)", (_, found, shopperId, standing) => {
  expect(standingOf(planned, found, shopperOf(shopperId))).toBe(standing);
});

it("says how to go on where there is nothing, or no model", () => {
  for (const standing of ["nothing", "no-model"] as const) {
    expect(standingSentence(standing)).toMatch(
      /`alsolike import`.*`alsolike train`|`alsolike train`.*`alsolike import`/,
    );
  }
  expect(standingSentence("made")).toContain("recommendations are for you");
});
