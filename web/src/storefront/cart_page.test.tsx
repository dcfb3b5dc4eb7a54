import { render } from "preact-render-to-string";
import { expect, it } from "vitest";
import { Api } from "../platform/api";
import type { Site } from "../platform/site";
import { CartPage } from "./cart_page";
import { ShopContext } from "./context";
import { fromMetadata } from "./product";
import { Shop } from "./shop";

/** An API that never responds. */
class Silent extends Api {
  override post = () => new Promise<never>(() => {});
}

it("the cart is locked during a purchase", () => {
  const shop = new Shop(new Silent("", async () => ""), {} as Site, {} as Storage);
  const locked = () => {
    const page = render(
      <ShopContext.Provider value={shop}>
        <CartPage route={{ page: "cart" }} />
      </ShopContext.Provider>,
    );
    const buttons = page.match(/<button[^>]*(Remove|One more of) Figs[^>]*>/g) ?? [];
    return buttons.map((button) => / disabled/.test(button));
  };
  shop.add(fromMetadata("7", { TITLE: "Figs", PRICE: "1.5" }));
  expect(locked()).toEqual([false, false]);
  void shop.buyCart();
  expect(locked()).toEqual([true, true]);
});
