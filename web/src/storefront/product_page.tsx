import { useEffect, useState } from "preact/hooks";
import { ApiError, toError } from "../platform/api";
import { CarouselList } from "./carousel";
import { useShop } from "./context";
import { Picture } from "./picture";
import { type Product, priceText } from "./product";
import { formatRoute, type Route } from "./route";
import { EmptyState, ErrorState } from "./states";

interface ProductPageProps {
  readonly route: Route & { readonly page: "item" };
  /** The search from which the product was opened. */
  readonly query: string | null;
}

/** One product. Opening the page sends a view event. */
export function ProductPage({ route, query }: ProductPageProps) {
  const shop = useShop();
  const { id } = route;
  const [product, setProduct] = useState<Product | null>(shop.knownProducts.get(id) ?? null);
  const [error, setError] = useState<Error | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let unmounted = false;
    setError(null);
    shop.product(id).then(
      (loaded) => {
        if (unmounted) return;
        setProduct(loaded);
        document.title = `${loaded.title} · Alsolike Market`;
        shop.view(loaded, query);
      },
      (thrown) => !unmounted && setError(toError(thrown)),
    );
    return () => {
      unmounted = true;
    };
  }, [shop, id, attempt]);

  if (error instanceof ApiError && error.status === 404) {
    return (
      <EmptyState fullPage title="Product not found">
        <p>The catalogue has no product with the ID “{id}”.</p>
        <a href="#/">Open the shop</a>
      </EmptyState>
    );
  }
  if (error) {
    return <ErrorState fullPage what="This product" error={error} retry={() => setAttempt(attempt + 1)} />;
  }
  return (
    <>
      {product ? <Details product={product} /> : <div class="product skeleton" aria-hidden="true" />}
      <CarouselList route={route} />
    </>
  );
}

function Details({ product }: { readonly product: Product }) {
  const shop = useShop();
  const columns: (readonly [string, string | null])[] = [
    ["Category", product.category],
    ["Kind", product.kind],
    ["Brand", product.brand],
    ...product.more,
    ["Id", product.id],
  ];
  return (
    <article class="product">
      <div class="product-picture">
        <Picture product={product} />
      </div>
      <div class="product-facts">
        <nav class="crumbs" aria-label="Where this is">
          <a href="#/">Shop</a>
          {product.category && (
            <>
              <span aria-hidden="true"> / </span>
              <a href={formatRoute({ page: "search", query: "", category: product.category })}>{product.category}</a>
            </>
          )}
        </nav>
        <h1>{product.title}</h1>
        {product.subtitle && <p class="product-subtitle">{product.subtitle}</p>}
        <p class="product-price">{priceText(product.price)}</p>
        <div class="product-buttons">
          <button type="button" class="primary" onClick={() => shop.add(product, shop.attributionOf(product.id))}>
            Add to cart
          </button>
          <BuyNow product={product} />
        </div>
        <dl class="columns">
          {columns
            .filter(([, value]) => value !== null)
            .map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
        </dl>
      </div>
    </article>
  );
}

function BuyNow({ product }: { readonly product: Product }) {
  const shop = useShop();
  const [state, setState] = useState<"ready" | "buying" | "bought">("ready");
  const buy = async () => {
    setState("buying");
    const recommendationId = shop.attributionOf(product.id)?.recommendationId ?? null;
    const { id: itemId, title, price } = product;
    const lines = [{ itemId, title, price, quantity: 1, recommendationId }];
    const accepted = await shop.buy(lines, () => setState("bought"));
    if (!accepted) setState("ready");
  };
  return (
    <button type="button" disabled={state === "buying"} onClick={() => void buy()}>
      {state === "bought" ? "Bought. Buy again?" : "Buy now"}
    </button>
  );
}
