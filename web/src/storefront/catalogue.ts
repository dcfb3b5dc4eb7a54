import { type ItemPage, MAX_PAGE_ROWS } from "../../../build/api_types";
import type { Api } from "../platform/api";
import type { CardColumns } from "../platform/site";
import { hasValue } from "./facts";
import { fromItem, keyOf, type Product, textsOf } from "./product";
import type { Filter } from "./route";

/** The number of products that a page loads before it offers to load more. A catalogue may have any number. */
export const LOADED_AT_ONCE = 5000;

export interface Loaded {
  readonly products: readonly Product[];
  /** Token of the next page, or null at the end. */
  readonly next: string | null;
}

/** Load up to `LOADED_AT_ONCE` further products. `onPage` receives all loaded products after each page. */
export async function loadProducts(
  api: Api,
  from: Loaded | null,
  onPage: (loaded: Loaded) => void,
  cards?: CardColumns,
): Promise<Loaded> {
  let loaded: Loaded = from ?? { products: [], next: null };
  const until = loaded.products.length + LOADED_AT_ONCE;
  do {
    const { body } = await api.get<ItemPage>("/items", {
      limit: Math.min(MAX_PAGE_ROWS, until - loaded.products.length),
      nextToken: loaded.next ?? undefined,
    });
    loaded = {
      products: [...loaded.products, ...body.items.map((item) => fromItem(item, cards))],
      next: body.nextToken ?? null,
    };
    onPage(loaded);
  } while (loaded.next !== null && loaded.products.length < until);
  return loaded;
}

interface Hits {
  readonly products: readonly Product[];
  readonly all: number;
}

/**
 * Return the keys of the item columns that the configuration declares as times. The API's description has all declared
 * columns.
 */
export async function loadTimestamps(api: Api): Promise<ReadonlySet<string>> {
  const { body } = await api.get<ApiDescription>("/openapi.json");
  const columns = Object.entries(body.components.schemas.ItemChanges.properties);
  return new Set(columns.filter(([, { format }]) => format === "unixtime").map(([name]) => keyOf(name)));
}

/** The part of `GET /openapi.json` with the item columns. */
interface ApiDescription {
  readonly components: {
    readonly schemas: {
      readonly ItemChanges: { readonly properties: Readonly<Record<string, { readonly format?: string }>> };
    };
  };
}

/**
 * Find products that have every word of a query in the title or another column.
 *
 * A match counts most at the beginning of the title, then at the beginning of another word of the title, then within a
 * word of the title, then in another column. `recommended` contains the IDs of products that rank above equal matches.
 */
export function search(
  products: Iterable<Product>,
  recommended: ReadonlySet<string>,
  query: string,
  filter: Filter | null,
  limit: number,
): Hits {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const scored: { product: Product; score: number }[] = [];
  for (const product of products) {
    if (filter && !hasValue(product, filter.column, filter.value)) continue;
    const score = scoreOf(product, words);
    if (score > 0) scored.push({ product, score: score + (recommended.has(product.id) ? 0.5 : 0) });
  }
  scored.sort((a, b) => b.score - a.score || a.product.title.localeCompare(b.product.title));
  return { products: scored.slice(0, limit).map(({ product }) => product), all: scored.length };
}

function scoreOf(product: Product, words: readonly string[]): number {
  const title = product.title.toLowerCase();
  // Without numbers: a search for "7" does not mean the price.
  const columns = product.columns.flatMap(({ value }) => textsOf(value)).filter((text) => /\p{L}/u.test(text));
  const other = [...product.categories, product.kind, product.id, ...columns].join(" ").toLowerCase();
  let score = 1;
  for (const word of words) {
    const at = title.indexOf(word);
    if (at === 0) score += 4;
    else if (at > 0) score += /\W/.test(title.charAt(at - 1)) ? 3 : 2;
    else if (other.includes(word)) score += 1;
    else return 0;
  }
  return score;
}

/** Return the categories of products, those with the most products first. */
export function categories(products: Iterable<Product>): string[] {
  const counts = new Map<string, number>();
  for (const category of [...products].flatMap((product) => product.categories)) {
    counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
}
