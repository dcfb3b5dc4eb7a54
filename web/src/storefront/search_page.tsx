import { useEffect, useMemo, useState } from "preact/hooks";
import { Card } from "./card";
import { Skeleton } from "./carousel";
import { categories, search } from "./catalogue";
import { useShop } from "./context";
import { formatRoute, type Route } from "./route";
import { EmptyState, ErrorState } from "./states";

const PAGE = 48;
const MAX_CATEGORIES = 12;

/** The results of a search or a category among the products that the page has loaded. */
export function SearchPage({ route }: { readonly route: Route & { readonly page: "search" } }) {
  const shop = useShop();
  const { query, category } = route;
  const [limit, setLimit] = useState(PAGE);
  useEffect(() => void shop.load(), [shop]);
  useEffect(() => setLimit(PAGE), [query, category]);
  const { loaded, knownProducts } = shop;
  const products = useMemo(() => {
    const byId = new Map(loaded?.products.map((product) => [product.id, product]));
    for (const product of knownProducts.values()) byId.set(product.id, product);
    return [...byId.values()];
  }, [loaded, knownProducts]);
  const hits = useMemo(
    () => search(products, new Set(knownProducts.keys()), query, category, limit),
    [products, knownProducts, query, category, limit],
  );
  const chips = useMemo(() => categories(products).slice(0, MAX_CATEGORIES), [products]);
  if (shop.loadingError && products.length === 0) {
    return <ErrorState fullPage what="The catalogue" error={shop.loadingError} retry={() => void shop.load()} />;
  }
  return (
    <>
      <h1>{query ? `“${query}”` : category || "All products"}</h1>
      <p class="carousel-source" role="status">
        {hits.all.toLocaleString()} found among {products.length.toLocaleString()} products
        {shop.loading ? ", loading more …" : loaded?.next ? "; the catalogue has more" : ", which is all"}
      </p>
      <nav class="chips" aria-label="Categories">
        {chips.map((name) => (
          <a
            key={name}
            href={formatRoute({ page: "search", query, category: name === category ? "" : name })}
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
        <Skeleton what="Products" />
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
