import { useId, useState } from "preact/hooks";
import { useShop } from "./context";
import type { Lead } from "./events";
import { type Product, priceText } from "./product";
import { originSentence, reasonSentence } from "./reasons";
import type { Recommendations, Recommended } from "./recommending";
import { formatRoute } from "./route";
import { Picture } from "./tile";

interface CardProps {
  readonly product: Product;
  /** Why it is shown, the strongest first; where nothing is to be said there is no button for it. */
  readonly why?: readonly Why[];
  readonly fresh?: boolean;
  readonly lead?: () => Lead | null;
}

/** A sentence with its weight relative to the strongest, from 0 to 1; null without one. */
export interface Why {
  readonly sentence: string;
  readonly weight: number | null;
}

/** A product as lists show it: a link over all of it, and buttons for why it is there and for the cart. */
export function Card({ product, why = [], fresh = false, lead }: CardProps) {
  const shop = useShop();
  const panel = useId();
  const [open, setOpen] = useState(false);
  const [shut, setShut] = useState(false);
  const kind = product.subtitle ?? product.kind ?? product.category;
  const price = priceText(product.price);
  const led = () => lead?.() ?? null;
  const opened = () => {
    const found = led();
    if (found) shop.lead(product.id, found);
  };
  return (
    <li
      class={`card${open ? " open" : ""}${shut ? " shut" : ""}${fresh ? " fresh" : ""}`}
      data-item={product.id}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        setOpen(false);
        setShut(true); // also close what hovering or focus has opened, until the next hover or focus
      }}
      onMouseLeave={() => setShut(false)}
      onFocusOut={() => setShut(false)}
    >
      <Picture product={product} />
      <a
        class="card-link"
        href={formatRoute({ page: "item", id: product.id })}
        onClick={opened}
        aria-describedby={why.length > 0 ? panel : undefined}
        title={[product.title, kind, price].filter(Boolean).join(" · ") /* in full, as the card may cut it off */}
      >
        {product.title}
      </a>
      <p class="card-kind">{kind ?? "\u00a0"}</p>
      <p class="card-price">{price}</p>
      <button
        type="button"
        class="card-add"
        aria-label={`Add ${product.title} to the cart`}
        title="Add to the cart"
        onClick={() => shop.add(product, led())}
      >
        <span aria-hidden="true">+</span>
      </button>
      {why.length > 0 && (
        <>
          <button
            type="button"
            class="card-why"
            aria-expanded={open}
            aria-controls={panel}
            aria-label={`Why ${product.title}?`}
            onClick={() => setOpen(!open)}
          >
            Why?
          </button>
          <div class="why" id={panel}>
            {why.map(({ sentence, weight }) => (
              <p key={sentence}>
                {sentence}
                {weight !== null && <span class="weight" style={{ inlineSize: `${Math.round(weight * 100)}%` }} />}
              </p>
            ))}
          </div>
        </>
      )}
    </li>
  );
}

/** The reasons for an item of a list. */
export function whyOf(
  item: Recommended,
  list: Recommendations,
  startsFrom: string | null,
  title: (itemId: string) => string,
  nowMs: number,
): Why[] {
  if (item.reasons.length === 0) {
    return [{ sentence: originSentence(item, list, startsFrom), weight: null }];
  }
  const most = Math.max(...item.reasons.map((reason) => reason.contribution));
  const said = new Map<string, Why>();
  for (const reason of item.reasons) {
    const what = reason.itemId === item.product.id ? "it" : title(reason.itemId);
    const sentence = reasonSentence(reason, what, nowMs);
    if (!said.has(sentence)) said.set(sentence, { sentence, weight: most > 0 ? reason.contribution / most : null });
  }
  return [...said.values()];
}
