export { Client, MAX_EVENTS, type Options, type ShopEvent } from "./client";
export { AlsolikeError, type TokenProvider } from "./connection";
export { defineList } from "./list";
export type { RecommendationRequest, Recommendations, RecommendedItem } from "./recommendations";
