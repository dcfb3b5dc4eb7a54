import { MAX_IMPRESSION } from "./build/api_types";

/** Return the impression of an event: at most `MAX_IMPRESSION` of the shown items, with the item of the event. */
export function impressionOf(itemId: string, shown: readonly string[]): string[] {
  const all = shown.includes(itemId) ? shown : [itemId, ...shown];
  const first = all.slice(0, MAX_IMPRESSION - 1);
  return first.includes(itemId) ? all.slice(0, MAX_IMPRESSION) : [...first, itemId];
}

/** The items of a list that were at least half in view. Their elements have `data-item`. */
export class SeenItems {
  private readonly seen = new Set<string>();
  private readonly observer: IntersectionObserver;
  private readonly order: readonly string[];

  constructor(elements: Iterable<Element>) {
    this.observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          if (isIntersecting) this.seen.add(itemOf(target));
        }
      },
      { threshold: 0.5 },
    );
    const list = [...elements];
    this.order = list.map(itemOf);
    for (const element of list) this.observer.observe(element);
  }

  ids(): string[] {
    return this.order.filter((id) => this.seen.has(id));
  }

  disconnect(): void {
    this.observer.disconnect();
  }
}

const itemOf = (element: Element): string => (element as HTMLElement).dataset.item ?? "";
