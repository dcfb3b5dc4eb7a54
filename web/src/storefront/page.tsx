import { useEffect, useRef, useState } from "preact/hooks";
import type { PageProps } from "../platform/start";
import { ActivityStrip } from "./activity_strip";
import { CartPage } from "./cart_page";
import { ShopContext, useOnline, useRoute, useShopUpdates } from "./context";
import { Header } from "./header";
import { HomePage } from "./home_page";
import { ProductPage } from "./product_page";
import { formatRoute, type Route } from "./route";
import { SearchPage, titleOf as searchTitle } from "./search_page";
import { Shop } from "./shop";
import { EmptyState } from "./states";
import "./storefront.css";
import "./cards.css";
import "./pages.css";

export function Storefront({ site, api, signIn }: PageProps) {
  const [shop] = useState(() => new Shop(api, site, localStorage));
  useShopUpdates(shop);
  const route = useRoute();
  const online = useOnline();
  const hash = formatRoute(route);
  const main = useRef<HTMLElement>(null);
  const moved = useRef(false);
  const previous = usePreviousRoute(route);
  useEffect(() => {
    document.title = titleOf(route);
    if (moved.current) {
      scrollTo(0, 0);
      main.current?.focus({ preventScroll: true }); // otherwise keyboard users stay at the page's beginning
    }
    moved.current = true;
    void shop.show(route);
  }, [shop, hash]);
  useEffect(() => void shop.sendPendingOrders(), [shop]);
  return (
    <ShopContext.Provider value={shop}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <Header
        route={route}
        signOut={() => {
          shop.forget();
          signIn.signOut();
        }}
      />
      {!online && (
        <p class="offline" role="alert">
          You are offline. You can send your events again when you are back online.
        </p>
      )}
      <main ref={main} tabIndex={-1} key={hash}>
        <Page route={route} query={previous.page === "search" ? previous.query || null : null} />
      </main>
      <footer class="footer">
        <p>
          Environment {site.environment}
          {shop.modelVersion && <> · model {shop.modelVersion}</>}
        </p>
        <a href="/console.html">Operator’s console</a>
      </footer>
      <ActivityStrip />
    </ShopContext.Provider>
  );
}

function Page({ route, query }: { readonly route: Route; readonly query: string | null }) {
  switch (route.page) {
    case "home":
      return <HomePage route={route} />;
    case "item":
      return <ProductPage route={route} query={query} />;
    case "cart":
      return <CartPage route={route} />;
    case "search":
      return <SearchPage route={route} />;
    case "unknown":
      return (
        <EmptyState fullPage title="Page not found">
          <p>“{route.hash}” is not a page of this shop.</p>
          <a href="#/">Open the shop</a>
        </EmptyState>
      );
  }
}

function usePreviousRoute(route: Route): Route {
  const places = useRef<readonly [Route, Route]>([{ page: "home" }, route]);
  if (formatRoute(places.current[1]) !== formatRoute(route)) places.current = [places.current[1], route];
  return places.current[0];
}

function titleOf(route: Route): string {
  const shop = "Alsolike Market";
  switch (route.page) {
    case "cart":
      return `Cart · ${shop}`;
    case "search":
      return `${searchTitle(route)} · ${shop}`;
    default:
      return shop;
  }
}
