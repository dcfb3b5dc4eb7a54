import type { Api } from "../platform/api";
import type { CartLine } from "./cart";
import type { Shopper } from "./shopper";

/** The most events of one call. */
export const MOST_EVENTS = 10;
/** The most items that one event may say were shown. */
export const MOST_SHOWN = 25;

/** The answer that led to an event, with the items of it that the shopper has seen. */
export interface Lead {
  readonly recommendationId: string;
  readonly shown: readonly string[];
}

/** An event as `POST /events` takes it. */
export interface ShopEvent {
  readonly eventType: "view" | "cart" | "purchase" | "search";
  readonly eventId: string;
  /** Seconds since 1970. */
  readonly sentAt: number;
  readonly itemId?: string;
  readonly eventValue?: number;
  readonly properties?: string;
  readonly recommendationId?: string;
  readonly impression?: readonly string[];
}

/** When and as what an event is made; both are the browser's, but for tests. */
export interface Making {
  readonly nowMs: number;
  readonly newId: () => string;
}

export const now = (): Making => ({ nowMs: Date.now(), newId: () => crypto.randomUUID() });

/** A product was looked at, perhaps out of an answer or a search. */
export function viewed(itemId: string, lead: Lead | null, query: string | null, making = now()): ShopEvent {
  return { ...made("view", making), itemId, ...led(itemId, lead), ...(query ? { properties: asText({ query }) } : {}) };
}

/** A product was put into the cart. */
export function carted(itemId: string, price: number | null, lead: Lead | null, making = now()): ShopEvent {
  return { ...made("cart", making), itemId, ...worth(price), ...led(itemId, lead) };
}

/** Something was searched for. */
export function searched(query: string, making = now()): ShopEvent {
  return { ...made("search", making), properties: asText({ query }) };
}

/** An order, an event a line. */
export function bought(lines: readonly CartLine[], making = now()): ShopEvent[] {
  return lines.map((line) => ({
    ...made("purchase", making),
    itemId: line.itemId,
    ...worth(line.price === null ? null : Math.round(line.price * line.quantity * 100) / 100),
    ...(line.quantity > 1 ? { properties: asText({ quantity: line.quantity }) } : {}),
    ...(line.recommendationId ? { recommendationId: line.recommendationId } : {}),
  }));
}

/** The bodies of `POST /events` that carry these events: an anonymous visitor's belong only to the session. */
export function bodies(events: readonly ShopEvent[], shopper: Shopper, sessionId: string, trackingId: string) {
  const whose = shopper.anonymous ? { sessionId: shopper.id } : { userId: shopper.id, sessionId };
  const calls = [];
  for (let start = 0; start < events.length; start += MOST_EVENTS) {
    calls.push({ trackingId, ...whose, eventList: events.slice(start, start + MOST_EVENTS) });
  }
  return calls;
}

/** Send bodies one after another; what failed may be sent again, since events count once. */
export async function post(api: Api, calls: ReturnType<typeof bodies>): Promise<void> {
  for (const body of calls) {
    await api.post("/events", body);
  }
}

function made(eventType: ShopEvent["eventType"], { nowMs, newId }: Making) {
  return { eventType, eventId: newId(), sentAt: nowMs / 1000 };
}

function worth(value: number | null) {
  return value === null ? {} : { eventValue: value };
}

function led(itemId: string, lead: Lead | null) {
  if (!lead) return {};
  const others = lead.shown.filter((shown) => shown !== itemId).slice(0, MOST_SHOWN - 1);
  const impression = lead.shown.filter((shown) => shown === itemId || others.includes(shown));
  return {
    recommendationId: lead.recommendationId,
    impression: impression.includes(itemId) ? impression : [itemId, ...impression],
  };
}

function asText(properties: Record<string, unknown>): string {
  return JSON.stringify(properties);
}
