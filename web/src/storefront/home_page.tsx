import { CarouselList } from "./carousel";
import { type CarouselPlan, type CarouselState, planCarousels } from "./carousels";
import { categories } from "./catalogue";
import { useShop } from "./context";
import { filterRoute } from "./facts";
import { CATEGORY, formatRoute, type Route } from "./route";
import { greeting, type Shopper } from "./shopper";

const MAX_CATEGORIES = 8;

export function HomePage({ route }: { readonly route: Route }) {
  const shop = useShop();
  const { shopper } = shop;
  const status = homeStatus(planCarousels(route, shop.cart), shop.carouselsOf(route), shopper);
  const chips = categories(shop.knownProducts.values()).slice(0, MAX_CATEGORIES);
  return (
    <>
      <section class="hero">
        <h1 title={greeting(shopper)}>{greeting(shopper)}</h1>
        <p>
          {statusText(status)
            .split("`")
            .map((part, place) => (place % 2 === 1 ? <code key={part}>{part}</code> : part))}
        </p>
        <nav class="chips" aria-label="Categories">
          {chips.map((category) => (
            <a key={category} href={filterRoute(CATEGORY, category)}>
              {category}
            </a>
          ))}
          <a href={formatRoute({ page: "search", query: "", filter: null })}>All products</a>
        </nav>
      </section>
      <CarouselList route={route} />
    </>
  );
}

type HomeStatus = "empty" | "no-model" | "degraded" | "personal" | "no-history";

/** Return the state of the loaded lists, or the expected state before "for you" is loaded. */
export function homeStatus(
  planned: readonly CarouselPlan[],
  carousels: readonly CarouselState[],
  shopper: Shopper,
): HomeStatus {
  const forYou = carousels.find(({ plan }) => plan.recommender === "for-you")?.list;
  if (!forYou) return shopper.anonymous ? "no-history" : "personal";
  if (carousels.length === planned.length && carousels.every(({ list }) => list?.items.length === 0)) {
    // A list is also empty if the page shows all of its items in other lists.
    if (!carousels.some(({ shownElsewhere }) => shownElsewhere)) return "empty";
  }
  if (forYou.degraded.includes("no-model")) return "no-model";
  if (forYou.degraded.length > 0) return "degraded";
  return forYou.source === "popular" || forYou.source === "none" ? "no-history" : "personal";
}

/** Return the text below the greeting. Commands are in backticks. */
export function statusText(status: HomeStatus): string {
  switch (status) {
    case "empty":
      return (
        "There are no products yet. Import products and purchases with " +
        "`alsolike import`, then train the first model with `alsolike train`."
      );
    case "no-model":
      return "There is no model yet. Import purchases with `alsolike import`, then run `alsolike train`.";
    case "degraded":
      return "Some lists below are degraded and state the reason. Your clicks and purchases still count.";
    case "personal":
      return "These recommendations are for you, as of this moment. Your clicks and purchases change them within seconds.";
    case "no-history":
      return "Open a product or add one to the cart: the lists on this page change within seconds.";
  }
}
