export { MAX_EVENTS } from "./build/api_types";
export { Client, type Options } from "./client";
export { AlsolikeError, type TokenProvider } from "./connection";
export { defineList } from "./list";
export type { RecommendationRequest, Recommendations, RecommendedItem, ShopEvent } from "./recommendations";
