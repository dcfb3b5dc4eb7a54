import { MAX_CART_ITEMS } from "../../../build/api_types";
import { toError } from "../platform/api";
import type { CardColumns } from "../platform/site";
import type { Cart } from "./cart";
import { categories } from "./catalogue";
import {
  isListable,
  type ListReader,
  type Recommendations,
  type Recommender,
  readIds,
  readRecommendations,
} from "./recommendations";
import type { Route } from "./route";
import type { Shopper } from "./shopper";

export interface CarouselPlan {
  readonly recommender: Recommender;
  readonly title: string;
  readonly limit: number;
  readonly itemId?: string;
  /** Items of the cart that the list completes. */
  readonly cart?: readonly string[];
  /**
   * True for a list of the shopper's own items. Such a list is requested first, so that the other lists exclude its
   * items.
   */
  readonly ownHistory?: boolean;
  /** The text for an empty list. The page hides an empty carousel without a text. */
  readonly empty?: string;
}

/** The state of a carousel. A carousel keeps its list during a reload. */
export interface CarouselState {
  readonly plan: CarouselPlan;
  readonly list: Recommendations | null;
  readonly error: Error | null;
  /** Items that the previous list did not contain. Empty for the first list. */
  readonly fresh: ReadonlySet<string>;
  /** True if the list is empty because the page shows all its items elsewhere. */
  readonly shownElsewhere: boolean;
}

const FOR_YOU: CarouselPlan = {
  recommender: "for-you",
  title: "For you",
  limit: 18,
  empty: "No recommendations yet. View a product or two first.",
};

/** The maximum number of items with metadata in a response. */
const MAX_WITH_METADATA = 50;

export function planCarousels(route: Route, cart: Cart): CarouselPlan[] {
  if (route.page === "item") {
    return [
      { recommender: "bought-together", title: "Bought together", limit: 12, itemId: route.id },
      { recommender: "similar-items", title: "Similar", limit: 12, itemId: route.id },
      FOR_YOU,
    ];
  }
  if (route.page === "cart") {
    const items = cart
      .map((line) => line.itemId)
      .filter(isListable)
      .slice(-MAX_CART_ITEMS); // the last items of a larger cart
    const together: CarouselPlan = {
      recommender: "bought-together",
      title: "Goes with your cart",
      limit: 12,
      cart: items,
    };
    return items.length ? [together, FOR_YOU] : [FOR_YOU];
  }
  if (route.page !== "home") return [];
  return [
    FOR_YOU,
    { recommender: "buy-again", title: "Buy again", limit: 12, ownHistory: true },
    { recommender: "recently-viewed", title: "Recently viewed", limit: 12, ownHistory: true },
    { recommender: "trending", title: "Trending", limit: 12 },
    { recommender: "popular", title: "Popular", limit: MAX_WITH_METADATA },
  ];
}

export function carouselsKey(route: Route, shopper: Shopper): string {
  return `${shopper.id} ${route.page} ${route.page === "item" ? route.id : ""}`;
}

/**
 * Request carousels one after another. Each request excludes the items of earlier carousels, except hidden carousels.
 *
 * `onCarousel` receives each carousel and returns false to stop. A failed carousel does not affect the others.
 * `leaveOut` are items that the page already shows, such as those in the cart.
 */
export async function loadCarousels(
  lists: ListReader,
  planned: readonly CarouselPlan[],
  leaveOut: readonly string[],
  before: readonly CarouselState[],
  onCarousel: (carousel: CarouselState) => boolean,
  cards?: CardColumns,
): Promise<void> {
  const shown = [...leaveOut];
  for (const plan of [...planned.filter((plan) => plan.ownHistory), ...planned.filter((plan) => !plan.ownHistory)]) {
    const old = before.find((carousel) => carousel.plan.recommender === plan.recommender)?.list ?? null;
    let carousel: CarouselState;
    try {
      const request = {
        recommender: plan.recommender,
        ...(plan.itemId === undefined ? {} : { itemId: plan.itemId }),
        ...(plan.cart === undefined ? {} : { cart: plan.cart }),
      };
      const list = await readRecommendations(lists, { ...request, numResults: plan.limit, exclude: shown }, cards);
      const isEmpty = list.items.length === 0 && shown.length > 0 && plan.empty !== undefined;
      const shownElsewhere = isEmpty && (await readIds(lists, { ...request, numResults: 1 })).length > 0;
      if (!isNotTrending(list)) shown.push(...list.items.map((item) => item.product.id));
      carousel = { plan, list, error: null, fresh: freshOf(list, old), shownElsewhere };
    } catch (error) {
      carousel = { plan, list: old, error: toError(error), fresh: new Set(), shownElsewhere: false };
    }
    if (!onCarousel(carousel)) return;
  }
}

