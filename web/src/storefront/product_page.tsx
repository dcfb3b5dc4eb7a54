import { useEffect, useState } from "preact/hooks";
import { ApiError, toError } from "../platform/api";
import { CarouselList } from "./carousel";
import { useShop } from "./context";
import { descriptionOf, type Fact, factsOf, filterRoute } from "./facts";
import { Picture } from "./picture";
import { keyOf, type Product } from "./product";
import { CATEGORY, type Route } from "./route";
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
    return <ErrorState fullPage content="This product" error={error} retry={() => setAttempt(attempt + 1)} />;
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
  const [timestamps, setTimestamps] = useState<ReadonlySet<string> | null>(null);
  useEffect(() => void shop.timestamps().then(setTimestamps), [shop]);
  const { subtitle, inStock } = product;
  const description = descriptionOf(product);
  const [category] = product.categories;
  return (
    <article class="product">
      <div class="product-picture">
        <Picture product={product} />
      </div>
      <div class="product-facts">
        <nav class="crumbs" aria-label="Where this is">
          <a href="#/">Shop</a>
          {category !== undefined && (
            <>
              <span aria-hidden="true"> / </span>
              <a href={filterRoute(CATEGORY, category)}>{category}</a>
            </>
          )}
        </nav>
        <h1>{product.title}</h1>
        {subtitle && (
          <p class="product-subtitle">
            <a href={filterRoute(keyOf(shop.cards.subtitle ?? ""), subtitle)}>{subtitle}</a>
          </p>
        )}
        <p class="product-price">
          {shop.priceText(product.price)}
          {inStock !== null && (
            <span class={`stock ${inStock ? "in" : "out"}`}>{inStock ? "In stock" : "Out of stock"}</span>
          )}
        </p>
        <div class="product-buttons">
          <button type="button" class="primary" disabled={inStock === false} onClick={() => shop.add(product)}>
            Add to cart
          </button>
          <BuyNow product={product} />
        </div>
        {description && <p class="product-description">{description}</p>}
        {timestamps && <Facts facts={factsOf(product, timestamps, shop.cards)} />}
      </div>
    </article>
  );
}

function Facts({ facts }: { readonly facts: readonly Fact[] }) {
  return (
    <dl class="columns">
      {facts.map(({ name, values }) => (
        <div key={name}>
          <dt>{name}</dt>
          {values.map(({ text, href }) => (
            <dd key={text}>{href ? <a href={href}>{text}</a> : text}</dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

function BuyNow({ product }: { readonly product: Product }) {
  const shop = useShop();
  const [state, setState] = useState<"ready" | "buying" | "bought">("ready");
  const buy = async () => {
    setState("buying");
    const { id: itemId, title, price } = product;
    const lines = [{ itemId, title, price, quantity: 1, recommendationId: shop.recommendationOf(itemId) }];
    const accepted = await shop.buy(lines, () => setState("bought"));
    if (!accepted) setState("ready");
  };
  return (
    <button type="button" disabled={state === "buying" || product.inStock === false} onClick={() => void buy()}>
      {state === "bought" ? "Bought. Buy again?" : "Buy now"}
    </button>
  );
}
