import type { Cart, CartLine } from "./cart";
import type { PendingOrder } from "./orders";

/** The state in the browser's storage: the shopper, the cart, and orders until the API accepts them. */
interface StoredState {
  readonly shopperId: string;
  readonly cart: Cart;
  readonly unsent: readonly PendingOrder[];
}

const KEY = "alsolike-storefront";

export function loadState(storage: Storage): StoredState | null {
  try {
    const stored = JSON.parse(storage.getItem(KEY) ?? "null") as Partial<StoredState> | null;
    if (typeof stored?.shopperId !== "string" || !stored.shopperId || !Array.isArray(stored.cart)) return null;
    return {
      shopperId: stored.shopperId,
      cart: stored.cart.filter(isLine),
      unsent: Array.isArray(stored.unsent) ? stored.unsent.filter(isPendingOrder) : [],
    };
  } catch {
    return null; // stored by another version, or storage is disabled
  }
}

/** Store the state. If storage is disabled, the state lasts as long as the page. */
export function saveState(storage: Storage, state: StoredState): void {
  try {
    storage.setItem(KEY, JSON.stringify(state));
  } catch {
    // full or disabled
  }
}

function isLine(line: unknown): line is CartLine {
  const fields = (line ?? {}) as Partial<CartLine>;
  return (
    typeof fields.itemId === "string" &&
    typeof fields.title === "string" &&
    (fields.price === null || typeof fields.price === "number") &&
    Number.isInteger(fields.quantity) &&
    (fields.recommendationId === null || typeof fields.recommendationId === "string")
  );
}

function isPendingOrder(order: unknown): order is PendingOrder {
  const fields = (order ?? {}) as Partial<PendingOrder>;
  return (
    typeof fields.what === "string" &&
    Array.isArray(fields.events) &&
    fields.events.every((event) => typeof event?.eventId === "string" && event.eventType === "purchase") &&
    (fields.cart === null || (Array.isArray(fields.cart) && fields.cart.every(isLine))) &&
    typeof fields.givenUp === "boolean"
  );
}

export function clearState(storage: Storage): void {
  try {
    storage.removeItem(KEY);
  } catch {
    // disabled
  }
}
