import { afterEach, beforeEach, vi } from "vitest";
import type { Site } from "../../platform/site";
import { fromMetadata, type Product } from "../product";
import { Shop } from "../shop";
import { FakeApi, memoryStorage } from "./fake_api";

const site = { environment: "demo", api: "/api", trackingId: "shop" } as Site;
export const pear = fromMetadata("8", { TITLE: "Pears", PRICE: "2" });
export const fig = fromMetadata("7", { TITLE: "Figs, 1 lb", PRICE: "1.5" });

/** A shop with a fake clock, new before each test of the files that import it. */
export let shop: Shop;
export let api: FakeApi;
export let storage: Storage;

beforeEach(() => {
  vi.useFakeTimers();
  api = new FakeApi();
  storage = memoryStorage();
  shop = tab();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

export function tab(): Shop {
  return new Shop(api, site, storage);
}

export function reloaded(): Shop {
  shop = tab();
  return shop;
}

export async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

export async function putIntoCart(...products: readonly Product[]): Promise<void> {
  for (const product of products) shop.add(product);
  await settled();
}

/** Buy the cart while events fail, or are accepted without a response. */
export async function buyCartWhile(fault: "down" | "losing"): Promise<void> {
  api[fault] = true;
  await shop.buyCart();
  api[fault] = false;
}

export function purchases() {
  return api.sent.flatMap(({ eventList }) => eventList).filter((event) => event.eventType === "purchase");
}

export function differentPurchases(): number {
  return new Set(purchases().map(({ eventId }) => eventId)).size;
}
