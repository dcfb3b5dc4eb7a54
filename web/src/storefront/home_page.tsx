import { categories } from "./catalogue";
import { useShop } from "./context";
import { formatRoute, type Route } from "./route";
import { ShelfList } from "./shelf_list";
import { shopperName } from "./shopper";

const MOST_CATEGORIES = 8;

export function HomePage({ route }: { readonly route: Route }) {
  const shop = useShop();
  const { shopper } = shop;
  const forYou = shop.shelvesOf(route).find(({ plan }) => plan.recommender === "for-you")?.list;
  const known = forYou ? forYou.source !== "popular" || forYou.degraded.length > 0 : !shopper.anonymous;
  const chips = categories(shop.known.values()).slice(0, MOST_CATEGORIES);
  return (
    <>
      <section class="hero">
        <h1>{shopper.anonymous ? "Welcome" : `Good to see you, ${shopperName(shopper).toLowerCase()}`}</h1>
        <p>
          {known
            ? "The lists below are made for you this moment. What you open, cart and buy moves them within seconds."
            : "Nothing is known of you yet. Open a product, put something into the cart: the lists follow within seconds."}
        </p>
        <nav class="chips" aria-label="Categories">
          {chips.map((category) => (
            <a key={category} href={formatRoute({ page: "search", query: "", category })}>
              {category}
            </a>
          ))}
        </nav>
      </section>
      <ShelfList route={route} />
    </>
  );
}
