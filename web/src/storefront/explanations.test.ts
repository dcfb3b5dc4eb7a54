import { describe, expect, it } from "vitest";
import { degradedText, originText, reasonText, sourceText, timeAgo } from "./explanations";
import { fromMetadata } from "./product";
import { parseReasons, type Recommendations, type Recommender } from "./recommendations";

const NOW_MS = 1_764_032_400_000;
const MINUTE_MS = 60_000;
const DAY_MS = 1440 * MINUTE_MS;

describe("a reason", () => {
  const text = '{"itemId":"pear","eventType":"purchase","timestamp":1764032220.0,"contribution":10.0}';

  it("is a sentence", () => {
    const [reason] = parseReasons([text]);
    if (!reason) throw new Error("it was not read");
    expect(reasonText(reason, "Pear", NOW_MS)).toBe("because you bought Pear 3 minutes ago");
    expect(reasonText({ ...reason, eventType: "cart" }, "Pear", NOW_MS)).toBe(
      "because you put Pear into your cart 3 minutes ago",
    );
    expect(reasonText({ ...reason, eventType: "rating" }, "Pear", NOW_MS)).toBe(
      "because of your “rating” of Pear 3 minutes ago",
    );
  });

  it("is missing if none was requested", () => {
    expect(parseReasons(undefined)).toEqual([]);
  });
});

describe("a relative time", () => {
  it.each([
    [-5000, "just now"], // the browser's clock is behind
    [44_000, "just now"],
    [46_000, "1 minute ago"],
    [59 * MINUTE_MS, "59 minutes ago"],
    [60 * MINUTE_MS, "1 hour ago"],
    [DAY_MS, "yesterday"],
    [6 * DAY_MS, "6 days ago"],
    [7 * DAY_MS, "last week"],
    [62 * DAY_MS, "2 months ago"],
    [400 * DAY_MS, "last year"],
  ])("%i ms is %s", (passedMs, words) => {
    expect(timeAgo(NOW_MS - passedMs, NOW_MS)).toBe(words);
  });
});

function list(recommender: Recommender, source: string, changes: Partial<Recommendations> = {}): Recommendations {
  const item = { product: fromMetadata("7"), reasons: [], filled: false };
  return {
    recommender,
    source,
    recommendationId: "r1",
    items: [item],
    within: null,
    degraded: [],
    modelVersion: "m1",
    ...changes,
  };
}

describe("the source of a list", () => {
  it("is stated for a new shopper", () => {
    expect(sourceText(list("for-you", "popular"))).toBe("Bought and viewed most by all shoppers");
    expect(sourceText(list("for-you", "popular", { within: "age" }))).toBe("Popular with shoppers of the same age");
    expect(sourceText(list("for-you", "model"))).toMatch(/your history/);
  });

  it("is stated for items without reasons", () => {
    const together = list("bought-together", "similar");
    const item = { product: fromMetadata("7"), reasons: [], filled: false };
    expect(originText(item, together, "Pear")).toBe("often bought together with Pear");
    expect(originText({ ...item, filled: true }, together, "Pear")).toBe("popular with other shoppers");
    expect(originText(item, list("for-you", "popular"), null)).toBe("popular with other shoppers");
  });
});

describe("a degraded list", () => {
  it("states its reasons", () => {
    expect(degradedText(["model-slow", "new-reason"])).toBe(
      "Degraded: the model would have taken too long; new-reason.",
    );
    expect(degradedText([])).toBe("");
  });
});
