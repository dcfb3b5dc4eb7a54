import type { Recommendations, Recommended } from "./recommending";

/** One interaction of the shopper that speaks for an item. */
export interface Reason {
  readonly itemId: string;
  readonly eventType: string;
  readonly atMs: number;
  /** What the item's score would lose without it. */
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
      return list.source === "popular" ? POPULAR : `goes by what is like ${startsFrom ?? "it"}`;
    case "bought-together":
      return list.source === "popular" ? POPULAR : `often goes into one basket with ${startsFrom ?? "it"}`;
    case "recently-viewed":
      return "you had to do with it lately";
    case "buy-again":
      return "you bought it before";
    default:
      return SOURCES[list.source] ?? "nothing is known of why";
  }
}

const POPULAR = "popular with other shoppers";

const SOURCES: Readonly<Record<string, string>> = {
  model: "ranked by the model; no single thing that you did stands out",
  similar: "like what you looked at last",
  popular: POPULAR,
  trending: "wanted more than usual right now",
  recent: "you had to do with it lately",
};

/** Say below a list's title where it is from. */
export function sourceSentence(list: Recommendations): string {
  if (list.items.length === 0) return "";
  switch (list.recommender) {
    case "for-you":
      if (list.source === "model") return "Ranked by the model from what you did, up to a moment ago";
      if (list.source === "popular" && list.within) return `Popular with shoppers of the same ${list.within}`;
      if (list.source === "popular") return "Nothing is known of you yet, so this is what is popular with others";
      if (list.source === "similar") return "Like what you looked at last";
      return "What everybody wants right now";
    case "buy-again":
      return "What you bought before, in the order in which it may be due";
    case "recently-viewed":
      return "The latest first";
    case "trending":
      return list.source === "trending"
        ? "Wanted more than usual in the last hour"
        : "Nothing is wanted more than usual just now: what is popular anyway";
    case "popular":
      return list.within ? `With shoppers of the same ${list.within}` : "What most shoppers buy";
    case "similar-items":
      return list.source === "popular"
        ? "Nothing like it is known: what is popular"
        : "What others choose in its place";
    case "bought-together":
      return list.source === "popular"
        ? "Nothing is known to go with it: what is popular"
        : "What goes into one basket with it, then what is like it";
  }
}

const DEGRADED: Readonly<Record<string, string>> = {
  "no-model": "there is no model yet",
  "stale-model": "the newest model cannot be loaded, an earlier one answers",
  "model-failed": "the model did not run",
  "model-slow": "the model would have taken too long",
  "arm-model-unavailable": "the model on trial is not loaded, the usual one answers",
  "no-configuration": "the shop's settings could not be read",
  "stale-configuration": "the shop's settings may be out of date",
  "no-catalogue": "the catalogue could not be read",
  "stale-catalogue": "the catalogue may be out of date",
  "no-trends": "what trends could not be read",
  "stale-trends": "what trends may be out of date",
  "profile-unavailable": "what you did could not be read in time",
  "user-unavailable": "what the shop knows of you could not be read in time",
};

/** Say in people's words why a list is less than it should be; empty where it is not. */
export function degradedSentence(reasons: readonly string[]): string {
  if (reasons.length === 0) return "";
  return `Less than it should be: ${reasons.map((reason) => DEGRADED[reason] ?? reason).join("; ")}.`;
}
