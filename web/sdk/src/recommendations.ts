/** A request for recommendations: the parameters of `GET /session/recommendations`. */
export interface RecommendationRequest {
  readonly recommender?: string;
  readonly itemId?: string;
  /** Items of the cart, for `bought-together`. */
  readonly cart?: readonly string[];
  readonly numResults?: number;
  readonly metadata?: readonly string[];
  readonly exclude?: readonly string[];
  readonly filter?: string;
  readonly window?: string;
  /** True to return reasons. */
  readonly explain?: boolean;
}

export interface RecommendedItem {
  readonly itemId: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Reasons, each a JSON object. */
  readonly reason?: readonly string[];
}

export interface Recommendations {
  readonly recommendationId: string;
  readonly items: readonly RecommendedItem[];
  /** Origin of the list, such as `model` or `popular`. */
  readonly source: string;
  /** Headers of the response. Static lists have none. */
  readonly headers?: Headers;
}
