import { useId, useState } from "preact/hooks";
import { useShop } from "./context";
import type { Explanation } from "./explanations";
import { Picture } from "./picture";
import type { Product } from "./product";
import { formatRoute } from "./route";

interface CardProps {
  readonly product: Product;
  /** Explanations of the recommendation, the strongest first. A card without explanations has no button for them. */
  readonly why?: readonly Explanation[];
  readonly fresh?: boolean;
}

export function Card({ product, why = [], fresh = false }: CardProps) {
  const shop = useShop();
  const panel = useId();
  const [open, setOpen] = useState(false);
  const [closed, setClosed] = useState(false);
  const kind = product.subtitle ?? product.kind ?? product.categories[0];
  const price = shop.priceText(product.price);
  return (
    <li
      class={`card${open ? " open" : ""}${closed ? " closed" : ""}${fresh ? " fresh" : ""}`}
      data-item={product.id}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        setOpen(false);
        setClosed(true); // also close a panel that hovering or focus has opened, until the next hover or focus
      }}
      onMouseLeave={() => setClosed(false)}
      onFocusOut={() => setClosed(false)}
    >
      <div class="card-picture">
        <Picture product={product} />
        {product.inStock === false && <p class="stock out">Out of stock</p>}
      </div>
      <a
        class="card-link"
        href={formatRoute({ page: "item", id: product.id })}
        aria-describedby={why.length > 0 ? panel : undefined}
        title={[product.title, kind, price].filter(Boolean).join(" · ") /* in full, as the card may cut it off */}
      >
        {product.title}
      </a>
      <p class="card-kind">{kind ?? "\u00a0"}</p>
      <p class="card-price">{price}</p>
      {product.inStock !== false && (
        <button
          type="button"
          class="card-add"
          aria-label={`Add ${product.title} to the cart`}
          title="Add to the cart"
          onClick={() => shop.add(product)}
        >
          <span aria-hidden="true">+</span>
        </button>
      )}
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
