import { describe, expect, it } from "vitest";
import { added, type Cart, count, total, unpricedText, without, withQuantity } from "./cart";
import { bought } from "./events";
import { keep, readKept } from "./storage";

const pear = { itemId: "1", title: "Pear", price: 0.5, recommendationId: "first" };
const fig = { itemId: "2", title: "Fig", price: null, recommendationId: null };

function storage(content: Record<string, string> = {}): Storage {
  const kept = new Map(Object.entries(content));
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  } as Storage;
}

describe("the cart", () => {
  it("counts what is put in, and remembers the answer that led to it first", () => {
    let cart: Cart = added([], pear);
    cart = added(cart, { ...pear, recommendationId: "later" });
    cart = added(cart, fig);
    expect(cart).toEqual([
      { ...pear, quantity: 2 },
      { ...fig, quantity: 1 },
    ]);
    expect(count(cart)).toBe(3);
    expect(total(cart)).toBe(1); // 2 * 0.5, and a fig of which no price is known
  });

  it("says what its sum is without", () => {
    const both = added(added([], pear), fig);
    expect(unpricedText(both)).toBe("without 1 unpriced product");
    expect(unpricedText(withQuantity(both, "2", 3))).toBe("without 3 unpriced products");
    expect(unpricedText(added([], pear))).toBeNull();
    expect([unpricedText(added([], fig)), total(added([], fig))]).toEqual([null, null]);
  });

  it("lets go of what is wanted no more", () => {
    const cart = withQuantity(added(added([], pear), fig), "1", 0);
    expect(cart.map((line) => line.itemId)).toEqual(["2"]);
  });
});

it("is without what was bought, and keeps what came in since", () => {
  const bought = added(added([], pear), fig);
  expect(without(bought, bought)).toEqual([]);
  expect(without(withQuantity(bought, "1", 3), bought)).toEqual([{ ...pear, quantity: 2 }]);
  expect(without(withQuantity(bought, "1", 0), bought)).toEqual([]);
});

describe("what a browser keeps", () => {
  it("is read as it was kept", () => {
    const place = storage();
    const cart = added([], pear);
    const unsent = [{ what: "Purchase of Pear", events: bought(cart), cart, givenUp: false }];
    keep(place, { shopperId: "42", cart, unsent });
    expect(readKept(place)).toEqual({ shopperId: "42", cart, unsent });
  });

  it.each(["", "null", "{", '{"shopperId": 4, "cart": []}', '{"shopperId": "4"}'])(
    "is nothing where it is %s",
    (text) => {
      expect(readKept(storage({ "alsolike-storefront": text }))).toBeNull();
    },
  );

  it("is without lines that are none", () => {
    const text = '{"shopperId": "4", "cart": [{"itemId": "1"}, null]}';
    const nothing = { shopperId: "4", cart: [], unsent: [] };
    expect(readKept(storage({ "alsolike-storefront": text }))).toEqual(nothing);
  });

  it.each([
    '{"unsent": 7}',
    '{"unsent": [null, {"what": "w", "events": [], "cart": 5, "givenUp": false}]}',
    '{"unsent": [{"what": "w", "events": [{"eventId": "e", "eventType": "view"}], "cart": null, "givenUp": false}]}',
    '{"unsent": [{"what": "w", "events": [], "cart": null}]}',
  ])("is without orders that are none: %s", (text) => {
    const kept = { shopperId: "4", cart: [], ...JSON.parse(text) };
    expect(readKept(storage({ "alsolike-storefront": JSON.stringify(kept) }))).toMatchObject({ unsent: [] });
  });
});
