import { describe, expect, it, vi } from "vitest";
import { activityText } from "./activity";
import { parseShopper } from "./shopper";
import { api, fig, putIntoCart, settled, shop, tab } from "./testing/shop_session";

function latest(): string {
  const [line] = shop.activity;
  return line ? activityText(line) : "";
}

describe("an action of the shopper", () => {
  it("is sent, and its effect on “for you” is shown", async () => {
    const sentAt = Date.now() / 1000;
    shop.view(fig, null);
    vi.setSystemTime(Date.now() + 5_000); // the lists before the event are read first
    await settled();
    expect(api.sent[0]?.eventList).toMatchObject([{ eventType: "view", itemId: "7", sentAt }]);
    expect(api.tokens[0]).toBe(`Bearer {"sessionId":"${shop.shopper.id}"}`);
    expect(latest()).toBe("View of Figs sent, waiting for its effect …");
    await vi.advanceTimersByTimeAsync(250); // the first poll
    expect(latest()).toMatch(/^View of Figs sent. “For you” changed after 0\.[23] s$/);
  });

  it("can be sent again after a failure, and counts once", async () => {
    api.down = true;
    await putIntoCart(fig);
    await vi.advanceTimersByTimeAsync(12_000); // the package tries four times
    expect(latest()).toBe("Figs put into the cart could not be sent: The shop's service failed (503)");
    const [failed] = shop.activity;
    api.down = false;
    failed?.again?.();
    await settled();
    expect(api.sent).toHaveLength(1);
    expect(latest()).toMatch(/^Figs put into the cart sent/);
    expect(shop.activity[1]?.again).toBeNull();
  });

  it("fails with the events before it", async () => {
    api.down = true;
    shop.client.track({ eventType: "click", itemId: "7" }, true);
    await putIntoCart(fig);
    await vi.advanceTimersByTimeAsync(12_000);
    expect(latest()).toContain("Figs put into the cart could not be sent");
    api.down = false;
    shop.activity[0]?.again?.();
    await settled();
    expect(api.sent.map(({ eventList }) => eventList.map(({ eventType }) => eventType))).toEqual([["click", "cart"]]);
  });

  it("cannot be sent again after a rejection", async () => {
    api.rejectingStatus = 400;
    await putIntoCart(fig);
    expect(latest()).toBe("Figs put into the cart could not be sent: no such event");
    expect(shop.activity[0]?.again).toBeNull();
  });

  it("is sent with the token of a known shopper's session", async () => {
    shop.switchShopper(parseShopper("42"));
    shop.search("figs");
    await settled();
    expect(api.sent[0]?.eventList).toMatchObject([{ eventType: "search", properties: '{"query":"figs"}' }]);
    expect(api.tokens[0]).toMatch(/^Bearer {"userId":"42","sessionId":"[0-9a-f-]{36}"}$/);
    expect(latest()).toBe("Search for “figs” sent");
  });

  it("before a change of the shopper belongs to the earlier one", async () => {
    shop.client.track({ eventType: "view", itemId: "7" });
    shop.switchShopper(parseShopper("42"));
    await vi.advanceTimersByTimeAsync(1);
    expect(api.sent[0]?.eventList).toMatchObject([{ itemId: "7" }]);
    expect(api.tokens[0]).toContain('"sessionId":"guest-');
  });
});

describe("another shopper", () => {
  it("starts with an empty cart and without recommendations", async () => {
    shop.client.clicks.set("7", { attribution: { recommendationId: "r1" }, atMs: 0 });
    shop.add(fig);
    shop.switchShopper(parseShopper("42"));
    await settled();
    expect(shop.cart).toEqual([]);
    expect(shop.recommendationOf("7")).toBeNull();
  });

  it("stays after a reload", () => {
    tab().switchShopper(parseShopper("42"));
    expect(tab().shopper.id).toBe("42");
    tab().forget();
    expect(tab().shopper.anonymous).toBe(true);
  });
});
