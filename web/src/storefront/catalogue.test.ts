import { describe, expect, it } from "vitest";
import { Api } from "../platform/api";
import { categories, LOADED_AT_ONCE, type Loaded, loadProducts, loadTimestamps, search } from "./catalogue";
import { fromItem } from "./product";
import { CATEGORY, type Filter } from "./route";

const product = (itemId: string, title: string, categoryL1: string) =>
  fromItem({ itemId, properties: { title, categoryL1 } });

const products = [
  product("1", "Banana bread", "PASTRY"),
  product("2", "Green bananas", "PRODUCE"),
  product("3", "Bread", "PASTRY"),
  product("4", "Bread knife", "KITCHEN"),
];

function ids(query: string, filter: Filter | null = null, known: string[] = []) {
  return search(products, new Set(known), query, filter, 10).products.map(({ id }) => id);
}

describe("a search", () => {
  it("requires every word, and ranks titles that begin with one first", () => {
    expect(ids("banana")).toEqual(["1", "2"]);
    expect(ids("bread banana")).toEqual(["1"]);
    expect(ids("figs")).toEqual([]);
  });

  it("ranks recommended products above equal matches", () => {
    expect(ids("bread", null, ["4"])).toEqual(["4", "3", "1"]);
  });

  it("filters by category, and matches its name", () => {
    expect(ids("", { column: CATEGORY, value: "Pastry" })).toEqual(["1", "3"]);
    expect(ids("produce")).toEqual(["2"]);
  });

  it("filters by the value of any column, and finds it as a word", () => {
    const cards = { category: "GENRES" };
    const books = [
      fromItem(
        { itemId: "1", properties: { title: "Emma", author: "Jane Austen", genres: ["Romance", "Classic"] } },
        cards,
      ),
      fromItem(
        { itemId: "2", properties: { title: "Dune", author: "Frank Herbert", genres: ["Classic"], pages: 412 } },
        cards,
      ),
    ];
    const found = (query: string, filter: Filter | null) =>
      search(books, new Set(), query, filter, 10).products.map(({ id }) => id);
    expect(found("", { column: "author", value: "Jane Austen" })).toEqual(["1"]);
    expect(found("", { column: CATEGORY, value: "Classic" })).toEqual(["2", "1"]);
    expect(found("herbert", null)).toEqual(["2"]);
    expect(found("dune 412", null)).toEqual([]);
    expect(categories(books)).toEqual(["Classic", "Romance"]);
  });

  it("counts all results", () => {
    expect(search(products, new Set(), "bread", null, 1)).toMatchObject({ all: 3 });
  });
});

it("shows the largest categories first", () => {
  expect(categories(products)).toEqual(["Pastry", "Kitchen", "Produce"]);
});

describe("the catalogue", () => {
  /** An API of a catalogue with `all` products. */
  class Catalogue extends Api {
    calls = 0;
    constructor(private readonly all: number) {
      super("", async () => "");
    }
    override async get<T>(_path: string, query: Record<string, string | number | undefined> = {}) {
      this.calls++;
      const from = Number(query.nextToken ?? 0);
      const until = Math.min(from + Number(query.limit), this.all);
      const items = Array.from({ length: until - from }, (_, index) => ({
        itemId: String(from + index),
        properties: {},
      }));
      const body = { items, ...(until < this.all ? { nextToken: String(until) } : {}) };
      return { body: body as T, headers: new Headers() };
    }
  }

  it("is loaded completely if it is small", async () => {
    const pages: Loaded[] = [];
    const loaded = await loadProducts(new Catalogue(2500), null, (page) => pages.push(page));
    expect(pages.map((page) => page.products.length)).toEqual([1000, 2000, 2500]);
    expect(loaded.next).toBeNull();
  });

  it("is loaded in portions", async () => {
    const api = new Catalogue(LOADED_AT_ONCE + 1);
    const first = await loadProducts(api, null, () => {});
    expect(first).toMatchObject({ products: { length: LOADED_AT_ONCE }, next: String(LOADED_AT_ONCE) });
    const all = await loadProducts(api, first, () => {});
    expect(all).toMatchObject({ products: { length: LOADED_AT_ONCE + 1 }, next: null });
    expect(api.calls).toBe(6);
  });
});

it("knows the columns that the configuration declares as times", async () => {
  const properties = {
    creationTimestamp: { type: ["number", "null"], format: "unixtime" },
    packed_on: { type: ["number", "null"], format: "unixtime" },
    pages: { type: ["number", "null"] },
  };
  const api = new Api("", async () => "");
  api.get = async <T>() => ({
    body: { components: { schemas: { ItemChanges: { properties } } } } as T,
    headers: new Headers(),
  });
  expect(await loadTimestamps(api)).toEqual(new Set(["creationtimestamp", "packedon"]));
});
