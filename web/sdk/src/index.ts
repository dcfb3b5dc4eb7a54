export {
  Client,
  MAX_EVENTS,
  type Options,
  type RecommendationRequest,
  type Recommendations,
  type RecommendedItem,
  type ShopEvent,
} from "./client";
export { AlsolikeError, type TokenProvider } from "./connection";
export { defineList } from "./list";
export { impressionOf, MAX_SHOWN, SeenItems } from "./seen";
