import { useEffect, useId, useRef } from "preact/hooks";
import { Card, whyOf } from "./card";
import { useShop } from "./context";
import type { Lead } from "./events";
import { failureSentence } from "./failure";
import { degradedSentence, sourceSentence } from "./reasons";
import type { Recommendations } from "./recommending";
import "./shelf.css";
import { useScrolling } from "./scrolling";
import { emptySentence, type Shelf, type ShelfPlan } from "./shelves";

interface CarouselProps {
  readonly plan: ShelfPlan;
  readonly shelf: Shelf | undefined;
}

/** A list of products that scrolls sideways: by finger, wheel, arrow buttons, and arrow keys from card to card. */
export function Carousel({ plan, shelf }: CarouselProps) {
  const heading = useId();
  const track = useRef<HTMLUListElement>(null);
  const list = shelf?.list ?? null;
  const seen = useSeen(track, list);
  const { any, back, on } = useScrolling(track, list?.recommendationId);
  const order = list?.items.map((item) => item.product.id).join(" ");
  useEffect(() => track.current?.scrollTo({ left: 0 }), [order]);
  const scroll = (pages: number) => track.current?.scrollBy({ left: pages * track.current.clientWidth * 0.85 });
  if (list?.items.length === 0 && !plan.empty) return null;
  return (
    <section class="shelf" aria-labelledby={heading} aria-busy={!shelf} data-recommender={plan.recommender}>
      <div class="shelf-head">
        <div>
          <h2 id={heading}>{plan.title}</h2>
          {list && <p class="shelf-source">{sourceSentence(list)}</p>}
          {list && list.degraded.length > 0 && <p class="shelf-degraded">{degradedSentence(list.degraded)}</p>}
        </div>
        {list && list.items.length > 0 && any && (
          <div class="shelf-arrows">
            <button
              type="button"
              aria-label={`${plan.title}: back`}
              aria-disabled={!back /* and not disabled, which would take the focus away from keyboard users */}
              onClick={() => scroll(-1)}
            >
              <span aria-hidden="true">←</span>
            </button>
            <button type="button" aria-label={`${plan.title}: on`} aria-disabled={!on} onClick={() => scroll(1)}>
              <span aria-hidden="true">→</span>
            </button>
          </div>
        )}
      </div>
      <ShelfContent plan={plan} shelf={shelf} track={track} lead={() => leadOf(list, seen.current)} />
    </section>
  );
}

interface ContentProps extends CarouselProps {
  readonly track: { current: HTMLUListElement | null };
  readonly lead: () => Lead | null;
}

function ShelfContent({ plan, shelf, track, lead }: ContentProps) {
  const shop = useShop();
  if (!shelf) {
    return <Skeleton what={plan.title} />;
  }
  if (shelf.error && !shelf.list) {
    return (
      <p class="state" role="alert">
        {failureSentence(shelf.error)}.{" "}
        <button type="button" onClick={() => void shop.reload()}>
          Try again
        </button>
      </p>
    );
  }
  const { list } = shelf;
  if (!list || list.items.length === 0) {
    return <p class="state">{emptySentence(shelf)}</p>;
  }
  const startsFrom = plan.itemId === undefined ? null : shop.title(plan.itemId);
  const nowMs = Date.now();
  return (
    <ul class="track" ref={track} aria-label={plan.title} onKeyDown={moveByArrows}>
      {list.items.map((item) => (
        <Card
          key={item.product.id}
          product={item.product}
          why={whyOf(item, list, startsFrom, (id) => shop.title(id), nowMs)}
          fresh={shelf.fresh.has(item.product.id)}
          lead={lead}
        />
      ))}
    </ul>
  );
}

/** Grey cards while a list loads. */
export function Skeleton({ what }: { readonly what: string }) {
  return (
    <>
      <p class="visually-hidden">{what}: loading</p>
      <div class="track skeleton" aria-hidden="true">
        {[0, 1, 2, 3, 4, 5].map((place) => (
          <div class="card" key={place} />
        ))}
      </div>
    </>
  );
}

function moveByArrows(event: KeyboardEvent) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  const card = (event.target as HTMLElement).closest(".card");
  const next = step === 1 ? card?.nextElementSibling : step === -1 ? card?.previousElementSibling : null;
  if (!next) return;
  event.preventDefault();
  next.querySelector<HTMLElement>(".card-link")?.focus();
}

/** The items of a list that have been in view, as far as they were scrolled to. */
function useSeen(track: { current: HTMLUListElement | null }, list: Recommendations | null) {
  const seen = useRef(new Set<string>());
  const answer = list?.recommendationId;
  useEffect(() => {
    seen.current = new Set();
    const root = track.current;
    if (!root) return;
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const { item } = (target as HTMLElement).dataset;
          if (isIntersecting && item !== undefined) seen.current.add(item);
        }
      },
      { threshold: 0.5 },
    );
    for (const card of root.children) observer.observe(card);
    return () => observer.disconnect();
  }, [answer]);
  return seen;
}

function leadOf(list: Recommendations | null, seen: ReadonlySet<string>): Lead | null {
  if (!list) return null;
  const shown = list.items.map((item) => item.product.id).filter((id) => seen.has(id));
  return { recommendationId: list.recommendationId, shown };
}
