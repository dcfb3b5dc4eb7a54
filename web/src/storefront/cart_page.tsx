import { CarouselList } from "./carousel";
import { type CartLine, count, total, unpricedText } from "./cart";
import { useShop } from "./context";
import { Picture } from "./picture";
import { fromMetadata } from "./product";
import { formatRoute, type Route } from "./route";
import { EmptyState } from "./states";

export function CartPage({ route }: { readonly route: Route }) {
  const shop = useShop();
  const { cart } = shop;
  const { state, accepted } = shop.orderStatus;
  const buying = state === "buying";
  return (
    <>
      <h1>Cart</h1>
      {cart.length > 0 ? (
        <div class="cart">
          <ul class="cart-lines">
            {cart.map((line) => (
              <Line key={line.itemId} line={line} />
            ))}
          </ul>
          <section class="cart-sum" aria-label="Sum">
            <p>
              {count(cart)} {count(cart) === 1 ? "product" : "products"}
              <b>{shop.priceText(total(cart))}</b>
            </p>
            {unpricedText(cart) && <p class="small cart-unpriced">{unpricedText(cart)}</p>}
            <button type="button" class="primary" disabled={buying} onClick={() => void shop.buyCart()}>
              {buying ? "Buying …" : "Buy"}
            </button>
            {state === "failed" && (
              <p role="alert">
                The order was not confirmed. Your cart is unchanged. Try again: an order that is sent twice counts once.
              </p>
            )}
            <p class="small">Demo: nothing is charged or delivered, but the purchase event counts.</p>
          </section>
        </div>
      ) : accepted ? (
        <div class="notice good" role="status">
          <p class="notice-title">Thank you!</p>
          <p>
            {count(accepted)} {count(accepted) === 1 ? "product" : "products"} for{" "}
            {[shop.priceText(total(accepted)), unpricedText(accepted)].filter(Boolean).join(" ")}. The lists below, and
            those of the <a href="#/">shop</a>, change within seconds.
          </p>
        </div>
      ) : (
        <EmptyState title="Your cart is empty">
          <a href="#/">Open the shop</a>
        </EmptyState>
      )}
      <CarouselList route={route} />
    </>
  );
}

function Line({ line }: { readonly line: CartLine }) {
  const shop = useShop();
  const { itemId, title, price, quantity } = line;
  const buying = shop.orderStatus.state === "buying";
  const product = shop.knownProducts.get(itemId) ?? { ...fromMetadata(itemId), title, price };
  return (
    <li class="cart-line">
      <Picture product={product} />
      <div>
        <a href={formatRoute({ page: "item", id: itemId })} title={title}>
          {title}
        </a>
        <p class="small">{price === null ? "no price" : `${shop.priceText(price)} each`}</p>
      </div>
      <fieldset class="quantity">
        <legend class="visually-hidden">Quantity of {title}</legend>
        <button
          type="button"
          aria-label={quantity === 1 ? `Remove ${title}` : `One less of ${title}`}
          disabled={buying}
          onClick={() => shop.setQuantity(itemId, quantity - 1)}
        >
          <span aria-hidden="true">−</span>
        </button>
        <output>{quantity}</output>
        <button
          type="button"
          aria-label={`One more of ${title}`}
          disabled={buying}
          onClick={() => shop.setQuantity(itemId, quantity + 1)}
        >
          <span aria-hidden="true">+</span>
        </button>
      </fieldset>
      <p class="cart-price">{shop.priceText(price === null ? null : price * quantity)}</p>
    </li>
  );
}
