import { describe, expect, it } from "vitest";
import { purchaseEvents, requestBodies } from "./events";
import { reuseEventIds } from "./orders";

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
    const calls = requestBodies(purchaseEvents(lines, numbered()), { userId: "42", sessionId: "s1" }, "shop");
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
