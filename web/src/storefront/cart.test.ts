import { describe, expect, it } from "vitest";
import { addLine, type Cart, count, removeQuantities, total, unpricedText, withQuantity } from "./cart";
import { purchaseEvents } from "./events";
import { loadState, saveState } from "./storage";
import { memoryStorage } from "./testing/fake_api";

const pear = { itemId: "1", title: "Pear", price: 0.5, recommendationId: "first" };
const fig = { itemId: "2", title: "Fig", price: null, recommendationId: null };

describe("the cart", () => {
  it("counts pieces, and keeps the first recommendation", () => {
    let cart: Cart = addLine([], pear);
    cart = addLine(cart, { ...pear, recommendationId: "later" });
    cart = addLine(cart, fig);
    expect(cart).toEqual([
      { ...pear, quantity: 2 },
      { ...fig, quantity: 1 },
    ]);
    expect(count(cart)).toBe(3);
    expect(total(cart)).toBe(1); // 2 * 0.5, and a fig without a price
  });

  it("states the number of products without a price", () => {
    const both = addLine(addLine([], pear), fig);
    expect(unpricedText(both)).toBe("without 1 unpriced product");
    expect(unpricedText(withQuantity(both, "2", 3))).toBe("without 3 unpriced products");
    expect(unpricedText(addLine([], pear))).toBeNull();
    expect([unpricedText(addLine([], fig)), total(addLine([], fig))]).toEqual([null, null]);
  });

  it("removes an item with quantity 0", () => {
    const cart = withQuantity(addLine(addLine([], pear), fig), "1", 0);
    expect(cart.map((line) => line.itemId)).toEqual(["2"]);
  });
});

it("removes the bought quantities and keeps later additions", () => {
  const bought = addLine(addLine([], pear), fig);
  expect(removeQuantities(bought, bought)).toEqual([]);
  expect(removeQuantities(withQuantity(bought, "1", 3), bought)).toEqual([{ ...pear, quantity: 2 }]);
  expect(removeQuantities(withQuantity(bought, "1", 0), bought)).toEqual([]);
});

describe("the stored state", () => {
  it("is read as it was stored", () => {
    const stored = memoryStorage();
    const cart = addLine([], pear);
    const unsent = [{ what: "Purchase of Pear", events: purchaseEvents(cart), cart, givenUp: false }];
    saveState(stored, { shopperId: "42", cart, unsent });
    expect(loadState(stored)).toEqual({ shopperId: "42", cart, unsent });
  });

  it.each(["", "null", "{", '{"shopperId": 4, "cart": []}', '{"shopperId": "4"}'])("is null if it is %s", (text) => {
    expect(loadState(memoryStorage({ "alsolike-storefront": text }))).toBeNull();
  });

  it("omits invalid lines", () => {
    const text = '{"shopperId": "4", "cart": [{"itemId": "1"}, null]}';
    const nothing = { shopperId: "4", cart: [], unsent: [] };
    expect(loadState(memoryStorage({ "alsolike-storefront": text }))).toEqual(nothing);
  });

  it.each([
    '{"unsent": 7}',
    '{"unsent": [null, {"what": "w", "events": [], "cart": 5, "givenUp": false}]}',
    '{"unsent": [{"what": "w", "events": [{"eventId": "e", "eventType": "view"}], "cart": null, "givenUp": false}]}',
    '{"unsent": [{"what": "w", "events": [], "cart": null}]}',
  ])("omits invalid orders: %s", (text) => {
    const state = { shopperId: "4", cart: [], ...JSON.parse(text) };
    expect(loadState(memoryStorage({ "alsolike-storefront": JSON.stringify(state) }))).toMatchObject({ unsent: [] });
  });
});
