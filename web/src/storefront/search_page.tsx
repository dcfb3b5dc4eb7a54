import { useEffect, useMemo, useState } from "preact/hooks";
import { Card } from "./card";
import { Skeleton } from "./carousel";
import { categories, search } from "./catalogue";
import { useShop } from "./context";
import { CATEGORY, formatRoute, type Route } from "./route";
import { EmptyState, ErrorState } from "./states";

const PAGE = 48;
const MAX_CATEGORIES = 12;

export function SearchPage({ route }: { readonly route: Route & { readonly page: "search" } }) {
  const shop = useShop();
  const { query, filter } = route;
  const category = filter?.column === CATEGORY ? filter.value : null;
  const [limit, setLimit] = useState(PAGE);
  useEffect(() => void shop.load(), [shop]);
  useEffect(() => setLimit(PAGE), [query, filter?.column, filter?.value]);
  const { loaded, knownProducts } = shop;
  const products = useMemo(() => {
    // A row of the catalogue has all columns, a product of a recommendation only some.
    const rows = loaded?.products.map((product) => [product.id, product] as const) ?? [];
    return [...new Map([...knownProducts, ...rows]).values()];
  }, [loaded, knownProducts]);
  const hits = useMemo(
    () => search(products, new Set(knownProducts.keys()), query, filter, limit),
    [products, knownProducts, query, filter?.column, filter?.value, limit],
  );
  const chips = useMemo(() => categories(products).slice(0, MAX_CATEGORIES), [products]);
  if (shop.loadingError && products.length === 0) {
    return <ErrorState fullPage content="The catalogue" error={shop.loadingError} retry={() => void shop.load()} />;
  }
  return (
    <>
      <h1>{titleOf(route)}</h1>
      <p class="carousel-source" role="status">
        {countText(hits.all, products.length, shop.loading ? "loading" : loaded?.next ? "partial" : "complete")}
        {filter && (
          <>
            {" · "}
            <a href={formatRoute({ ...route, filter: null })}>{query ? "Search all products" : "All products"}</a>
          </>
        )}
      </p>
      <nav class="chips" aria-label="Categories">
        {chips.map((name) => (
          <a
            key={name}
            href={formatRoute({ ...route, filter: name === category ? null : { column: CATEGORY, value: name } })}
            aria-current={name === category ? "true" : undefined}
          >
            {name}
          </a>
        ))}
      </nav>
      {hits.all > 0 ? (
        <ul class="grid" aria-label="Products found">
          {hits.products.map((product) => (
            <Card key={product.id} product={product} />
          ))}
        </ul>
      ) : shop.loading ? (
        <Skeleton content="Products" />
      ) : products.length === 0 ? (
        <EmptyState title="There are no products">
          <p>
            The catalogue is empty. Import products with <code>alsolike import items</code>.
          </p>
        </EmptyState>
      ) : (
        <EmptyState title="Nothing found">
          <p>Try fewer words, or another category.</p>
        </EmptyState>
      )}
      <div class="more">
        {hits.all > limit && (
          <button type="button" onClick={() => setLimit(limit + PAGE)}>
            Show more
          </button>
        )}
        {loaded?.next && (
          <button type="button" disabled={shop.loading} onClick={() => void shop.load(true)}>
            {shop.loading ? "Loading …" : "Load more of the catalogue"}
          </button>
        )}
      </div>
    </>
  );
}

export function titleOf({ query, filter }: Route & { readonly page: "search" }): string {
  const title = query ? `“${query}”` : "";
  return [title, filter?.value].filter(Boolean).join(" in ") || "All products";
}

function countText(found: number, loaded: number, catalogue: "loading" | "partial" | "complete"): string {
  const products = `${found.toLocaleString("en")} ${found === 1 ? "product" : "products"}`;
  switch (catalogue) {
    case "loading":
      return `${products} so far, loading more …`;
    case "partial":
      return `${products} among the ${loaded.toLocaleString("en")} loaded ones; the catalogue has more`;
    case "complete":
      return products;
  }
}
