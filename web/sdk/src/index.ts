export { Client, MAX_EVENTS, type Options } from "./client";
export { AlsolikeError, type TokenProvider } from "./connection";
export { defineList } from "./list";
export type { RecommendationRequest, Recommendations, RecommendedItem, ShopEvent } from "./recommendations";
