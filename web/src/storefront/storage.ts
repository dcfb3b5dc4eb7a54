import type { Cart, CartLine } from "./cart";
import type { Unsent } from "./order";

/** All that a browser keeps of the shop: the shopper, the cart, and orders until the API accepts them. */
export interface Kept {
  readonly shopperId: string;
  readonly cart: Cart;
  readonly unsent: readonly Unsent[];
}

const KEY = "alsolike-storefront";

/** Read what was kept; null where there is nothing, or nothing that can be read. */
export function readKept(storage: Storage): Kept | null {
  try {
    const kept = JSON.parse(storage.getItem(KEY) ?? "null") as Partial<Kept> | null;
    if (typeof kept?.shopperId !== "string" || !kept.shopperId || !Array.isArray(kept.cart)) return null;
    return {
      shopperId: kept.shopperId,
      cart: kept.cart.filter(isLine),
      unsent: Array.isArray(kept.unsent) ? kept.unsent.filter(isUnsent) : [],
    };
  } catch {
    return null; // another version's, or storage that the reader has switched off
  }
}

/** Keep it; where the reader has switched storage off, it lasts as long as the page. */
export function keep(storage: Storage, kept: Kept): void {
  try {
    storage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // full or switched off
  }
}

function isLine(line: unknown): line is CartLine {
  const given = (line ?? {}) as Partial<CartLine>;
  return (
    typeof given.itemId === "string" &&
    typeof given.title === "string" &&
    (given.price === null || typeof given.price === "number") &&
    Number.isInteger(given.quantity) &&
    (given.recommendationId === null || typeof given.recommendationId === "string")
  );
}

function isUnsent(unsent: unknown): unsent is Unsent {
  const given = (unsent ?? {}) as Partial<Unsent>;
  return (
    typeof given.what === "string" &&
    Array.isArray(given.events) &&
    given.events.every((event) => typeof event?.eventId === "string" && event.eventType === "purchase") &&
    (given.cart === null || (Array.isArray(given.cart) && given.cart.every(isLine))) &&
    typeof given.givenUp === "boolean"
  );
}

/** Keep nothing any more. */
export function forget(storage: Storage): void {
  try {
    storage.removeItem(KEY);
  } catch {
    // switched off
  }
}
