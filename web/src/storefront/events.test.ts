import { describe, expect, it } from "vitest";
import { cartEvent, purchaseEvents, requestBodies, searchEvent, viewEvent } from "./events";
import { reuseEventIds } from "./orders";
import { parseShopper } from "./shopper";

const stamp = { nowMs: 1_764_032_400_250, newId: () => "e1" };

describe("an event", () => {
  it("has a unique ID and its time in seconds", () => {
    expect(viewEvent("7", null, null, stamp)).toEqual({
      eventType: "view",
      eventId: "e1",
      sentAt: 1_764_032_400.25,
      itemId: "7",
    });
    expect(viewEvent("7", null, null).eventId).not.toBe(viewEvent("7", null, null).eventId);
  });

  it("names its recommendation and the shown items", () => {
    const view = viewEvent("7", { recommendationId: "r1", shown: ["3", "7", "9"] }, null, stamp);
    expect(view).toMatchObject({ recommendationId: "r1", impression: ["3", "7", "9"] });
  });

  it("lists at most 25 shown items, its own among them", () => {
    const shown = Array.from({ length: 30 }, (_, index) => String(index));
    const { impression } = viewEvent("29", { recommendationId: "r1", shown }, null, stamp);
    expect(impression).toEqual([...shown.slice(0, 24), "29"]);
  });

  it("always lists its own item as shown", () => {
    expect(viewEvent("7", { recommendationId: "r1", shown: ["3"] }, null, stamp).impression).toEqual(["7", "3"]);
  });

  it("contains the search query", () => {
    expect(JSON.parse(searchEvent("ripe bananas", stamp).properties ?? "")).toEqual({ query: "ripe bananas" });
    expect(JSON.parse(viewEvent("7", null, "figs", stamp).properties ?? "")).toEqual({ query: "figs" });
  });

  it("has the price as its value, if there is one", () => {
    expect(cartEvent("7", 1.99, null, stamp).eventValue).toBe(1.99);
    expect(cartEvent("7", null, null, stamp)).not.toHaveProperty("eventValue");
  });
});

describe("an order", () => {
  const line = { itemId: "7", title: "Fig", price: 0.1, quantity: 3, recommendationId: "r1" };
  const numbered = () => {
    let count = 0;
    return { nowMs: 5000, newId: () => `o1-${++count}` };
  };

  it("is one event per line, with the line's total as its value", () => {
    const [first, second] = purchaseEvents(
      [line, { ...line, itemId: "8", quantity: 1, recommendationId: null }],
      numbered(),
    );
    expect(first).toEqual({
      eventType: "purchase",
      eventId: "o1-1",
      sentAt: 5,
      itemId: "7",
      eventValue: 0.3,
      properties: '{"quantity":3}',
      recommendationId: "r1",
    });
    expect(second).toEqual({ eventType: "purchase", eventId: "o1-2", sentAt: 5, itemId: "8", eventValue: 0.1 });
  });

  it("is sent in calls of ten events", () => {
    const lines = Array.from({ length: 12 }, (_, index) => ({ ...line, itemId: String(index) }));
    const calls = requestBodies(purchaseEvents(lines, numbered()), parseShopper("42"), "s1", "shop");
    expect(calls.map((call) => call.eventList.length)).toEqual([10, 2]);
    expect(calls[1]?.eventList[1]?.eventId).toBe("o1-12");
    expect(calls[0]).toMatchObject({ trackingId: "shop", userId: "42", sessionId: "s1" });
  });

  it("that is changed before a retry has new IDs only for changed lines", () => {
    const [fig, pear] = [line, { ...line, itemId: "8" }];
    const sent = [{ what: "w", events: purchaseEvents([fig, pear], numbered()), cart: null, givenUp: true }];
    const ids = (...lines: (typeof line)[]) =>
      reuseEventIds(sent, purchaseEvents(lines, { nowMs: 9000, newId: () => "new" })).map(({ eventId }) => eventId);
    expect(ids(pear)).toEqual(["o1-2"]);
    expect(ids({ ...pear, quantity: 4 })).toEqual(["new"]);
    expect(ids(pear, fig)).toEqual(["o1-2", "o1-1"]);
  });
});

it("an anonymous visitor's event has a session and no user", () => {
  const [call] = requestBodies([searchEvent("figs", stamp)], parseShopper("guest-1"), "s1", "shop");
  expect(call).toMatchObject({ sessionId: "guest-1" });
  expect(call).not.toHaveProperty("userId");
});
