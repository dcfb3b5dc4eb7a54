import { MAX_EXCLUDED } from "../../../build/api_types";
import type { Client, RecommendationRequest } from "../../sdk/src/index.ts";
import type { CardColumns } from "../platform/site";
import { fromMetadata, type Product, requestedColumns } from "./product";

export type ListReader = Pick<Client, "recommend">;

export type Recommender =
  | "for-you"
  | "buy-again"
  | "recently-viewed"
  | "trending"
  | "popular"
  | "similar-items"
  | "bought-together";

/** An interaction of the shopper that contributes to the score of an item. */
export interface Reason {
  readonly itemId: string;
  readonly eventType: string;
  readonly atMs: number;
  /** The amount that the item's score would lose without this interaction. */
  readonly contribution: number;
}

export interface RecommendedItem {
  readonly product: Product;
  readonly reasons: readonly Reason[];
  /** True for a popular item that fills up a list. */
  readonly filled: boolean;
}

export interface Recommendations {
  readonly recommender: Recommender;
  readonly recommendationId: string;
  readonly items: readonly RecommendedItem[];
  readonly source: string;
  /** The user column by which popular items were selected. */
  readonly within: string | null;
  readonly degraded: readonly string[];
  readonly modelVersion: string;
}

/** Return false for an ID with a comma, which separates the IDs in a query parameter. */
export const isListable = (itemId: string): boolean => !itemId.includes(",");

const EXPLAINED: ReadonlySet<Recommender> = new Set(["for-you", "buy-again"]);

export async function readRecommendations(
  lists: ListReader,
  request: RecommendationRequest & { readonly recommender: Recommender },
  cards?: CardColumns,
): Promise<Recommendations> {
  const { recommender, exclude = [] } = request;
  const list = await lists.recommend({
    ...request,
    metadata: requestedColumns(cards),
    exclude: exclude.filter(isListable).slice(-MAX_EXCLUDED),
    ...(EXPLAINED.has(recommender) ? { explain: true } : {}),
  });
  const header = (name: string) => list.headers?.get(`x-alsolike-${name}`) ?? "";
  const filled = Number(header("filled"));
  return {
    recommender,
    recommendationId: list.recommendationId,
    items: list.items.map(({ itemId, metadata, reason }, index) => ({
      product: fromMetadata(itemId, metadata, cards),
      reasons: parseReasons(reason),
      filled: index >= list.items.length - filled,
    })),
    source: list.source,
    within: decodeURIComponent(header("popular-within")) || null,
    degraded: header("degraded")
      .split(",")
      .map((reason) => reason.trim())
      .filter(Boolean),
    modelVersion: header("model-version") || "none",
  };
}

/** Read only IDs, because reasons and metadata take time. */
export async function readIds(lists: ListReader, request: RecommendationRequest): Promise<string[]> {
  return (await lists.recommend(request)).items.map(({ itemId }) => itemId);
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
