import { describe, expect, it } from "vitest";
import { fig, pear } from "./taking";
import { api, buyCartWhile, differentPurchases, purchases, putIntoCart, settled, shop, tab } from "./visit";

describe("an order beside other tabs", () => {
  it("is given up once the cart is changed in another tab", async () => {
    await putIntoCart(fig);
    await buyCartWhile("down");
    tab().setQuantity("7", 3);

    shop.keep();
    await tab().sendUnsent();
    expect(purchases()).toEqual([]);
  });

  it("is another in each tab", async () => {
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

  it("counts once where another tab has sent it since, and the cart's Buy is pressed again", async () => {
    await putIntoCart(fig);
    await buyCartWhile("losing");
    await tab().sendUnsent();

    await shop.buyCart();
    expect(shop.cart).toEqual([]);
    expect(purchases()).toHaveLength(3);
    expect(differentPurchases()).toBe(1);
  });
});
