import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { activitySentence } from "./activity";
import { Shop } from "./shop";
import { shopperOf } from "./shopper";
import { fig, place, site, Taking } from "./taking";

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

function latest(): string {
  const [line] = shop.activity;
  return line ? activitySentence(line) : "";
}

describe("what a shopper does", () => {
  it("is sent, and its effect on “for you” is seen", async () => {
    shop.view(fig, null);
    await vi.advanceTimersByTimeAsync(0);
    expect(api.sent[0]).toMatchObject({ trackingId: "shop", sessionId: shop.shopper.id });
    expect(latest()).toBe("View of Figs sent, waiting for its effect …");
    await vi.advanceTimersByTimeAsync(250); // the first look
    expect(latest()).toMatch(/^View of Figs sent. “For you” changed after 0\.[23] s$/);
  });

  it("can be sent again where it was not taken, and counts once", async () => {
    api.down = true;
    shop.add(fig, null);
    await vi.advanceTimersByTimeAsync(0);
    expect(latest()).toBe(
      "Figs put into the cart could not be sent: The shop's service does not answer as it should (503)",
    );
    const [failed] = shop.activity;
    api.down = false;
    failed?.again?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(api.sent).toHaveLength(1);
    expect(latest()).toMatch(/^Figs put into the cart sent/);
    expect(shop.activity[1]?.again).toBeNull();
  });

  it("is a known shopper's, with a session", async () => {
    shop.become(shopperOf("42"));
    shop.search("figs");
    await vi.advanceTimersByTimeAsync(0);
    expect(api.sent[0]?.userId).toBe("42");
    expect(api.sent[0]?.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    expect(latest()).toBe("Search for “figs” sent");
  });
});

describe("another shopper", () => {
  it("has a cart of their own, and nobody's answers", async () => {
    shop.lead("7", { recommendationId: "r1", shown: ["7"] });
    shop.add(fig, null);
    shop.become(shopperOf("42"));
    await vi.advanceTimersByTimeAsync(0);
    expect(shop.cart).toEqual([]);
    expect(shop.leadOf("7")).toBeNull();
  });

  it("is who shops after a reload", () => {
    const storage = place();
    new Shop(api, site, storage).become(shopperOf("42"));
    expect(new Shop(api, site, storage).shopper.id).toBe("42");
    new Shop(api, site, storage).forget();
    expect(new Shop(api, site, storage).shopper.anonymous).toBe(true);
  });
});
