import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";
import type { Api } from "../platform/api";
import type { CardColumns } from "../platform/site";
import { keyOf, type Query, type QueryCache, type QueryState } from "./query_cache";

interface ConsoleServices {
  readonly api: Api;
  readonly cache: QueryCache;
  readonly cards?: CardColumns | undefined;
  readonly announce: (message: string, link?: { href: string; text: string }) => void;
}

export const ConsoleContext = createContext<ConsoleServices | null>(null);

export function useConsole(): ConsoleServices {
  const services = useContext(ConsoleContext);
  if (!services) {
    throw new Error("the component is outside of the console");
  }
  return services;
}

export interface QueryResult<T> extends QueryState<T> {
  readonly refresh: () => void;
}

/** Watch a query while the component is mounted. A null query requests nothing. */
export function useQuery<T>(query: Query | null, everyMs: number | null, background = false): QueryResult<T> {
  const { cache } = useConsole();
  const [, draw] = useState(0);
  const key = query ? keyOf(query) : null;
  useEffect(
    () => (query ? cache.watch(query, { everyMs, background }, () => draw((n) => n + 1)) : undefined),
    [cache, key, everyMs, background],
  );
  const refresh = useCallback(() => void (query && cache.refresh(query)), [cache, key]);
  const state = query ? cache.state<T>(query) : { data: null, error: null, loadedMs: null, loading: false };
  return { ...state, refresh };
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const tick = () => setNow(Date.now());
    listeners.add(tick);
    timer ??= setInterval(() => {
      for (const listener of listeners) {
        listener();
      }
    }, 1000);
    return () => {
      listeners.delete(tick);
      if (listeners.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
    };
  }, []);
  return now;
}
