import type { Cart } from "./cart";
import type { ShopEvent } from "./events";

/** How far the order of the cart's content is; `taken` is what was bought before, while the page says so. */
export interface Ordering {
  readonly state: "open" | "buying" | "failed";
  readonly taken: Cart | null;
}

/** An order that was sent and of which nothing says that it was taken. */
export interface Unsent {
  readonly what: string;
  readonly events: readonly ShopEvent[];
  /** Where it is the cart's: its content, which goes once the order is taken. */
  readonly cart: Cart | null;
  /** Whether it is not sent by itself any more, and kept for the ids of its lines alone. */
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
