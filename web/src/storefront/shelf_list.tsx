import { Carousel } from "./carousel";
import { useShop } from "./context";
import type { Route } from "./route";
import { plans } from "./shelves";
import { ErrorState } from "./states";

/** The carousels of a page, with one message if all of them fail. */
export function ShelfList({ route }: { readonly route: Route }) {
  const shop = useShop();
  const planned = plans(route, shop.cart);
  const shelves = shop.shelvesOf(route);
  const failed = shelves.filter((shelf) => shelf.error && !shelf.list);
  const [first] = failed;
  if (first?.error && failed.length === planned.length) {
    return <ErrorState what="Recommendations" error={first.error} retry={() => void shop.reload()} />;
  }
  return (
    <>
      {planned.map((plan) => (
        <Carousel
          key={plan.recommender}
          plan={plan}
          shelf={shelves.find((shelf) => shelf.plan.recommender === plan.recommender)}
        />
      ))}
    </>
  );
}
