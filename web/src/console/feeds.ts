import type { Api } from "../platform/api";

/** Request to the API: a path with its query. */
export interface Question {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
}

/** What is known of an answer. Data stays when a later call fails: then `error` says why it is stale. */
export interface FeedState<T> {
  readonly data: T | null;
  readonly error: Error | null;
  readonly loadedMs: number | null;
  readonly loading: boolean;
}

const NOTHING: FeedState<never> = { data: null, error: null, loadedMs: null, loading: false };

/** Request of a component that watches a feed. */
export interface Wish {
  /** Interval between requests; null for a single one. */
  readonly everyMs: number | null;
  /** True if it is no part of the view, whose load time then ignores it. */
  readonly background?: boolean;
}

interface Feed {
  readonly question: Question;
  state: FeedState<unknown>;
  triedMs: number;
  /** Raised by each call, and by each answer that is put in: an answer of before does not overwrite it. */
  turn: number;
  readonly watchers: Map<() => void, Wish>;
}

const periodsOf = (feed: Feed): number[] =>
  [...feed.watchers.values()].map((wish) => wish.everyMs).filter((everyMs) => everyMs !== null);

export const keyOf = ({ path, query }: Question): string => `${path} ${JSON.stringify(query ?? {})}`;

/** Responses that the console shows, refreshed while a component watches them and the page is visible. */
export class Feeds {
  paused = false;
  private readonly feeds = new Map<string, Feed>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly api: Pick<Api, "get">,
    private readonly now: () => number = Date.now,
  ) {}

  state<T>(question: Question): FeedState<T> {
    return (this.feeds.get(keyOf(question))?.state ?? NOTHING) as FeedState<T>;
  }

  /** Load a question now and every so often, telling `changed`, until the function that is returned is called. */
  watch(question: Question, wish: Wish, changed: () => void): () => void {
    const feed = this.feed(question);
    feed.watchers.set(changed, wish);
    const age = this.now() - (feed.state.loadedMs ?? Number.NEGATIVE_INFINITY);
    if (!feed.state.loading && age > (wish.everyMs ?? 60_000)) {
      void this.load(feed);
    }
    this.tell();
    return () => {
      feed.watchers.delete(changed);
      this.tell();
    };
  }

  /** Ask what is due again. Called every second while the page can be seen. */
  tick(): void {
    if (this.paused) {
      return;
    }
    for (const feed of this.watched()) {
      const periods = periodsOf(feed);
      if (periods.length > 0 && !feed.state.loading && this.now() - feed.triedMs >= Math.min(...periods)) {
        void this.load(feed);
      }
    }
  }

  async refresh(question?: Question): Promise<void> {
    await Promise.all((question ? [this.feed(question)] : this.watched()).map((feed) => this.load(feed)));
  }

  /** Show what another call has answered already. */
  put<T>(question: Question, change: (data: T) => T): void {
    const feed = this.feed(question);
    if (feed.state.data !== null) {
      feed.turn += 1;
      this.set(feed, { ...feed.state, data: change(feed.state.data as T), loading: false });
    }
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.tell();
    this.tick();
  }

  /** When the oldest answer of the view was loaded, how often answers come, and whether any is on its way. */
  overall(): { loadedMs: number | null; everyMs: number | null; loading: boolean; failed: boolean } {
    const watched = this.watched().filter((feed) => [...feed.watchers.values()].some((wish) => !wish.background));
    const loaded = watched.map((feed) => feed.state.loadedMs).filter((ms) => ms !== null);
    const periods = watched.flatMap(periodsOf);
    return {
      loadedMs: loaded.length > 0 ? Math.min(...loaded) : null,
      everyMs: periods.length > 0 ? Math.min(...periods) : null,
      loading: watched.some((feed) => feed.state.loading),
      failed: watched.some((feed) => feed.state.error),
    };
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private feed(question: Question): Feed {
    const key = keyOf(question);
    let feed = this.feeds.get(key);
    if (!feed) {
      feed = { question, state: NOTHING, triedMs: Number.NEGATIVE_INFINITY, turn: 0, watchers: new Map() };
      this.feeds.set(key, feed);
    }
    return feed;
  }

  private watched(): Feed[] {
    return [...this.feeds.values()].filter((feed) => feed.watchers.size > 0);
  }

  private async load(feed: Feed): Promise<void> {
    feed.turn += 1;
    const turn = feed.turn;
    feed.triedMs = this.now();
    this.set(feed, { ...feed.state, loading: true });
    try {
      const { body } = await this.api.get<unknown>(feed.question.path, feed.question.query);
      if (turn === feed.turn) {
        this.set(feed, { data: body, error: null, loadedMs: this.now(), loading: false });
      }
    } catch (failure) {
      if (turn === feed.turn) {
        const error = failure instanceof Error ? failure : new Error(String(failure));
        this.set(feed, { ...feed.state, error, loading: false });
      }
    }
  }

  private set(feed: Feed, state: FeedState<unknown>): void {
    feed.state = state;
    for (const changed of feed.watchers.keys()) {
      changed();
    }
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}
