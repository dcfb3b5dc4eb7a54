import { categories } from "./catalogue";
import { useShop } from "./context";
import { formatRoute, type Route } from "./route";
import { ShelfList } from "./shelf_list";
import { plans } from "./shelves";
import { greeting } from "./shopper";
import { standingOf, standingSentence } from "./welcome";

const MOST_CATEGORIES = 8;

export function HomePage({ route }: { readonly route: Route }) {
  const shop = useShop();
  const { shopper } = shop;
  const standing = standingOf(plans(route, shop.cart), shop.shelvesOf(route), shopper);
  const chips = categories(shop.known.values()).slice(0, MOST_CATEGORIES);
  return (
    <>
      <section class="hero">
        <h1 title={greeting(shopper)}>{greeting(shopper)}</h1>
        <p>
          {standingSentence(standing)
            .split("`")
            .map((part, place) => (place % 2 === 1 ? <code key={part}>{part}</code> : part))}
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
