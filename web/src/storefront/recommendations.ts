import type { GetRecommendations, RecommendedItems } from "../../../build/api_types";
import type { Api } from "../platform/api";
import type { CardColumns } from "../platform/site";
import { fromMetadata, type Product, requestedColumns } from "./product";

export type Recommender =
  | "for-you"
  | "buy-again"
  | "recently-viewed"
  | "trending"
  | "popular"
  | "similar-items"
  | "bought-together";

/** A request to a recommender. */
interface RecommendationRequest {
  readonly recommender: Recommender;
  readonly userId?: string;
  readonly itemId?: string;
  readonly cart?: readonly string[];
  /** Items of the page's other lists. */
  readonly exclude?: readonly string[];
  readonly limit: number;
}

/** An interaction of the shopper that contributes to the score of an item. */
export interface Reason {
  readonly itemId: string;
  readonly eventType: string;
  readonly atMs: number;
  /** The amount that the item's score would lose without this interaction. */
  readonly contribution: number;
}

/** An item of a response and its reasons. */
export interface RecommendedItem {
  readonly product: Product;
  readonly reasons: readonly Reason[];
  /** True for a popular item that fills up a list. */
  readonly filled: boolean;
}

/** The response of a recommender. */
export interface Recommendations {
  readonly recommender: Recommender;
  readonly recommendationId: string;
  readonly items: readonly RecommendedItem[];
  readonly source: string;
  /** The user column by which popular items were selected. */
  readonly within: string | null;
  /** Reasons for a degraded response. */
  readonly degraded: readonly string[];
  readonly modelVersion: string;
}

/** The maximum number of items in `exclude`. */
const MAX_EXCLUDED = 500;

/** Recommenders that return reasons. */
const EXPLAINED: ReadonlySet<Recommender> = new Set(["for-you", "buy-again"]);

/** Request recommendations with metadata and reasons. */
export async function fetchRecommendations(
  api: Api,
  request: RecommendationRequest,
  cards?: CardColumns,
): Promise<Recommendations> {
  const { body, headers } = await api.post<RecommendedItems>("/recommendations", {
    ...requestBody(request),
    metadataColumns: { ITEMS: requestedColumns(cards) },
    ...(EXPLAINED.has(request.recommender) ? { explain: true } : {}),
  } satisfies GetRecommendations);
  const filled = Number(headers.get("x-alsolike-filled") ?? 0);
  const within = headers.get("x-alsolike-popular-within");
  return {
    recommender: request.recommender,
    recommendationId: body.recommendationId,
    items: body.itemList.map((item, index) => ({
      product: fromMetadata(item.itemId, item.metadata, cards),
      reasons: parseReasons(item.reason),
      filled: index >= body.itemList.length - filled,
    })),
    source: headers.get("x-alsolike-source") ?? "none",
    within: within ? decodeURIComponent(within) : null,
    degraded: (headers.get("x-alsolike-degraded") ?? "")
      .split(",")
      .map((reason) => reason.trim())
      .filter(Boolean),
    modelVersion: headers.get("x-alsolike-model-version") ?? "none",
  };
}

/** Request only IDs, because reasons and metadata take time. */
export async function fetchRecommendedIds(api: Api, request: RecommendationRequest): Promise<string[]> {
  const { body } = await api.post<RecommendedItems>("/recommendations", requestBody(request));
  return body.itemList.map((item) => item.itemId);
}

function requestBody({ recommender, userId, itemId, cart, exclude, limit }: RecommendationRequest): GetRecommendations {
  return {
    recommenderArn: `arn:aws:personalize:::recommender/${recommender}`,
    numResults: limit,
    ...(userId === undefined ? {} : { userId }),
    ...(itemId === undefined ? {} : { itemId }),
    ...(cart === undefined ? {} : { cart }),
    ...(exclude?.length ? { exclude: exclude.slice(0, MAX_EXCLUDED) } : {}),
  };
}

/** Read the reasons of an item. Each is JSON in a string, because Personalize's response has strings there. */
export function parseReasons(texts: readonly string[] | undefined): Reason[] {
  return (texts ?? []).map((text) => {
    const { itemId, eventType, timestamp, contribution } = JSON.parse(text) as Record<string, string | number>;
    return {
      itemId: String(itemId),
      eventType: String(eventType),
      atMs: Number(timestamp) * 1000,
      contribution: Number(contribution),
    };
  });
}
