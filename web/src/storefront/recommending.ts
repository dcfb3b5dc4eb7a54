import type { Api } from "../platform/api";
import type { CardColumns } from "../platform/site";
import { fromMetadata, type Product, requestedColumns } from "./product";
import { parseReasons, type Reason } from "./reasons";

export type Recommender =
  | "for-you"
  | "buy-again"
  | "recently-viewed"
  | "trending"
  | "popular"
  | "similar-items"
  | "bought-together";

/** A request to a recommender. */
export interface Asking {
  readonly recommender: Recommender;
  readonly userId?: string;
  readonly itemId?: string;
  /** Items of the page's other lists. */
  readonly exclude?: readonly string[];
  readonly most: number;
}

/** An item of an answer and what speaks for it. */
export interface Recommended {
  readonly product: Product;
  readonly reasons: readonly Reason[];
  /** Popular, and at the end of the list because the recommender knew of nothing better. */
  readonly filling: boolean;
}

/** An answer, and how it came about. */
export interface Recommendations {
  readonly recommender: Recommender;
  readonly recommendationId: string;
  readonly items: readonly Recommended[];
  readonly source: string;
  /** By which column popular items are those of the shopper's like. */
  readonly within: string | null;
  /** Why the answer is less than it should be. */
  readonly degraded: readonly string[];
  readonly modelVersion: string;
}

interface Wire {
  readonly itemList: readonly {
    readonly itemId: string;
    readonly metadata?: Readonly<Record<string, string>>;
    readonly reason?: readonly string[];
  }[];
  readonly recommendationId: string;
}

/** The most items that `exclude` may name. */
const MOST_EXCLUDED = 500;

/** Recommenders that say which of the shopper's interactions speak for an item. */
const EXPLAINED: ReadonlySet<Recommender> = new Set(["for-you", "buy-again"]);

/** Ask for what a carousel shows. */
export async function recommend(api: Api, asking: Asking, cards?: CardColumns): Promise<Recommendations> {
  const { body, headers } = await api.post<Wire>("/recommendations", {
    ...request(asking),
    metadataColumns: { ITEMS: requestedColumns(cards) },
    ...(EXPLAINED.has(asking.recommender) ? { explain: true } : {}),
  });
  const filled = Number(headers.get("x-alsolike-filled") ?? 0);
  const within = headers.get("x-alsolike-popular-within");
  return {
    recommender: asking.recommender,
    recommendationId: body.recommendationId,
    items: body.itemList.map((item, index) => ({
      product: fromMetadata(item.itemId, item.metadata, cards),
      reasons: parseReasons(item.reason),
      filling: index >= body.itemList.length - filled,
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

/** Request only ids: reasons and metadata cost time, and a comparison does not use them. */
export async function recommendIds(api: Api, asking: Asking): Promise<string[]> {
  const { body } = await api.post<Wire>("/recommendations", request(asking));
  return body.itemList.map((item) => item.itemId);
}

function request({ recommender, userId, itemId, exclude, most }: Asking) {
  return {
    recommenderArn: `arn:aws:personalize:::recommender/${recommender}`,
    numResults: most,
    ...(userId === undefined ? {} : { userId }),
    ...(itemId === undefined ? {} : { itemId }),
    ...(exclude?.length ? { exclude: exclude.slice(0, MOST_EXCLUDED) } : {}),
  };
}
