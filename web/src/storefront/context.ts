import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { parseRoute, type Route } from "./route";
import type { Shop } from "./shop";

export const ShopContext = createContext<Shop | null>(null);

export function useShop(): Shop {
  const shop = useContext(ShopContext);
  if (!shop) throw new Error("the component is outside of the shop");
  return shop;
}

export function useShopUpdates(shop: Shop): void {
  const [, setChanges] = useState(0);
  useEffect(() => shop.subscribe(() => setChanges((changes) => changes + 1)), [shop]);
}

export function useRoute(): Route {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const update = () => setHash(location.hash);
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return parseRoute(hash);
}

export function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const update = () => setOnline(navigator.onLine);
    addEventListener("online", update);
    addEventListener("offline", update);
    return () => {
      removeEventListener("online", update);
      removeEventListener("offline", update);
    };
  }, []);
  return online;
}
