import type { Query, RecommendedItems, SessionEvents } from "./build/api_types";

/** Fields of `T` without null, which means absent in the API. */
type WithoutNull<T> = { readonly [Name in keyof T]: NonNullable<T[Name]> };

type SentEvent = WithoutNull<Omit<SessionEvents["eventList"][number], "eventId" | "metricAttribution">>;

/** An event of `POST /session/events`. */
export interface ShopEvent extends Omit<SentEvent, "properties" | "sentAt"> {
  /** Other properties, such as `{ query: "figs" }` of a search. */
  readonly properties?: Readonly<Record<string, unknown>>;
  /** Time in seconds since 1970. Default: now. */
  readonly sentAt?: number;
}

/** A request for recommendations: most parameters of `GET /session/recommendations`. */
export interface RecommendationRequest extends Omit<Query, "recommender" | "window" | "filterValues" | "context"> {
  readonly recommender?: string;
  readonly window?: string;
}

type Ranked = RecommendedItems["itemList"][number];

export interface RecommendedItem extends Pick<Ranked, "itemId" | "reason"> {
  readonly metadata: NonNullable<Ranked["metadata"]>;
}

export interface Recommendations extends Pick<RecommendedItems, "recommendationId"> {
  readonly items: readonly RecommendedItem[];
  /** Origin of the list, such as `model` or `popular`. */
  readonly source: string;
  /** Headers of the response. Static lists have none. */
  readonly headers?: Headers;
}
