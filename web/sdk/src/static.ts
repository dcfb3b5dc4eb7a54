import { DEFAULT_RESULTS } from "./build/api_types";
import type { RecommendationRequest, Recommendations, RecommendedItem } from "./recommendations";

export interface HistoryEvent {
  readonly itemId: string;
  readonly eventType: string;
  readonly atMs: number;
}

/** The file `lists.json`. */
interface Lists {
  readonly format: number;
  readonly popular: readonly string[];
  readonly trending: readonly string[];
  readonly eventWeights: Readonly<Record<string, number>>;
  readonly positionDecay?: number;
  readonly halfLifeDays?: number | null;
  readonly excludeSeen?: boolean;
  readonly excludeBought?: boolean;
  readonly shards: readonly string[];
}

/** An item in a shard: the scores of items that are recommended after it, and its columns. */
interface Entry {
  readonly next?: Readonly<Record<string, number>>;
  readonly columns?: Readonly<Record<string, string>>;
}

type Shard = Map<string, Entry>;
type Entries = (itemId: string) => Entry | undefined;

/** The time after which `lists.json` is read again. */
const RELOAD_MS = 60_000;
const TIMEOUT_MS = 10_000;
const DAY_MS = 86_400_000;

/** Recommends from the static lists of a deployment. Requests contain only the names of shards, not the history. */
export class StaticLists {
  private lists: Promise<Lists> | undefined;
  private readMs = 0;
  private readonly shards = new Map<string, Promise<Shard>>();

  constructor(private readonly url: string) {}

  async recommend(request: RecommendationRequest, history: readonly HistoryEvent[]): Promise<Recommendations> {
    const known = this.lists;
    try {
      return await this.answer(request, history);
    } catch (error) {
      if (!known || request.filter) throw error;
      this.lists = undefined; // a later publication may have deleted the shards of these lists
      return this.answer(request, history);
    }
  }

  private async answer(request: RecommendationRequest, history: readonly HistoryEvent[]): Promise<Recommendations> {
    if (request.filter) throw new Error(`filter ${request.filter} needs the API, expected a request without a filter`);
    const lists = await this.current();
    const own = await this.entries(lists, [...history.map(({ itemId }) => itemId), request.itemId ?? ""]);
    const { ranked, source } = choose(request, history, lists, own);
    const left = new Set(request.exclude);
    const ids = ranked.filter((id) => !left.has(id)).slice(0, request.numResults ?? DEFAULT_RESULTS);
    const shown = request.metadata?.length ? await this.entries(lists, ids) : () => undefined;
    return {
      recommendationId: "",
      items: ids.map((itemId): RecommendedItem => ({ itemId, metadata: columns(shown(itemId), request.metadata) })),
      source: ids.length > 0 ? source : "none",
    };
  }

  private current(): Promise<Lists> {
    if (!this.lists || Date.now() - this.readMs > RELOAD_MS) {
      this.readMs = Date.now();
      this.lists = read<Lists>(`${this.url}/lists.json`);
      this.lists.catch(() => {
        this.lists = undefined;
      });
    }
    return this.lists;
  }

  private async entries({ shards }: Lists, itemIds: readonly string[]): Promise<Entries> {
    const shardOf = (itemId: string) => shards[hash(itemId) % shards.length] ?? "";
    const names = [...new Set(itemIds.filter(Boolean).map(shardOf))].filter(Boolean);
    const loaded = new Map(await Promise.all(names.map(async (name) => [name, await this.shard(name)] as const)));
    return (itemId) => loaded.get(shardOf(itemId))?.get(itemId);
  }

  private shard(name: string): Promise<Shard> {
    let shard = this.shards.get(name);
    if (!shard) {
      shard = read<Record<string, Entry>>(`${this.url}/${name}.json`).then((items) => new Map(Object.entries(items)));
      shard.catch(() => this.shards.delete(name));
      this.shards.set(name, shard);
    }
    return shard;
  }
}

/** Return the items of a recommender and their source. Popular items follow in all lists but `recently-viewed`. */
function choose(
  { recommender = "for-you", itemId = "" }: RecommendationRequest,
  history: readonly HistoryEvent[],
  lists: Lists,
  entries: Entries,
): { readonly ranked: readonly string[]; readonly source: string } {
  const known = history.filter((event) => weightOf(event, lists) > 0 && entries(event.itemId));
  const filled = (first: readonly string[], source: string, hidden: ReadonlySet<string> = new Set()) => ({
    ranked: [...new Set([...first, ...lists.popular])].filter((id) => !hidden.has(id)),
    source: first.length > 0 ? source : "popular",
  });
  switch (recommender) {
    case "recently-viewed":
      return { ranked: [...new Set(known.map((event) => event.itemId).reverse())], source: "recent" };
    case "trending":
      return filled(lists.trending, "trending");
    case "similar-items":
      return filled(best(Object.entries(entries(itemId)?.next ?? {})), "model", new Set([itemId]));
    case "for-you": {
      const hides = (event: HistoryEvent) =>
        lists.excludeSeen || (lists.excludeBought && event.eventType === "purchase");
      const hidden = new Set(known.filter(hides).map((event) => event.itemId));
      return filled(best(scores(known, lists, entries, Date.now())), "model", hidden);
    }
    default:
      return filled([], "popular");
  }
}

/** Return the scores of items. Each event adds its decayed weight times the score of an item after the event's item. */
function scores(
  history: readonly HistoryEvent[],
  lists: Lists,
  entries: Entries,
  nowMs: number,
): Iterable<[string, number]> {
  const sums = new Map<string, number>();
  history.forEach((event, place) => {
    const ageDays = Math.max(nowMs - event.atMs, 0) / DAY_MS;
    const weight =
      weightOf(event, lists) *
      (lists.halfLifeDays ? 2 ** (-ageDays / lists.halfLifeDays) : 1) *
      (lists.positionDecay ?? 1) ** (history.length - 1 - place);
    for (const [id, score] of Object.entries(entries(event.itemId)?.next ?? {})) {
      sums.set(id, (sums.get(id) ?? 0) + weight * score);
    }
  });
  return sums;
}

/** Return the IDs by descending score, and by ID if scores are equal. */
function best(scored: Iterable<[string, number]>): string[] {
  return [...scored].sort(([a, first], [b, second]) => second - first || (a < b ? -1 : 1)).map(([id]) => id);
}

function weightOf({ eventType }: HistoryEvent, { eventWeights }: Lists): number {
  return eventWeights[eventType] ?? eventWeights[eventType.toLowerCase()] ?? 0;
}

/** Return the columns by the names of the request, in either spelling: `IMAGE_URL` is `imageUrl`. */
function columns(entry: Entry | undefined, names: readonly string[] = []): Record<string, string> {
  const plain = (name: string) => name.replaceAll("_", "").toLowerCase();
  const values = new Map(Object.entries(entry?.columns ?? {}).map(([name, value]) => [plain(name), value]));
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = values.get(plain(name));
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** The 32-bit FNV-1a hash of a text in UTF-8. */
function hash(text: string): number {
  let number = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) number = Math.imul(number ^ byte, 0x01000193);
  return number >>> 0;
}

async function read<T>(url: string): Promise<T> {
  const response = await fetch(url, { credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
  if (!response.ok) throw new Error(`${url} has status ${response.status}`);
  return response.json();
}
