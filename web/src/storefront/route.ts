/** A page of the shop, which the address's hash contains, so that reloading, going back and sharing work. */
export type Route =
  | { readonly page: "home" }
  | { readonly page: "item"; readonly id: string }
  | { readonly page: "cart" }
  | { readonly page: "search"; readonly query: string; readonly filter: Filter | null }
  | { readonly page: "unknown"; readonly hash: string };

/** A value that all listed products have in a column. */
export interface Filter {
  /** The column's key, or `CATEGORY`. */
  readonly column: string;
  readonly value: string;
}

/** The name of the shop's category column in addresses. */
export const CATEGORY = "category";

/** Parse a hash, such as `#/item/42`. An invalid hash is `unknown`. */
export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#/, "").split("?", 2);
  const [, page = "", id = "", ...rest] = path.split("/");
  const unknown: Route = { page: "unknown", hash };
  if (rest.length > 0) {
    return unknown;
  }
  if (page === "" && id === "") {
    return { page: "home" };
  }
  if (page === "cart" && id === "") {
    return { page: "cart" };
  }
  if (page === "search" && id === "") {
    const parameters = new URLSearchParams(search);
    const [column, value] = [...parameters].find(([name, value]) => name !== "q" && value) ?? [];
    const filter = column === undefined || value === undefined ? null : { column, value };
    return { page: "search", query: parameters.get("q") ?? "", filter };
  }
  if (page === "item" && id !== "") {
    try {
      return { page: "item", id: decodeURIComponent(id) };
    } catch {
      return unknown;
    }
  }
  return unknown;
}

export function formatRoute(route: Route): string {
  switch (route.page) {
    case "home":
      return "#/";
    case "cart":
      return "#/cart";
    case "item":
      return `#/item/${encodeURIComponent(route.id)}`;
    case "search": {
      const parameters = new URLSearchParams();
      if (route.query) parameters.set("q", route.query);
      if (route.filter) parameters.set(route.filter.column, route.filter.value);
      const search = parameters.toString();
      return search ? `#/search?${search}` : "#/search";
    }
    case "unknown":
      return route.hash;
  }
}
