import type { Shelf, ShelfPlan } from "./shelves";
import type { Shopper } from "./shopper";

/** What the greeting says the lists below it are. */
export type Standing = "nothing" | "no-model" | "less" | "made" | "unknown";

/** Tell it from the lists as far as they have come; until "for you" has, from who shops. */
export function standingOf(planned: readonly ShelfPlan[], shelves: readonly Shelf[], shopper: Shopper): Standing {
  const forYou = shelves.find(({ plan }) => plan.recommender === "for-you")?.list;
  if (!forYou) return shopper.anonymous ? "unknown" : "made";
  if (shelves.length === planned.length && shelves.every(({ list }) => list?.items.length === 0)) {
    // a list from which the page's own items, such as those of the cart, took everything is none of an empty shop
    if (!shelves.some(({ usedUp }) => usedUp)) return "nothing";
  }
  if (forYou.degraded.includes("no-model")) return "no-model";
  if (forYou.degraded.length > 0) return "less";
  return forYou.source === "popular" || forYou.source === "none" ? "unknown" : "made";
}

/** Say it, and how to go on. Commands stand between backticks. */
export function standingSentence(standing: Standing): string {
  switch (standing) {
    case "nothing":
      return (
        "There is nothing to show yet. Whoever runs the shop brings in its products and purchases with " +
        "`alsolike import`, and then makes the first model with `alsolike train`."
      );
    case "no-model":
      return (
        "There is no model yet, so little can be recommended. Whoever runs the shop makes one with `alsolike train`, " +
        "once `alsolike import` has brought in some purchases."
      );
    case "less":
      return "The lists below are less than they should be, and say why. What you open, cart and buy counts all the same.";
    case "made":
      return "The lists below are made for you this moment. What you open, cart and buy moves them within seconds.";
    case "unknown":
      return "Nothing is known of you yet. Open a product, put something into the cart: the lists follow within seconds.";
  }
}
