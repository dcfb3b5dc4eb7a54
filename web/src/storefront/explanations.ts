import type { Reason, Recommendations, RecommendedItem } from "./recommendations";

const VERBS: Readonly<Record<string, string>> = {
  view: "looked at",
  click: "clicked on",
  cart: "put into your cart",
  purchase: "bought",
};

/** Return a reason as a sentence: "because you bought Bananas 3 minutes ago". */
export function reasonText(reason: Reason, title: string, nowMs: number): string {
  const when = timeAgo(reason.atMs, nowMs);
  const verb = VERBS[reason.eventType];
  if (reason.eventType === "cart") {
    return `because you put ${title} into your cart ${when}`;
  }
  return verb ? `because you ${verb} ${title} ${when}` : `because of your “${reason.eventType}” of ${title} ${when}`;
}

const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, seconds: number, upTo: number])[] = [
  ["minute", 60, 60],
  ["hour", 3600, 24],
  ["day", 86_400, 7],
  ["week", 7 * 86_400, 9],
  ["month", 30.44 * 86_400, 12],
];

export function timeAgo(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - atMs) / 1000);
  if (seconds < 45) return "just now";
  for (const [unit, size, upTo] of UNITS) {
    const amount = Math.round(seconds / size);
    if (amount < upTo) return ago.format(-Math.max(1, amount), unit);
  }
  return ago.format(-Math.max(1, Math.round(seconds / (365.25 * 86_400))), "year");
}

/** A sentence with a weight from 0 to 1 relative to the strongest reason, or null without a weight. */
export interface Explanation {
  readonly sentence: string;
  readonly weight: number | null;
}

export function explain(
  item: RecommendedItem,
  list: Recommendations,
  anchorTitle: string | null,
  title: (itemId: string) => string,
  nowMs: number,
): Explanation[] {
  if (item.reasons.length === 0) {
    return [{ sentence: originText(item, list, anchorTitle), weight: null }];
  }
  const maxContribution = Math.max(...item.reasons.map((reason) => reason.contribution));
  const explanations = new Map<string, Explanation>();
  for (const reason of item.reasons) {
    const name = reason.itemId === item.product.id ? "it" : title(reason.itemId);
    const sentence = reasonText(reason, name, nowMs);
    if (!explanations.has(sentence))
      explanations.set(sentence, {
        sentence,
        weight: maxContribution > 0 ? reason.contribution / maxContribution : null,
      });
  }
  return [...explanations.values()];
}

export function originText(item: RecommendedItem, list: Recommendations, anchorTitle: string | null): string {
  if (item.filled) return "popular with other shoppers";
  switch (list.recommender) {
    case "similar-items":
      return list.source === "popular" ? POPULAR : `similar to ${anchorTitle ?? "it"}`;
    case "bought-together":
      return list.source === "popular" ? POPULAR : `often bought together with ${anchorTitle ?? "it"}`;
    case "recently-viewed":
      return "you viewed it recently";
    case "buy-again":
      return "you bought it before";
    default:
      return SOURCES[list.source] ?? "no reason available";
  }
}

const POPULAR = "popular with other shoppers";

const SOURCES: Readonly<Record<string, string>> = {
  model: "ranked by the model; no single interaction stands out",
  similar: "similar to the last product you viewed",
  popular: POPULAR,
  trending: "trending right now",
  recent: "you viewed it recently",
};

export function sourceText(list: Recommendations): string {
  if (list.items.length === 0) return "";
  switch (list.recommender) {
    case "for-you":
      if (list.source === "model") return "Ranked by the model from your history, up to a moment ago";
      if (list.source === "popular" && list.within) return `Popular with shoppers of the same ${list.within}`;
      if (list.source === "popular") return "Bought and viewed most by all shoppers";
      if (list.source === "similar") return "Similar to the last product you viewed";
      return "Trending right now";
    case "buy-again":
      return "Earlier purchases, the next likely one first";
    case "recently-viewed":
      return "The latest first";
    case "trending":
      return "More popular than usual in the last hour";
    case "popular":
      return list.within ? `With shoppers of the same ${list.within}` : "Most popular with all shoppers";
    case "similar-items":
      return list.source === "popular"
        ? "No similar products known, so these are popular products"
        : "Products that others choose instead";
    case "bought-together":
      return list.source === "popular"
        ? "No such products known, so these are popular products"
        : "Products from the same baskets, then similar ones";
  }
}

const DEGRADED: Readonly<Record<string, string>> = {
  "no-model": "there is no model yet",
  "stale-model": "the newest model cannot be loaded, an earlier one is used",
  "model-failed": "the model did not run",
  "model-slow": "the model would have taken too long",
  "arm-model-unavailable": "the model of the user's arm is not loaded, the champion is used",
  "no-configuration": "the shop's settings could not be read",
  "stale-configuration": "the shop's settings may be out of date",
  "no-catalogue": "the catalogue could not be read",
  "stale-catalogue": "the catalogue may be out of date",
  "no-trends": "trends could not be read",
  "stale-trends": "trends may be out of date",
  "profile-unavailable": "your history could not be read in time",
  "user-unavailable": "your user data could not be read in time",
  "impressions-unavailable": "the items that you have already seen could not be read in time",
};

export function degradedText(reasons: readonly string[]): string {
  if (reasons.length === 0) return "";
  return `Degraded: ${reasons.map((reason) => DEGRADED[reason] ?? reason).join("; ")}.`;
}
