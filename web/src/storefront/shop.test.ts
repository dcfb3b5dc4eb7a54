import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError } from "../platform/api";
import type { Site } from "../platform/site";
import { activitySentence } from "./activity";
import { Order } from "./order";
import { fromMetadata } from "./product";
import { Shop } from "./shop";
import { shopperOf } from "./shopper";

interface Sent {
  readonly userId?: string;
  readonly sessionId: string;
  readonly eventList: readonly {
    readonly eventType: string;
    readonly eventId: string;
    readonly itemId?: string;
    readonly [name: string]: unknown;
  }[];
}

/** An API that takes events, unless it is down, and then answers another "for you". */
class Taking extends Api {
  readonly sent: Sent[] = [];
  /** Whether events are refused. */
  down = false;
  /** Whether they are refused for what they say. */
  refusing = false;
  /** Whether no answer comes. */
  silent = false;
  /** Whether events are taken, but nobody is told so. */
  losing = false;
  constructor() {
    super("", async () => "");
  }
  override async post<T>(path: string, body: unknown) {
    if (path === "/events") {
      if (this.silent) return new Promise<never>(() => {});
      if (this.refusing) throw new ApiError(400, "ValidationException", "no such event");
      if (this.down) throw new ApiError(503, "ServiceUnavailableException", "busy");
      this.sent.push(body as Sent);
      if (this.losing) throw new ApiError(504, "GatewayTimeout", "late");
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
const pear = fromMetadata("8", { TITLE: "Pears", PRICE: "2" });
const fig = fromMetadata("7", { TITLE: "Figs, 1 lb", PRICE: "1.5" });

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

describe("an order", () => {
  it("is the same order when it is sent again", async () => {
    shop.add(fig, { recommendationId: "r1", shown: ["7"] });
    await vi.advanceTimersByTimeAsync(0);
    api.losing = true;
    await shop.buyCart();
    expect(shop.cart).toHaveLength(1);
    expect(shop.ordering).toEqual({ state: "failed", taken: null });
    const lost = api.sent.at(-1)?.eventList;
    expect(lost).toMatchObject([{ eventType: "purchase", itemId: "7", eventValue: 1.5, recommendationId: "r1" }]);

    api.losing = false;
    await shop.buyCart();

    expect(api.sent.at(-1)?.eventList).toEqual(lost);
    expect(shop.cart).toEqual([]);
    expect(shop.ordering).toMatchObject({ state: "open", taken: [{ itemId: "7", quantity: 1 }] });
  });

  it("counts what was changed after its answer was lost", async () => {
    shop.add(fig, null);
    shop.add(pear, null);
    await vi.advanceTimersByTimeAsync(0);
    api.losing = true;
    await shop.buyCart();
    const lost = api.sent.at(-1)?.eventList.map(({ eventId }) => eventId);
    api.losing = false;
    shop.setQuantity("7", 0);
    shop.setQuantity("8", 2);
    expect(shop.ordering.state).toBe("open");
    await shop.buyCart();

    const [event, ...others] = api.sent.at(-1)?.eventList ?? [];
    expect(event).toMatchObject({ itemId: "8", properties: '{"quantity":2}' });
    expect(others).toEqual([]);
    expect(lost).not.toContain(event?.eventId);
  });

  it("is complete when the strip sends it again", async () => {
    shop.add(fig, null);
    await vi.advanceTimersByTimeAsync(0);
    api.down = true;
    await shop.buyCart();
    api.down = false;
    shop.activity[0]?.again?.();
    await vi.advanceTimersByTimeAsync(0);

    expect(shop.cart).toEqual([]);
    expect(shop.ordering).toMatchObject({ state: "open", taken: [{ itemId: "7" }] });
    shop.add(fig, null);
    await shop.buyCart();
    const purchases = api.sent.flatMap(({ eventList }) => eventList).filter((e) => e.eventType === "purchase");
    expect(new Set(purchases.map(({ eventId }) => eventId)).size).toBe(2);
  });

  describe("of which nothing says that it was taken", () => {
    const purchases = () => api.sent.flatMap(({ eventList }) => eventList).filter((e) => e.eventType === "purchase");

    /** A shop as the next visit of the page has it. */
    function reloaded(): Shop {
      shop = new Shop(api, site, storage);
      return shop;
    }

    it("is sent as it was when the page comes back, and the cart is emptied", async () => {
      shop.add(fig, null);
      await vi.advanceTimersByTimeAsync(0);
      api.losing = true;
      await shop.buyCart();
      api.losing = false;
      vi.setSystemTime(Date.now() + 3_600_000);

      await reloaded().sendUnsent();

      const [lost, again, ...others] = purchases();
      expect(again).toEqual(lost);
      expect(others).toEqual([]);
      expect(shop.cart).toEqual([]);
      expect(shop.ordering).toMatchObject({ state: "open", taken: [{ itemId: "7" }] });
      await reloaded().sendUnsent();
      expect(purchases()).toHaveLength(2);
    });

    it("is sent when the page was left before any answer", async () => {
      shop.add(fig, null);
      await vi.advanceTimersByTimeAsync(0);
      api.silent = true;
      void shop.buyCart();
      await vi.advanceTimersByTimeAsync(0);
      api.silent = false;

      await reloaded().sendUnsent();

      expect(purchases().map(({ itemId }) => itemId)).toEqual(["7"]);
    });

    it("stays one after a visit that could not send it either", async () => {
      shop.add(fig, null);
      await vi.advanceTimersByTimeAsync(0);
      api.down = true;
      await shop.buyCart();
      await reloaded().sendUnsent();
      expect(shop.ordering.state).toBe("failed");
      expect(shop.cart).toHaveLength(1);
      api.down = false;

      await reloaded().sendUnsent();
      expect(purchases()).toHaveLength(1);
    });

    it("is not sent by itself once the cart was changed, but lines that stayed keep their ids", async () => {
      shop.add(fig, null);
      shop.add(pear, null);
      await vi.advanceTimersByTimeAsync(0);
      api.losing = true;
      await shop.buyCart();
      api.losing = false;
      shop.setQuantity("8", 0);

      await reloaded().sendUnsent();
      expect(purchases()).toHaveLength(2);
      await shop.buyCart();

      const [lostFig, , figAgain, ...others] = purchases();
      expect(figAgain?.eventId).toBe(lostFig?.eventId);
      expect(others).toEqual([]);
    });

    it("is sent where a product was bought without the cart, which stays", async () => {
      shop.add(pear, null);
      await vi.advanceTimersByTimeAsync(0);
      api.down = true;
      const line = { itemId: "7", title: "Figs", price: 1.5, quantity: 1, recommendationId: null };
      await shop.buy([line], new Order(), () => {});
      api.down = false;

      await reloaded().sendUnsent();

      expect(purchases().map(({ itemId }) => itemId)).toEqual(["7"]);
      expect(shop.cart.map(({ itemId }) => itemId)).toEqual(["8"]);
    });

    it("is not sent again where it was refused for what it says, nor for somebody else", async () => {
      shop.add(fig, null);
      await vi.advanceTimersByTimeAsync(0);
      api.refusing = true;
      await shop.buyCart();
      api.refusing = false;
      await reloaded().sendUnsent();
      expect(purchases()).toEqual([]);

      api.down = true;
      await shop.buyCart();
      api.down = false;
      shop.become(shopperOf("42"));
      await reloaded().sendUnsent();
      expect(purchases()).toEqual([]);
    });
  });

  it("leaves in the cart what came in since, and is told of once", async () => {
    shop.add(fig, null);
    await vi.advanceTimersByTimeAsync(0);
    const bought = shop.buyCart();
    shop.add(pear, null);
    await bought;
    expect(shop.cart.map(({ itemId }) => itemId)).toEqual(["8"]);
    await shop.show({ page: "cart" });
    expect(shop.ordering.taken).toBeNull();
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
