import { useEffect, useState } from "preact/hooks";

/** Directions in which a list can be scrolled. */
export interface Scrolling {
  readonly any: boolean;
  readonly back: boolean;
  readonly on: boolean;
}

const NOWHERE: Scrolling = { any: false, back: false, on: false };

/** Browsers round these, and a list may rest a pixel before its end. */
const ROUNDING_PX = 2;

/** Tell it from where a list stands. */
export function scrollingOf(list: Pick<Element, "scrollLeft" | "scrollWidth" | "clientWidth">): Scrolling {
  const further = list.scrollWidth - list.clientWidth;
  if (further <= ROUNDING_PX) return NOWHERE;
  return { any: true, back: list.scrollLeft > ROUNDING_PX, on: list.scrollLeft < further - ROUNDING_PX };
}

/** The directions in which a list can be scrolled, updated when it is scrolled, resized or refilled. */
export function useScrolling(track: { current: HTMLElement | null }, answer: string | undefined): Scrolling {
  const [scrolling, setScrolling] = useState(NOWHERE);
  useEffect(() => {
    const list = track.current;
    if (!list) return;
    const look = () => {
      const { any, back, on } = scrollingOf(list);
      setScrolling((old) => (old.any === any && old.back === back && old.on === on ? old : { any, back, on }));
    };
    look();
    const observer = new ResizeObserver(look);
    observer.observe(list);
    list.addEventListener("scroll", look, { passive: true });
    return () => {
      observer.disconnect();
      list.removeEventListener("scroll", look);
    };
  }, [answer]);
  return scrolling;
}
