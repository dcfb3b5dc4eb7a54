import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError } from "../platform/api";
import type { Site } from "../platform/site";
import { activitySentence } from "./activity";
import { fromMetadata } from "./product";
import { Shop } from "./shop";
import { shopperOf } from "./shopper";

interface Sent {
  readonly userId?: string;
  readonly sessionId: string;
  readonly eventList: readonly { readonly eventType: string; readonly eventId: string; readonly itemId?: string }[];
}

/** An API that takes events, unless it is down, and then answers another "for you". */
class Taking extends Api {
  readonly sent: Sent[] = [];
  down = false;
  constructor() {
    super("", async () => "");
  }
  override async post<T>(path: string, body: unknown) {
    if (path === "/events") {
      if (this.down) throw new ApiError(503, "ServiceUnavailableException", "busy");
      this.sent.push(body as Sent);
      return { body: {} as T, headers: new Headers() };
    }
    const itemList = [{ itemId: `after ${this.sent.length} calls` }];
    return { body: { itemList, recommendationId: "r1" } as T, headers: new Headers() };
  }
}

function place(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

const site = { environment: "demo", api: "/api", trackingId: "shop" } as Site;
const fig = fromMetadata("7", { TITLE: "Figs, 1 lb", PRICE: "1.5" });

let api: Taking;
let shop: Shop;

beforeEach(() => {
  vi.useFakeTimers();
  api = new Taking();
  shop = new Shop(api, site, place());
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

describe("an order", () => {
  it("is the same order when it is sent again", async () => {
    shop.add(fig, { recommendationId: "r1", shown: ["7"] });
    await vi.advanceTimersByTimeAsync(0);
    api.down = true;
    expect(await shop.buy(shop.cart, "o1")).toBe(false);
    expect(shop.cart).toHaveLength(1);
    api.down = false;
    expect(await shop.buy(shop.cart, "o1")).toBe(true);
    expect(api.sent.at(-1)?.eventList).toMatchObject([
      { eventType: "purchase", eventId: "o1-1", itemId: "7", eventValue: 1.5, recommendationId: "r1" },
    ]);
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
