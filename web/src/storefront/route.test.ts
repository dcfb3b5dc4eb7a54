import { describe, expect, it } from "vitest";
import { formatRoute, parseRoute, type Route } from "./route";

describe("a hash", () => {
  it.each<[string, Route]>([
    ["", { page: "home" }],
    ["#/", { page: "home" }],
    ["#/cart", { page: "cart" }],
    ["#/item/42", { page: "item", id: "42" }],
    ["#/item/sku%2F7%3F", { page: "item", id: "sku/7?" }],
    ["#/search", { page: "search", query: "", filter: null }],
    [
      "#/search?q=ripe+bananas&category=PRODUCE",
      { page: "search", query: "ripe bananas", filter: { column: "category", value: "PRODUCE" } },
    ],
    ["#/search?author=Q%26A", { page: "search", query: "", filter: { column: "author", value: "Q&A" } }],
  ])("%s is a page", (hash, route) => {
    expect(parseRoute(hash)).toEqual(route);
    expect(parseRoute(formatRoute(route))).toEqual(route);
  });

  it.each(["#/item/", "#/item/%E0%A4%A", "#/item/1/2", "#/nowhere", "#/cart/1"])("%s is invalid", (hash) => {
    expect(parseRoute(hash)).toEqual({ page: "unknown", hash });
  });
});
