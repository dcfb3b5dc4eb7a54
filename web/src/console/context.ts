import { createContext } from "preact";
import { useCallback, useContext, useEffect, useState } from "preact/hooks";
import type { Api } from "../platform/api";
import { type FeedState, type Feeds, keyOf, type Question } from "./feeds";

/** Services that every view can use. */
export interface Desk {
  readonly api: Api;
  readonly feeds: Feeds;
  /** Say something to all readers, those who listen included. */
  readonly announce: (message: string, link?: { href: string; text: string }) => void;
}

export const DeskContext = createContext<Desk | null>(null);

export function useDesk(): Desk {
  const desk = useContext(DeskContext);
  if (!desk) {
    throw new Error("a view stands outside the console");
  }
  return desk;
}

export interface Watched<T> extends FeedState<T> {
  readonly refresh: () => void;
}

/** Watch a question while the component is shown; null asks nothing. */
export function useFeed<T>(question: Question | null, everyMs: number | null, background = false): Watched<T> {
  const { feeds } = useDesk();
  const [, draw] = useState(0);
  const key = question ? keyOf(question) : null;
  useEffect(
    () => (question ? feeds.watch(question, { everyMs, background }, () => draw((n) => n + 1)) : undefined),
    [feeds, key, everyMs, background],
  );
  const refresh = useCallback(() => void (question && feeds.refresh(question)), [feeds, key]);
  const state = question ? feeds.state<T>(question) : { data: null, error: null, loadedMs: null, loading: false };
  return { ...state, refresh };
}

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time, which goes on every second for all who read it. */
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
