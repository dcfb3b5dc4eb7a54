import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { parseRoute, type Route } from "./route";
import type { Shop } from "./shop";

export const ShopContext = createContext<Shop | null>(null);

/** The shop that this page is of. */
export function useShop(): Shop {
  const shop = useContext(ShopContext);
  if (!shop) throw new Error("a part of the shop is shown outside of it");
  return shop;
}

/** Render again whenever the shop has changed. */
export function useChanges(shop: Shop): void {
  const [, setChanges] = useState(0);
  useEffect(() => shop.subscribe(() => setChanges((changes) => changes + 1)), [shop]);
}

/** The place of the shop that the address names. */
export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const moved = () => setHash(location.hash);
    addEventListener("hashchange", moved);
    return () => removeEventListener("hashchange", moved);
  }, []);
  return parseRoute(hash);
}

/** True if the browser is online. */
export function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const moved = () => setOnline(navigator.onLine);
    addEventListener("online", moved);
    addEventListener("offline", moved);
    return () => {
      removeEventListener("online", moved);
      removeEventListener("offline", moved);
    };
  }, []);
  return online;
}
