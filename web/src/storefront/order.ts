import type { Cart } from "./cart";
import type { ShopEvent } from "./events";

/** State of the cart's order; `taken` is the bought cart while the page confirms it. */
export interface Ordering {
  readonly state: "open" | "buying" | "failed";
  readonly taken: Cart | null;
}

/** A sent order that the API has not confirmed. */
export interface Unsent {
  readonly what: string;
  readonly events: readonly ShopEvent[];
  /** The content of the cart, if it is the cart's order; it is removed once the API accepts the order. */
  readonly cart: Cart | null;
  /** True if it is not sent automatically any more, and kept only for the ids of its lines. */
  readonly givenUp: boolean;
}

/** Say whether every line of an order is one of this order, too. */
export function covers(order: Unsent, other: Unsent): boolean {
  return other.events.every(({ eventId }) => order.events.some((event) => event.eventId === eventId));
}

/** Events with the ids that the same lines, an item and how many of it, were sent with before. */
export function withIdsOf(sent: readonly Unsent[], events: readonly ShopEvent[]): ShopEvent[] {
  const before = sent.flatMap((order) => order.events);
  return events.map((event) => {
    const same = before.find(({ itemId, properties }) => itemId === event.itemId && properties === event.properties);
    return same ? { ...event, eventId: same.eventId } : event;
  });
}
