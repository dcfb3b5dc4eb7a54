import type { Api } from "../platform/api";
import type { CardColumns } from "../platform/site";
import type { Cart } from "./cart";
import { asError } from "./failure";
import { shortTitle } from "./product";
import { type Recommendations, type Recommender, recommend, recommendIds } from "./recommending";
import type { Route } from "./route";
import type { Shopper } from "./shopper";

/** A carousel that a page has. */
export interface ShelfPlan {
  readonly recommender: Recommender;
  readonly title: string;
  readonly most: number;
  /** False for answers about an item or without a user, which are the same for every shopper. */
  readonly ofShopper: boolean;
  readonly itemId?: string;
  /** True for items that the shopper knows: requested first, so that the lists of new items leave them out. */
  readonly had?: boolean;
  /** The text if there is nothing to show; without it the carousel is left out. */
  readonly empty?: string;
}

/** A carousel as far as it has come. A list that is requested again stays until the answer arrives. */
export interface Shelf {
  readonly plan: ShelfPlan;
  readonly list: Recommendations | null;
  readonly error: Error | null;
  /** Items that were not in the list before. */
  readonly fresh: ReadonlySet<string>;
  /** True if it is empty because the page shows all of it elsewhere. */
  readonly usedUp: boolean;
}

const FOR_YOU: ShelfPlan = {
  recommender: "for-you",
  title: "For you",
  most: 18,
  ofShopper: true,
  empty: "No recommendations yet. View a product or two first.",
};

/** The carousels of a page, in the order in which they are shown. */
export function plans(route: Route, cart: Cart): ShelfPlan[] {
  if (route.page === "item") {
    return [
      { recommender: "bought-together", title: "Bought together", most: 12, ofShopper: false, itemId: route.id },
      { recommender: "similar-items", title: "Similar", most: 12, ofShopper: false, itemId: route.id },
      FOR_YOU,
    ];
  }
  const last = cart.at(-1);
  if (route.page === "cart") {
    const together: ShelfPlan[] = last
      ? [
          {
            recommender: "bought-together",
            title: `Bought together with ${shortTitle(last.title)}`,
            most: 12,
            ofShopper: false,
            itemId: last.itemId,
          },
        ]
      : [];
    return [...together, FOR_YOU];
  }
  if (route.page !== "home") return [];
  return [
    FOR_YOU,
    {
      recommender: "buy-again",
      title: "Buy again",
      most: 12,
      ofShopper: true,
      had: true,
      empty: "No purchases yet. Purchases appear here within seconds.",
    },
    {
      recommender: "recently-viewed",
      title: "Recently viewed",
      most: 12,
      ofShopper: true,
      had: true,
      empty: "Viewed products appear here within seconds, unless a list above shows them.",
    },
    { recommender: "trending", title: "Trending", most: 12, ofShopper: false, empty: "Nothing is trending yet." },
    { recommender: "popular", title: "Popular", most: 12, ofShopper: false, empty: "No popular products yet." },
  ];
}

/** The key of a page's carousels, which differ by page and by shopper. */
export function shelvesKey(route: Route, shopper: Shopper): string {
  return `${shopper.id} ${route.page} ${route.page === "item" ? route.id : ""}`;
}

/**
 * Ask for carousels one after another, so that none shows what one before it does.
 *
 * `onShelf` receives each as it arrives and returns whether to go on; one that fails does not affect the others.
 * `leaveOut` are items that the page shows anyway, such as those in the cart.
 */
export async function loadShelves(
  api: Api,
  planned: readonly ShelfPlan[],
  shopper: Shopper,
  leaveOut: readonly string[],
  before: readonly Shelf[],
  onShelf: (shelf: Shelf) => boolean,
  cards?: CardColumns,
): Promise<void> {
  const shown = [...leaveOut];
  for (const plan of [...planned.filter((each) => each.had), ...planned.filter((each) => !each.had)]) {
    const old = before.find((shelf) => shelf.plan.recommender === plan.recommender)?.list ?? null;
    let shelf: Shelf;
    try {
      const asking = {
        recommender: plan.recommender,
        most: plan.most,
        ...(plan.ofShopper ? { userId: shopper.id } : {}),
        ...(plan.itemId === undefined ? {} : { itemId: plan.itemId }),
      };
      const list = await recommend(api, { ...asking, exclude: shown }, cards);
      const bare = list.items.length === 0 && shown.length > 0 && plan.empty !== undefined;
      const usedUp = bare && (await recommendIds(api, { ...asking, most: 1 })).length > 0;
      shown.push(...list.items.map((item) => item.product.id));
      shelf = { plan, list, error: null, fresh: freshOf(list, old), usedUp };
    } catch (error) {
      shelf = { plan, list: old, error: asError(error), fresh: new Set(), usedUp: false };
    }
    if (!onShelf(shelf)) return;
  }
}

/** The text for an empty list. */
export function emptySentence({ plan, usedUp }: Shelf): string | undefined {
  return usedUp ? "All of its products are on this page already, in another list or in your cart." : plan.empty;
}

function freshOf(list: Recommendations, old: Recommendations | null): ReadonlySet<string> {
  if (!old) return new Set();
  const known = new Set(old.items.map((item) => item.product.id));
  return new Set(list.items.map((item) => item.product.id).filter((id) => !known.has(id)));
}
