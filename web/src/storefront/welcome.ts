import type { Shelf, ShelfPlan } from "./shelves";
import type { Shopper } from "./shopper";

/** The greeting's description of the lists below it. */
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
        "There are no products yet. Import products and purchases with " +
        "`alsolike import`, then train the first model with `alsolike train`."
      );
    case "no-model":
      return "There is no model yet. Import purchases with `alsolike import`, then run `alsolike train`.";
    case "less":
      return "Some lists below are degraded and state the reason. Your clicks and purchases still count.";
    case "made":
      return "These recommendations are for you, as of this moment. Your clicks and purchases change them within seconds.";
    case "unknown":
      return "You have no history yet. Open a product or add one to the cart: the lists change within seconds.";
  }
}
