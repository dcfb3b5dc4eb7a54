import type { Recommendations, Recommended } from "./recommending";

/** One interaction of the shopper that speaks for an item. */
export interface Reason {
  readonly itemId: string;
  readonly eventType: string;
  readonly atMs: number;
  /** The amount that the item's score would lose without it. */
  readonly contribution: number;
}

/** Read the reasons of an item: each is JSON in a text, as Personalize's shape has texts there. */
export function parseReasons(texts: readonly string[] | undefined): Reason[] {
  return (texts ?? []).map((text) => {
    const { itemId, eventType, timestamp, contribution } = JSON.parse(text) as Record<string, string | number>;
    return {
      itemId: String(itemId),
      eventType: String(eventType),
      atMs: Number(timestamp) * 1000,
      contribution: Number(contribution),
    };
  });
}

const VERBS: Readonly<Record<string, string>> = {
  view: "looked at",
  click: "clicked on",
  cart: "put into your cart",
  purchase: "bought",
};

/** Say a reason as people do: "because you bought Bananas 3 minutes ago". */
export function reasonSentence(reason: Reason, title: string, nowMs: number): string {
  const when = agoWords(reason.atMs, nowMs);
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

/** How long ago it was, in the widest unit that says it well. */
export function agoWords(atMs: number, nowMs: number): string {
  const seconds = Math.max(0, (nowMs - atMs) / 1000);
  if (seconds < 45) return "just now";
  for (const [unit, size, upTo] of UNITS) {
    const amount = Math.round(seconds / size);
    if (amount < upTo) return ago.format(-Math.max(1, amount), unit);
  }
  return ago.format(-Math.max(1, Math.round(seconds / (365.25 * 86_400))), "year");
}

/** Say why an item is in a list where no interaction of the shopper speaks for it. */
export function originSentence(item: Recommended, list: Recommendations, startsFrom: string | null): string {
  if (item.filling) return "popular with other shoppers";
  switch (list.recommender) {
    case "similar-items":
      return list.source === "popular" ? POPULAR : `similar to ${startsFrom ?? "it"}`;
    case "bought-together":
      return list.source === "popular" ? POPULAR : `often bought together with ${startsFrom ?? "it"}`;
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

/** Say below a list's title where it is from. */
export function sourceSentence(list: Recommendations): string {
  if (list.items.length === 0) return "";
  switch (list.recommender) {
    case "for-you":
      if (list.source === "model") return "Ranked by the model from your history, up to a moment ago";
      if (list.source === "popular" && list.within) return `Popular with shoppers of the same ${list.within}`;
      if (list.source === "popular") return "You have no history yet, so these products are popular with others";
      if (list.source === "similar") return "Similar to the last product you viewed";
      return "Trending right now";
    case "buy-again":
      return "Earlier purchases, the next likely one first";
    case "recently-viewed":
      return "The latest first";
    case "trending":
      return list.source === "trending"
        ? "More popular than usual in the last hour"
        : "Nothing is trending, so these are popular products";
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
  "arm-model-unavailable": "the model on trial is not loaded, the champion is used",
  "no-configuration": "the shop's settings could not be read",
  "stale-configuration": "the shop's settings may be out of date",
  "no-catalogue": "the catalogue could not be read",
  "stale-catalogue": "the catalogue may be out of date",
  "no-trends": "trends could not be read",
  "stale-trends": "trends may be out of date",
  "profile-unavailable": "your history could not be read in time",
  "user-unavailable": "your user data could not be read in time",
};

/** Say in people's words why a list is less than it should be; empty where it is not. */
export function degradedSentence(reasons: readonly string[]): string {
  if (reasons.length === 0) return "";
  return `Degraded: ${reasons.map((reason) => DEGRADED[reason] ?? reason).join("; ")}.`;
}
