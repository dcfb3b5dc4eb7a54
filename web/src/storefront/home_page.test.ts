import { expect, it } from "vitest";
import { type CarouselState, planCarousels } from "./carousels";
import { homeStatus, statusText } from "./home_page";
import type { Recommendations } from "./recommendations";
import { parseShopper } from "./shopper";

const planned = planCarousels({ page: "home" }, []);
const item = { product: { id: "7" }, reasons: [], filled: false } as unknown as Recommendations["items"][number];

/** Create the lists of the home page, all with the same content. */
function carousels(items: number, source: string, degraded: string[] = [], shownElsewhere = false): CarouselState[] {
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
    shownElsewhere,
  }));
}

it.each<[string, CarouselState[], string, string]>([
  ["before the first response", [], "42", "personal"],
  ["before the first response", [], "guest-1", "no-history"],
  ["an empty shop", carousels(0, "none", ["no-model"]), "42", "empty"],
  ["part of an empty shop", carousels(0, "none", ["no-model"]).slice(0, 3), "42", "no-model"],
  ["a shop whose products are all in the cart", carousels(0, "model", [], true), "42", "personal"],
  ["no model", carousels(1, "popular", ["no-model"]), "42", "no-model"],
  ["a model that was slow", carousels(1, "popular", ["model-slow"]), "42", "degraded"],
  ["ranked by the model", carousels(1, "model"), "guest-1", "personal"],
  ["popular products", carousels(1, "popular"), "42", "no-history"],
])("the greeting matches the lists: %s (%#)", (_, loaded, shopperId, status) => {
  expect(homeStatus(planned, loaded, parseShopper(shopperId))).toBe(status);
});

it("names the commands for an empty shop and without a model", () => {
  for (const status of ["empty", "no-model"] as const) {
    expect(statusText(status)).toMatch(/`alsolike import`.*`alsolike train`|`alsolike train`.*`alsolike import`/);
  }
  expect(statusText("personal")).toContain("recommendations are for you");
});
