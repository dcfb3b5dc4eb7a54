import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "./cart";
import { useShop } from "./context";
import { ShopperPicker } from "./picker";
import { hue } from "./picture";
import { formatRoute, type Route } from "./route";
import { shopperName } from "./shopper";

interface HeaderProps {
  readonly route: Route;
  readonly signOut: () => void;
}

export function Header({ route, signOut }: HeaderProps) {
  const shop = useShop();
  const [picking, setPicking] = useState(false);
  const products = count(shop.cart);
  const name = shopperName(shop.shopper);
  return (
    <header class="header">
      <a class="brand" href="#/">
        <svg viewBox="0 0 24 24" aria-hidden="true">
          <path d="M5 19C4 10 9 4 20 4c0 11-6 16-13 14.5M5 21c0-5 3-9 8-11.5" />
        </svg>
        <span>
          Alsolike <em>Market</em>
        </span>
      </a>
      <SearchBox query={route.page === "search" ? route.query : ""} />
      <nav class="header-nav" aria-label="Shop">
        <button type="button" class="shopper" title={name} aria-haspopup="dialog" onClick={() => setPicking(true)}>
          <span class="avatar" aria-hidden="true" style={{ "--hue": hue(shop.shopper.id) }}>
            {shop.shopper.anonymous ? "?" : shop.shopper.id.slice(0, 2)}
          </span>
          <span class="shopper-name">
            <span class="visually-hidden">Change shopper: </span>
            {name}
          </span>
        </button>
        <a class="cart-link" href="#/cart" aria-current={route.page === "cart" ? "page" : undefined}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M3 4h2.5l2.2 11h10.6l2-8H6.3M9 19.5h.01M17 19.5h.01" />
          </svg>
          <span class="visually-hidden">Cart, </span>
          <span class="cart-count">
            {products}
            <span class="visually-hidden"> {products === 1 ? "product" : "products"}</span>
          </span>
        </a>
        <button type="button" class="sign-out" onClick={signOut}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M10 4H5v16h5M9 12h11m0 0-4-4m4 4-4 4" />
          </svg>
          <span>Sign out</span>
        </button>
      </nav>
      {picking && <ShopperPicker close={() => setPicking(false)} />}
    </header>
  );
}

function SearchBox({ query }: { readonly query: string }) {
  const shop = useShop();
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.value = query;
  }, [query]);
  return (
    <search>
      <form
        class="search"
        onSubmit={(event) => {
          event.preventDefault();
          const typed = input.current?.value.trim() ?? "";
          if (typed) shop.search(typed);
          location.hash = formatRoute({ page: "search", query: typed, filter: null });
        }}
      >
        <input
          ref={input}
          type="search"
          aria-label="Search products"
          placeholder="Search products"
          maxLength={200}
          onFocus={() => void shop.load()}
        />
        <button type="submit" aria-label="Search">
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM15.5 15.5 20 20" />
          </svg>
        </button>
      </form>
    </search>
  );
}
