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
    shop.view(fig, null);
    await settled();
    expect(api.sent[0]).toMatchObject({ trackingId: "shop", sessionId: shop.shopper.id });
    expect(latest()).toBe("View of Figs sent, waiting for its effect …");
    await vi.advanceTimersByTimeAsync(250); // the first poll
    expect(latest()).toMatch(/^View of Figs sent. “For you” changed after 0\.[23] s$/);
  });

  it("can be sent again after a failure, and counts once", async () => {
    api.down = true;
    await putIntoCart(fig);
    expect(latest()).toBe("Figs put into the cart could not be sent: The shop's service failed (503)");
    const [failed] = shop.activity;
    api.down = false;
    failed?.again?.();
    await settled();
    expect(api.sent).toHaveLength(1);
    expect(latest()).toMatch(/^Figs put into the cart sent/);
    expect(shop.activity[1]?.again).toBeNull();
  });

  it("has the user and a session for a known shopper", async () => {
    shop.switchShopper(parseShopper("42"));
    shop.search("figs");
    await settled();
    expect(api.sent[0]?.userId).toBe("42");
    expect(api.sent[0]?.sessionId).toMatch(/^[0-9a-f-]{36}$/);
    expect(latest()).toBe("Search for “figs” sent");
  });
});

describe("another shopper", () => {
  it("starts with an empty cart and without recommendations", async () => {
    shop.setAttribution("7", { recommendationId: "r1", shown: ["7"] });
    shop.add(fig, null);
    shop.switchShopper(parseShopper("42"));
    await settled();
    expect(shop.cart).toEqual([]);
    expect(shop.attributionOf("7")).toBeNull();
  });

  it("stays after a reload", () => {
    tab().switchShopper(parseShopper("42"));
    expect(tab().shopper.id).toBe("42");
    tab().forget();
    expect(tab().shopper.anonymous).toBe(true);
  });
});
