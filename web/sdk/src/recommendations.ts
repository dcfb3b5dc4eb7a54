/** A request for recommendations: the parameters of `GET /session/recommendations`. */
export interface RecommendationRequest {
  readonly recommender?: string;
  readonly itemId?: string;
  readonly numResults?: number;
  readonly metadata?: readonly string[];
  readonly exclude?: readonly string[];
  readonly filter?: string;
  readonly window?: string;
}

export interface RecommendedItem {
  readonly itemId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Recommendations {
  readonly recommendationId: string;
  readonly items: readonly RecommendedItem[];
  /** Origin of the list, such as `model` or `popular`. */
  readonly source: string;
}
