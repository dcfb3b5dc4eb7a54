import { describe, expect, it } from "vitest";
import { fig, pear } from "./taking";
import { api, buyCartWhile, differentPurchases, purchases, putIntoCart, settled, shop, tab } from "./visit";

describe("an order with several open tabs", () => {
  it("is given up after a change of the cart in another tab", async () => {
    await putIntoCart(fig);
    await buyCartWhile("down");
    tab().setQuantity("7", 3);

    shop.keep();
    await tab().sendUnsent();
    expect(purchases()).toEqual([]);
  });

  it("is separate in each tab", async () => {
    const other = tab();
    shop.add(fig, null);
    other.add(pear, null);
    await settled();
    api.losing = true;
    await shop.buyCart();
    await other.buyCart();
    api.losing = false;
    const [figs, pears] = purchases();
    expect(figs?.eventId).not.toBe(pears?.eventId);

    await tab().sendUnsent();
    expect(purchases().slice(2)).toEqual([figs, pears]);
  });

  it("counts once if another tab has sent it and Buy is pressed again", async () => {
    await putIntoCart(fig);
    await buyCartWhile("losing");
    await tab().sendUnsent();

    await shop.buyCart();
    expect(shop.cart).toEqual([]);
    expect(purchases()).toHaveLength(3);
    expect(differentPurchases()).toBe(1);
  });
});
