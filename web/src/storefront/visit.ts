import { afterEach, beforeEach, vi } from "vitest";
import type { Product } from "./product";
import { Shop } from "./shop";
import { place, site, Taking } from "./taking";

/** A visit of the shop, new before each test of a file that imports it; the test advances its clock. */
export let shop: Shop;
export let api: Taking;
export let storage: Storage;

beforeEach(() => {
  vi.useFakeTimers();
  api = new Taking();
  storage = place();
  shop = tab();
});

afterEach(() => void vi.useRealTimers());

/** Open the page in another tab. */
export function tab(): Shop {
  return new Shop(api, site, storage);
}

/** Reload the page: `shop` is that of the next visit. */
export function reloaded(): Shop {
  shop = tab();
  return shop;
}

/** Let every call that was begun come to its end. */
export async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

export async function putIntoCart(...products: readonly Product[]): Promise<void> {
  for (const product of products) shop.add(product, null);
  await settled();
}

/** Buy the cart while events are refused, or accepted without a response. */
export async function buyCartWhile(fault: "down" | "losing"): Promise<void> {
  api[fault] = true;
  await shop.buyCart();
  api[fault] = false;
}

/** Return the accepted purchases, with repetitions. */
export function purchases() {
  return api.sent.flatMap(({ eventList }) => eventList).filter((event) => event.eventType === "purchase");
}

/** Return how many of them are different ones. */
export function differentPurchases(): number {
  return new Set(purchases().map(({ eventId }) => eventId)).size;
}
