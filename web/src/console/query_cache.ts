import { type Api, toError } from "../platform/api";

export interface Query {
  readonly path: string;
  readonly parameters?: Readonly<Record<string, string | number | undefined>>;
}

/** The state of a query. After a failed request the data stays, and `error` states why it is stale. */
export interface QueryState<T> {
  readonly data: T | null;
  readonly error: Error | null;
  readonly loadedMs: number | null;
  readonly loading: boolean;
}

const EMPTY: QueryState<never> = { data: null, error: null, loadedMs: null, loading: false };

interface WatchOptions {
  /** Interval between requests, or null for a single request. */
  readonly everyMs: number | null;
  /** True if the query is not part of the view. The view's load time ignores such a query. */
  readonly background?: boolean;
}

interface Entry {
  readonly query: Query;
  state: QueryState<unknown>;
  requestedMs: number;
  /** Increases with each request and update, so that an earlier response does not overwrite a later one. */
  sequence: number;
  readonly watchers: Map<() => void, WatchOptions>;
}

const periodsOf = (entry: Entry): number[] =>
  [...entry.watchers.values()].map((options) => options.everyMs).filter((everyMs) => everyMs !== null);

export const keyOf = ({ path, parameters }: Query): string => `${path} ${JSON.stringify(parameters ?? {})}`;

/** The responses of watched queries, polled while the page is visible. */
export class QueryCache {
  paused = false;
  private readonly entries = new Map<string, Entry>();
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly api: Pick<Api, "get">,
    private readonly now: () => number = Date.now,
  ) {}

  state<T>(query: Query): QueryState<T> {
    return (this.entries.get(keyOf(query))?.state ?? EMPTY) as QueryState<T>;
  }

  /** Load a query if its data is old, then at intervals. Call `changed` after changes, until the returned function is called. */
  watch(query: Query, options: WatchOptions, changed: () => void): () => void {
    const entry = this.entry(query);
    entry.watchers.set(changed, options);
    const age = this.now() - (entry.state.loadedMs ?? Number.NEGATIVE_INFINITY);
    if (!entry.state.loading && age > (options.everyMs ?? 60_000)) {
      void this.load(entry);
    }
    this.notify();
    return () => {
      entry.watchers.delete(changed);
      this.notify();
    };
  }

  /** Request due queries. The page calls this method every second while the page is visible. */
  tick(): void {
    if (this.paused) {
      return;
    }
    for (const entry of this.activeEntries()) {
      const periods = periodsOf(entry);
      if (periods.length > 0 && !entry.state.loading && this.now() - entry.requestedMs >= Math.min(...periods)) {
        void this.load(entry);
      }
    }
  }

  async refresh(query?: Query): Promise<void> {
    await Promise.all((query ? [this.entry(query)] : this.activeEntries()).map((entry) => this.load(entry)));
  }

  /** Change the data of a query, after another request returned the new value. */
  update<T>(query: Query, change: (data: T) => T): void {
    const entry = this.entry(query);
    if (entry.state.data !== null) {
      entry.sequence += 1;
      this.set(entry, { ...entry.state, data: change(entry.state.data as T), loading: false });
    }
  }

  setPaused(paused: boolean): void {
    this.paused = paused;
    this.notify();
    this.tick();
  }

  /** Return the view's oldest load time and shortest interval, and whether a request is pending or has failed. */
  status(): { loadedMs: number | null; everyMs: number | null; loading: boolean; failed: boolean } {
    const entries = this.activeEntries().filter((entry) =>
      [...entry.watchers.values()].some((options) => !options.background),
    );
    const loaded = entries.map((entry) => entry.state.loadedMs).filter((ms) => ms !== null);
    const periods = entries.flatMap(periodsOf);
    return {
      loadedMs: loaded.length > 0 ? Math.min(...loaded) : null,
      everyMs: periods.length > 0 ? Math.min(...periods) : null,
      loading: entries.some((entry) => entry.state.loading),
      failed: entries.some((entry) => entry.state.error),
    };
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private entry(query: Query): Entry {
    const key = keyOf(query);
    let entry = this.entries.get(key);
    if (!entry) {
      entry = { query, state: EMPTY, requestedMs: Number.NEGATIVE_INFINITY, sequence: 0, watchers: new Map() };
      this.entries.set(key, entry);
    }
    return entry;
  }

  private activeEntries(): Entry[] {
    return [...this.entries.values()].filter((entry) => entry.watchers.size > 0);
  }

  private async load(entry: Entry): Promise<void> {
    entry.sequence += 1;
    const sequence = entry.sequence;
    entry.requestedMs = this.now();
    this.set(entry, { ...entry.state, loading: true });
    try {
      const { body } = await this.api.get<unknown>(entry.query.path, entry.query.parameters);
      if (sequence === entry.sequence) {
        this.set(entry, { data: body, error: null, loadedMs: this.now(), loading: false });
      }
    } catch (failure) {
      if (sequence === entry.sequence) {
        const error = toError(failure);
        this.set(entry, { ...entry.state, error, loading: false });
      }
    }
  }

  private set(entry: Entry, state: QueryState<unknown>): void {
    entry.state = state;
    for (const changed of entry.watchers.keys()) {
      changed();
    }
    this.notify();
  }

  private notify(): void {
    for (const listener of this.listeners) {
      listener();
    }
  }
}
