import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Shop } from "./shop";
import { fig, pear, place, site, Taking } from "./taking";

let api: Taking;
let shop: Shop;
let storage: Storage;

beforeEach(() => {
  vi.useFakeTimers();
  api = new Taking();
  storage = place();
  shop = new Shop(api, site, storage);
});

afterEach(() => void vi.useRealTimers());

const purchases = () => api.sent.flatMap(({ eventList }) => eventList).filter((e) => e.eventType === "purchase");

describe("an order beside other tabs", () => {
  it("is given up once the cart is changed in another tab", async () => {
    shop.add(fig, null);
    await vi.advanceTimersByTimeAsync(0);
    api.down = true;
    await shop.buyCart();
    api.down = false;
    new Shop(api, site, storage).setQuantity("7", 3);

    shop.keep();
    await new Shop(api, site, storage).sendUnsent();
    expect(purchases()).toEqual([]);
  });

  it("is another in each tab", async () => {
    const other = new Shop(api, site, storage);
    shop.add(fig, null);
    other.add(pear, null);
    await vi.advanceTimersByTimeAsync(0);
    api.losing = true;
    await shop.buyCart();
    await other.buyCart();
    api.losing = false;
    const [figs, pears] = purchases();
    expect(figs?.eventId).not.toBe(pears?.eventId);

    await new Shop(api, site, storage).sendUnsent();
    expect(purchases().slice(2)).toEqual([figs, pears]);
  });

  it("counts once where another tab has sent it since, and the cart's Buy is pressed again", async () => {
    shop.add(fig, null);
    await vi.advanceTimersByTimeAsync(0);
    api.losing = true;
    await shop.buyCart();
    api.losing = false;
    await new Shop(api, site, storage).sendUnsent();

    await shop.buyCart();
    expect(shop.cart).toEqual([]);
    expect(purchases()).toHaveLength(3);
    expect(new Set(purchases().map(({ eventId }) => eventId)).size).toBe(1);
  });
});
