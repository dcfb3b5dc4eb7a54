import { describe, expect, it, vi } from "vitest";
import { parseShopper } from "./shopper";
import {
  api,
  buyCartWhile,
  differentPurchases,
  fig,
  pear,
  purchases,
  putIntoCart,
  reloaded,
  settled,
  shop,
  storage,
  tab,
} from "./testing/shop_session";

describe("an order", () => {
  it("has the same IDs in a retry", async () => {
    shop.client.clicks.set("7", { attribution: { recommendationId: "r1" }, atMs: 0 });
    shop.add(fig);
    await settled();
    api.losing = true;
    await shop.buyCart();
    expect(shop.cart).toHaveLength(1);
    expect(shop.orderStatus).toEqual({ state: "failed", accepted: null });
    const lost = api.sent.at(-1)?.eventList;
    expect(lost).toMatchObject([{ eventType: "purchase", itemId: "7", eventValue: 1.5, recommendationId: "r1" }]);

    api.losing = false;
    await shop.buyCart();

    expect(api.sent.at(-1)?.eventList).toEqual(lost);
    expect(shop.cart).toEqual([]);
    expect(shop.orderStatus).toMatchObject({ state: "open", accepted: [{ itemId: "7", quantity: 1 }] });
  });

  it("has new IDs for lines that changed after a lost response", async () => {
    await putIntoCart(fig, pear);
    api.losing = true;
    await shop.buyCart();
    const lost = api.sent.at(-1)?.eventList.map(({ eventId }) => eventId);
    api.losing = false;
    shop.setQuantity("7", 0);
    shop.setQuantity("8", 2);
    expect(shop.orderStatus.state).toBe("open");
    await shop.buyCart();

    const [event, ...others] = api.sent.at(-1)?.eventList ?? [];
    expect(event).toMatchObject({ itemId: "8", properties: '{"quantity":2}' });
    expect(others).toEqual([]);
    expect(lost).not.toContain(event?.eventId);
  });

  it("is complete after a retry from the activity strip", async () => {
    await putIntoCart(fig);
    await buyCartWhile("down");
    shop.activity[0]?.again?.();
    await settled();

    expect(shop.cart).toEqual([]);
    expect(shop.orderStatus).toMatchObject({ state: "open", accepted: [{ itemId: "7" }] });
    shop.add(fig);
    await shop.buyCart();
    expect(differentPurchases()).toBe(2);
  });

  describe("without confirmation", () => {
    it("is sent unchanged after a reload, and the cart is emptied", async () => {
      await putIntoCart(fig);
      await buyCartWhile("losing");
      vi.setSystemTime(Date.now() + 3_600_000);

      await reloaded().sendPendingOrders();

      const [lost, again, ...others] = purchases();
      expect(again).toEqual(lost);
      expect(others).toEqual([]);
      expect(shop.cart).toEqual([]);
      expect(shop.orderStatus).toMatchObject({ state: "open", accepted: [{ itemId: "7" }] });
      await reloaded().sendPendingOrders();
      expect(purchases()).toHaveLength(2);
    });

    it("is sent if the page was left before any response", async () => {
      await putIntoCart(fig);
      api.silent = true;
      void shop.buyCart();
      await settled();
      api.silent = false;

      await reloaded().sendPendingOrders();

      expect(purchases().map(({ itemId }) => itemId)).toEqual(["7"]);
    });

    it("stays pending after a visit that could not send it", async () => {
      await putIntoCart(fig);
      api.down = true;
      await shop.buyCart();
      await reloaded().sendPendingOrders();
      expect(shop.orderStatus.state).toBe("failed");
      expect(shop.cart).toHaveLength(1);
      api.down = false;

      await reloaded().sendPendingOrders();
      expect(purchases()).toHaveLength(1);
    });

    it("is not sent automatically after the cart changed, but unchanged lines keep their IDs", async () => {
      await putIntoCart(fig, pear);
      await buyCartWhile("losing");
      shop.setQuantity("8", 0);

      await reloaded().sendPendingOrders();
      expect(purchases()).toHaveLength(2);
      await shop.buyCart();

      const [lostFig, , figAgain, ...others] = purchases();
      expect(figAgain?.eventId).toBe(lostFig?.eventId);
      expect(others).toEqual([]);
    });

    const line = { itemId: "7", title: "Figs", price: 1.5, quantity: 1, recommendationId: null };

    it("is sent if a product was bought directly; the cart stays", async () => {
      await putIntoCart(pear);
      api.down = true;
      await shop.buy([line], () => {});
      api.down = false;

      await reloaded().sendPendingOrders();

      expect(purchases().map(({ itemId }) => itemId)).toEqual(["7"]);
      expect(shop.cart.map(({ itemId }) => itemId)).toEqual(["8"]);
    });

    it("counts once if the product is bought again after other pages", async () => {
      api.losing = true;
      await shop.buy([line], () => {});
      api.losing = false;
      await shop.buy([line], () => {});

      await reloaded().sendPendingOrders();
      expect(purchases()).toHaveLength(2);
      expect(differentPurchases()).toBe(1);

      await shop.buy([line], () => {});
      expect(differentPurchases()).toBe(2);
    });

    it("is separate from a cart with the same content", async () => {
      api.losing = true;
      await shop.buy([line], () => {});
      shop.add(fig);
      await shop.buyCart();
      expect(differentPurchases()).toBe(2);
    });

    it("is given up after a change of the cart, even during the request", async () => {
      await putIntoCart(fig);
      api.silent = true;
      void shop.buyCart();
      await settled();
      shop.setQuantity("7", 3);
      api.silent = false;

      await reloaded().sendPendingOrders();
      expect(purchases()).toEqual([]);

      await buyCartWhile("down");
      await reloaded().sendPendingOrders();
      expect(purchases()).toMatchObject([{ itemId: "7", properties: '{"quantity":3}' }]);
    });

    it("is open, not failed, if the cart changed before the response", async () => {
      await putIntoCart(fig);
      api.down = true;
      const bought = shop.buyCart();
      shop.setQuantity("7", 3);
      await bought;
      expect(shop.orderStatus.state).toBe("open");
    });

    it("does not pass its IDs to later purchases", async () => {
      await putIntoCart(fig, pear);
      await buyCartWhile("losing");
      shop.setQuantity("8", 0);
      await shop.buyCart();

      reloaded().add(pear);
      await shop.buyCart();
      const pears = purchases().filter(({ itemId }) => itemId === "8");
      expect(new Set(pears.map(({ eventId }) => eventId)).size).toBe(2);
    });

    it("is removed from the cart once if it is sent twice in parallel", async () => {
      await putIntoCart(fig);
      await buyCartWhile("losing");
      shop.activity[0]?.again?.();
      const bought = shop.buyCart();
      shop.add(fig);
      await bought;
      await settled();
      expect(purchases()).toHaveLength(3);
      expect(shop.cart).toMatchObject([{ itemId: "7", quantity: 1 }]);
    });

    it("keeps its IDs within the page if the browser stores nothing", async () => {
      storage.setItem = () => {
        throw new DOMException("full", "QuotaExceededError");
      };
      await putIntoCart(fig);
      await buyCartWhile("losing");
      await shop.buyCart();
      expect(differentPurchases()).toBe(1);
    });

    it.each([400, 401, 403, 413, 422])("is not sent again after a rejection with %i", async (status) => {
      await putIntoCart(fig);
      api.rejectingStatus = status;
      await shop.buyCart();
      api.rejectingStatus = 0;

      await reloaded().sendPendingOrders();
      expect(purchases()).toEqual([]);
      expect(shop.cart).toHaveLength(1);
    });

    it("is not sent again for another shopper", async () => {
      await putIntoCart(fig);
      await buyCartWhile("down");
      shop.switchShopper(parseShopper("42"));
      await reloaded().sendPendingOrders();
      expect(purchases()).toEqual([]);
    });
  });

  it("keeps later additions in the cart, and is confirmed once", async () => {
    await putIntoCart(fig);
    const bought = shop.buyCart();
    shop.add(pear);
    await bought;
    expect(shop.cart.map(({ itemId }) => itemId)).toEqual(["8"]);
    await shop.show({ page: "cart" });
    expect(shop.orderStatus.accepted).toBeNull();
  });
});

describe("an order with several open tabs", () => {
  it("is given up after a change of the cart in another tab", async () => {
    await putIntoCart(fig);
    await buyCartWhile("down");
    tab().setQuantity("7", 3);

    shop.save();
    await tab().sendPendingOrders();
    expect(purchases()).toEqual([]);
  });

  it("is separate in each tab", async () => {
    const other = tab();
    shop.add(fig);
    other.add(pear);
    await settled();
    api.losing = true;
    await shop.buyCart();
    await other.buyCart();
    api.losing = false;
    const [figs, pears] = purchases();
    expect(figs?.eventId).not.toBe(pears?.eventId);

    await tab().sendPendingOrders();
    expect(purchases().slice(2)).toEqual([figs, pears]);
  });

  it("counts once if another tab has sent it and Buy is pressed again", async () => {
    await putIntoCart(fig);
    await buyCartWhile("losing");
    await tab().sendPendingOrders();

    await shop.buyCart();
    expect(shop.cart).toEqual([]);
    expect(purchases()).toHaveLength(3);
    expect(differentPurchases()).toBe(1);
  });
});