export function emptyText({ plan, shownElsewhere }: CarouselState): string | undefined {
  return shownElsewhere ? "All of its products are on this page already, in another list or in your cart." : plan.empty;
}

/** A row of a page. `carousel` is undefined while the carousel loads. */
export interface Row {
  readonly plan: CarouselPlan;
  readonly carousel: CarouselState | undefined;
  /** The category of all products in the row, if any. */
  readonly category?: string;
}

/** The minimum number of products in a row of a category. */
const MIN_SHELF = 5;
/** The maximum number of rows of categories. */
const MAX_SHELVES = 4;
/** The maximum number of products in the row "Popular". */
const MAX_POPULAR = 12;

/**
 * Return the rows of a page.
 *
 * An empty list has a row only if its plan has a text for it. A trending list that contains popular products has no
 * row. As long as the shopper has no history, "for you" has popular products, and the other popular products are shown
 * by category.
 */
export function rowsOf(planned: readonly CarouselPlan[], carousels: readonly CarouselState[]): Row[] {
  const rows = planned.map((plan) => ({
    plan,
    carousel: carousels.find((carousel) => carousel.plan.recommender === plan.recommender),
  }));
  const isNew = hasNoHistory(carousels);
  return rows.flatMap((row): Row[] => {
    const { plan, carousel } = row;
    const list = carousel?.list ?? null;
    if (plan === FOR_YOU) return [isNew ? { ...row, plan: { ...plan, title: "Popular now" } } : row];
    if (!carousel) return plan === planned[0] ? [row] : [];
    if (!list) return [row]; // shows the error
    if (list.items.length === 0) return plan.empty ? [row] : [];
    if (isNotTrending(list)) return [];
    if (plan.recommender !== "popular") return [row];
    return isNew ? shelves(row, list) : [ofItems(row, list, list.items.slice(0, MAX_POPULAR))];
  });
}

/** Return true if a list of trending products contains popular ones, because nothing is trending. */
const isNotTrending = (list: Recommendations): boolean => list.recommender === "trending" && list.source !== "trending";

/** Return true if "for you" has popular products, and no other list has products of the shopper. */
function hasNoHistory(carousels: readonly CarouselState[]): boolean {
  const forYou = carousels.find(({ plan }) => plan === FOR_YOU)?.list;
  const own = carousels.some(({ plan, list }) => plan.ownHistory && list && list.items.length > 0);
  return forYou?.source === "popular" && forYou.items.length > 0 && !own;
}

/** Return a row per category with enough products, the largest categories first. */
function shelves(row: Row, list: Recommendations): Row[] {
  return categories(list.items.map(({ product }) => product))
    .map((category) => ({ category, items: list.items.filter((item) => item.product.categories[0] === category) }))
    .filter(({ items }) => items.length >= MIN_SHELF)
    .slice(0, MAX_SHELVES)
    .map(({ category, items }) => ({ ...ofItems(row, list, items, `Popular in ${category}`), category }));
}

function ofItems(row: Row, list: Recommendations, items: Recommendations["items"], title = row.plan.title): Row {
  const plan = { ...row.plan, title };
  return { plan, carousel: row.carousel && { ...row.carousel, plan, list: { ...list, items } } };
}

function freshOf(list: Recommendations, old: Recommendations | null): ReadonlySet<string> {
  if (!old) return new Set();
  const known = new Set(old.items.map((item) => item.product.id));
  return new Set(list.items.map((item) => item.product.id).filter((id) => !known.has(id)));
}
