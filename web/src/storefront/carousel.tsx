import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Card } from "./card";
import { emptyText, planCarousels, type Row, rowsOf } from "./carousels";
import { useShop } from "./context";
import { errorText } from "./errors";
import { degradedText, explain, sourceText } from "./explanations";
import { filterRoute } from "./facts";
import { CATEGORY, type Route } from "./route";
import { ErrorState } from "./states";

export function CarouselList({ route }: { readonly route: Route }) {
  const shop = useShop();
  const planned = planCarousels(route, shop.cart);
  const carousels = shop.carouselsOf(route);
  const failed = carousels.filter((carousel) => carousel.error && !carousel.list);
  const [first] = failed;
  const isLoading = carousels.length < planned.length;
  if (first?.error && failed.length === planned.length) {
    return <ErrorState content="Recommendations" error={first.error} retry={() => void shop.reload()} />;
  }
  // If all lists that have loaded failed, show every row as loading: one error may replace all rows at the end.
  const rows = rowsOf(planned, isLoading && failed.length === carousels.length ? [] : carousels);
  return (
    <div aria-busy={isLoading}>
      {rows.map((row) => (
        <Carousel key={`${row.plan.recommender} ${row.category ?? ""}`} {...row} />
      ))}
    </div>
  );
}

/** A list of products that scrolls sideways: by finger, wheel, arrow buttons, and arrow keys from card to card. */
function Carousel({ plan, carousel, category }: Row) {
  const shop = useShop();
  const heading = useId();
  const track = useRef<HTMLUListElement>(null);
  const list = carousel?.list ?? null;
  useEffect(() => {
    return track.current && list ? shop.client.observe(track.current, list.recommendationId) : undefined;
  }, [list?.recommendationId]);
  const { any, back, on } = useScrollDirections(track, list?.recommendationId);
  const order = list?.items.map((item) => item.product.id).join(" ");
  useEffect(() => track.current?.scrollTo({ left: 0 }), [order]);
  const scroll = (pages: number) => track.current?.scrollBy({ left: pages * track.current.clientWidth * 0.85 });
  return (
    <section class="carousel" aria-labelledby={heading} aria-busy={!carousel} data-recommender={plan.recommender}>
      <div class="carousel-head">
        <div>
          <h2 id={heading}>{plan.title}</h2>
          {list && (
            <p class="carousel-source">
              {category === undefined ? (
                sourceText(list)
              ) : (
                <a href={filterRoute(CATEGORY, category)}>All in {category}</a>
              )}
            </p>
          )}
          {list && list.degraded.length > 0 && <p class="carousel-degraded">{degradedText(list.degraded)}</p>}
        </div>
        {list && list.items.length > 0 && any && (
          <div class="carousel-arrows">
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
      <CarouselContent plan={plan} carousel={carousel} track={track} />
    </section>
  );
}

interface ContentProps extends Row {
  readonly track: { current: HTMLUListElement | null };
}

function CarouselContent({ plan, carousel, track }: ContentProps) {
  const shop = useShop();
  if (!carousel) {
    return <Skeleton content={plan.title} />;
  }
  if (carousel.error && !carousel.list) {
    return (
      <p class="carousel-message" role="alert">
        {errorText(carousel.error)}.{" "}
        <button type="button" onClick={() => void shop.reload()}>
          Try again
        </button>
      </p>
    );
  }
  const { list } = carousel;
  if (!list || list.items.length === 0) {
    return <p class="carousel-message">{emptyText(carousel)}</p>;
  }
  const anchorTitle = plan.itemId === undefined ? null : shop.title(plan.itemId);
  const nowMs = Date.now();
  return (
    <ul class="track" ref={track} aria-label={plan.title} onKeyDown={moveByArrows}>
      {list.items.map((item) => (
        <Card
          key={item.product.id}
          product={item.product}
          why={explain(item, list, anchorTitle, (id) => shop.title(id), nowMs)}
          fresh={carousel.fresh.has(item.product.id)}
        />
      ))}
    </ul>
  );
}

export function Skeleton({ content }: { readonly content: string }) {
  return (
    <>
      <p class="visually-hidden">{content}: loading</p>
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

interface ScrollDirections {
  readonly any: boolean;
  readonly back: boolean;
  readonly on: boolean;
}

const NOT_SCROLLABLE: ScrollDirections = { any: false, back: false, on: false };

/** Browsers round scroll positions, and a list may stop a pixel before its end. */
const ROUNDING_PX = 2;

export function scrollDirections(list: Pick<Element, "scrollLeft" | "scrollWidth" | "clientWidth">): ScrollDirections {
  const further = list.scrollWidth - list.clientWidth;
  if (further <= ROUNDING_PX) return NOT_SCROLLABLE;
  return { any: true, back: list.scrollLeft > ROUNDING_PX, on: list.scrollLeft < further - ROUNDING_PX };
}

function useScrollDirections(
  track: { current: HTMLElement | null },
  recommendationId: string | undefined,
): ScrollDirections {
  const [scrolling, setScrolling] = useState(NOT_SCROLLABLE);
  useEffect(() => {
    const list = track.current;
    if (!list) return;
    const update = () => {
      const { any, back, on } = scrollDirections(list);
      setScrolling((old) => (old.any === any && old.back === back && old.on === on ? old : { any, back, on }));
    };
    update();
    const observer = new ResizeObserver(update);
    observer.observe(list);
    list.addEventListener("scroll", update, { passive: true });
    return () => {
      observer.disconnect();
      list.removeEventListener("scroll", update);
    };
  }, [recommendationId]);
  return scrolling;
}
