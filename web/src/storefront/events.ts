import type { Events } from "../../../build/api_types";
import { impressionOf, MAX_EVENTS } from "../../sdk/src/index.ts";
import type { Api } from "../platform/api";
import type { CartLine } from "./cart";
import type { Shopper } from "./shopper";

/** The recommendation before an event, with the items that the shopper has seen. */
export interface Attribution {
  readonly recommendationId: string;
  readonly shown: readonly string[];
}

/** An event of `POST /events`, with an ID, so that a retry counts once. */
export type ShopEvent = Events["eventList"][number] & {
  readonly eventType: "view" | "cart" | "purchase" | "search";
  readonly eventId: string;
  readonly properties?: string;
};

/** Clock and IDs of new events. Tests pass their own. */
interface EventStamp {
  readonly nowMs: number;
  readonly newId: () => string;
}

const browserStamp = (): EventStamp => ({ nowMs: Date.now(), newId: () => crypto.randomUUID() });

/** Create the event of an opened product, with its recommendation or search. */
export function viewEvent(
  itemId: string,
  attribution: Attribution | null,
  query: string | null,
  stamp = browserStamp(),
): ShopEvent {
  return {
    ...baseFields("view", stamp),
    itemId,
    ...attributionFields(itemId, attribution),
    ...(query ? { properties: JSON.stringify({ query }) } : {}),
  };
}

/** Create the event of a product that was added to the cart. */
export function cartEvent(
  itemId: string,
  price: number | null,
  attribution: Attribution | null,
  stamp = browserStamp(),
): ShopEvent {
  return { ...baseFields("cart", stamp), itemId, ...valueField(price), ...attributionFields(itemId, attribution) };
}

/** Create the event of a search. */
export function searchEvent(query: string, stamp = browserStamp()): ShopEvent {
  return { ...baseFields("search", stamp), properties: JSON.stringify({ query }) };
}

/** Create the events of an order, one per line. */
export function purchaseEvents(lines: readonly CartLine[], stamp = browserStamp()): ShopEvent[] {
  return lines.map((line) => ({
    ...baseFields("purchase", stamp),
    itemId: line.itemId,
    ...valueField(line.price === null ? null : Math.round(line.price * line.quantity * 100) / 100),
    ...(line.quantity > 1 ? { properties: JSON.stringify({ quantity: line.quantity }) } : {}),
    ...(line.recommendationId ? { recommendationId: line.recommendationId } : {}),
  }));
}

/** Create the bodies of `POST /events` for these events. Events of anonymous visitors have a session and no user. */
export function requestBodies(
  events: readonly ShopEvent[],
  shopper: Shopper,
  sessionId: string,
  trackingId: string,
): Events[] {
  const identity = shopper.anonymous ? { sessionId: shopper.id } : { userId: shopper.id, sessionId };
  const calls: Events[] = [];
  for (let start = 0; start < events.length; start += MAX_EVENTS) {
    calls.push({ trackingId, ...identity, eventList: events.slice(start, start + MAX_EVENTS) });
  }
  return calls;
}

/** Send bodies one after another. A retry is safe, since duplicates count once. */
export async function postEvents(api: Api, calls: readonly Events[]): Promise<void> {
  for (const body of calls) {
    await api.post("/events", body);
  }
}

function baseFields(eventType: ShopEvent["eventType"], { nowMs, newId }: EventStamp) {
  return { eventType, eventId: newId(), sentAt: nowMs / 1000 };
}

function valueField(value: number | null) {
  return value === null ? {} : { eventValue: value };
}

function attributionFields(itemId: string, attribution: Attribution | null) {
  if (!attribution) return {};
  return { recommendationId: attribution.recommendationId, impression: impressionOf(itemId, attribution.shown) };
}
