import "./picture.css";
import { useState } from "preact/hooks";
import type { Product } from "./product";

/** Stroked paths in a box of 24 by 24. */
const PATHS = {
  apple:
    "M12 8c-1.5-1.6-5.5-1.8-6.6 1.6C4 14 7 20.5 9.6 20.5c1 0 1.4-.5 2.4-.5s1.4.5 2.4.5c2.6 0 5.6-6.5 4.2-10.9C17.5 6.2 13.5 6.4 12 8Zm0 0c0-2 .8-3.8 2.6-4.8",
  bottle: "M10 3h4v4l1.6 2.6c.3.5.4 1 .4 1.5V20a1 1 0 0 1-1 1H9a1 1 0 0 1-1-1v-8.9c0-.5.1-1 .4-1.5L10 7zM8 13h8M8 17h8",
  bread:
    "M5 10.5C3.6 10 3 8.9 3 8c0-2 2-3 4-3h10c2 0 4 1 4 3 0 .9-.6 2-2 2.5V18a1 1 0 0 1-1 1H6a1 1 0 0 1-1-1zM9 9l1.5 2.5M13 9l1.5 2.5",
  can: "M6 6c0-1.7 2.7-3 6-3s6 1.3 6 3-2.7 3-6 3-6-1.3-6-3Zm0 0v12c0 1.7 2.7 3 6 3s6-1.3 6-3V6M6 12c0 1.5 2.7 2.6 6 2.6s6-1.1 6-2.6",
  carrot:
    "M14.5 9.5C12 7 8.5 8.5 7.5 11L3 21l10-4.5c2.5-1 4-4.5 1.5-7ZM14.5 9.5 17 7m0 0c0-2 .5-3 1.5-4M17 7c2 0 3-.5 4-1.5M9 12l2 2m-4 2 1.5 1.5",
  cross: "M9.5 4h5v5.5H20v5h-5.5V20h-5v-5.5H4v-5h5.5z",
  cup: "M5 9h12v7a4 4 0 0 1-4 4H9a4 4 0 0 1-4-4zM17 11h1.5a2.5 2.5 0 0 1 0 5H17M8 3v3m3-3v3m3-3v3",
  drop: "M12 3c3.5 4.5 6 7.6 6 11a6 6 0 0 1-12 0c0-3.4 2.5-6.5 6-11ZM9 14a3 3 0 0 0 3 3",
  egg: "M12 3c3.5 0 6.5 6 6.5 10.5a6.5 6.5 0 0 1-13 0C5.5 9 8.5 3 12 3ZM9 13.5c0-2 .9-4 2-5",
  fish: "M3 12c2.5-4 6-6 9.5-6 3 0 5 1.5 6 3.2L21.5 7v10l-3-2.2c-1 1.7-3 3.2-6 3.2C9 18 5.5 16 3 12ZM7.5 11.5v.01M12.5 9c1 1.8 1 4.2 0 6",
  home: "M4 11l8-7 8 7v8a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM10 20v-6h4v6",
  leaf: "M5 19C4 10 9 4 20 4c0 11-6 16-13 14.5M5 21c0-5 3-9 8-11.5",
  meat: "M14.5 4c3.6 0 6 2.4 6 5.6 0 3.6-3.4 6.4-7.5 6.4H9.5L6 19.5c.6 1-.7 2-1.6 1.2-.4-.4-.5-.6-1-.7-1-.3-.9-1.9.3-1.9.4 0 .6 0 .8-.2L8 14.5V11c0-4 2.9-7 6.5-7ZM12.5 8c.6-.8 1.4-1.2 2.4-1.2",
  milk: "M8 3h8v3l2 4v10a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V10l2-4zM8 6h8M6 13c2-1.5 4-1.5 6 0s4 1.5 6 0",
  paw: "M12 12c2.5 0 5 2.5 5 5.2 0 2.6-2.6 2.3-5 2.3s-5 .3-5-2.3c0-2.7 2.5-5.2 5-5.2ZM5.5 9.5v2m13-2v2m-9-6V8m5-2.5V8",
  snowflake: "M12 3v18M4.2 7.5l15.6 9m0-9-15.6 9M12 6.5 9.8 4.3M12 6.5l2.2-2.2M12 17.5l-2.2 2.2m2.2-2.2 2.2 2.2",
  sweet:
    "M12 7.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM15.2 8.8 19 5l.5 2.5L22 8l-3.8 3.8M8.8 15.2 5 19l-.5-2.5L2 16l3.8-3.8",
} as const;

type Glyph = keyof typeof PATHS;

/** Return a number of 32 bits that is the same for the same text (FNV-1a). */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ unit, 0x01000193) >>> 0;
  }
  return value;
}

export function hue(text: string): number {
  return hash(text.toLowerCase()) % 360;
}

/** Departments of a grocer. In other categories, words such as "kitchen" mean something else. */
const DEPARTMENTS =
  /\b(bakery|beverages|cosmetics|dairy|deli|drug|floral|frozen|garden center|grocer(y|ies)|household|meats?|nutrition|pastry|poultry|produce|salad bar|seafood|spirits)\b/i;

/** Glyphs by words of categories. The first match applies. */
const GLYPHS: readonly (readonly [name: Glyph, words: RegExp])[] = [
  ["cup", /coffee|\btea\b|cocoa/i],
  ["snowflake", /frozen|frzn|\bice\b|frz/i],
  ["milk", /milk|cheese|dairy|yogurt|butter|margarine|cream/i],
  ["egg", /\begg/i],
  ["bread", /bread|\bbun|\brolls?\b|bagel|cake|pastr|bak|cookie|cracker|donut|muffin|dough|tortilla/i],
  ["fish", /fish|seafood|tuna|salmon|shrimp/i],
  ["meat", /meat|beef|pork|chicken|turkey|poultry|sausage|bacon|\bham\b|hot dog|deli|frankfurter/i],
  [
    "carrot",
    /vegetable|brocc|caulif|cabbage|lettuce|squash|cucumber|celery|spinach|salad|potato|tomato|onion|carrot|\bcorn|bean|mushroom|pepper|herb/i,
  ],
  ["apple", /fruit|produce|apple|banana|berr|citrus|grape|melon|orange|organic/i],
  ["bottle", /drink|beverage|juice|water|soda|beer|wine|spirit|liquor|\bale\b/i],
  ["can", /soup|canned|\bcan\b|sauce|condiment|pasta|spaghetti|rice|cereal|breakfast|peanut|jelly|grocery|syrup/i],
  ["sweet", /cand(y|ies)|chocolate|sweet|\bgum\b|snack|chips|popcorn|\bnut/i],
  ["drop", /soap|detergent|clean|laundry|shampoo|hair|oral|dental|cosmetic|make ?up|bath|skin|lotion|deodorant/i],
  ["leaf", /flor|flower|plant|garden|nutrition|vitamin|natural/i],
  ["cross", /drug|medic|health|pain|\bcold\b|first aid|pharm/i],
  ["paw", /\bpets?\b|\bdog|\bcat\b|bird/i],
  ["home", /household|paper|tissue|\bbag|kitchen|battery|light|candle|foil|plastic|charcoal|\bgm\b/i],
];

/** Return the glyph of a grocer's product by its kind, title or department. Other shops have none. */
export function glyph({ categories, kind, title }: Pick<Product, "categories" | "kind" | "title">): Glyph | null {
  const department = categories.find((category) => DEPARTMENTS.test(category));
  if (department === undefined) return null;
  for (const text of [kind ?? title, department]) {
    const match = GLYPHS.find(([, words]) => words.test(text));
    if (match) return match[0];
  }
  return null;
}

/** Maximum length of a line of a drawn title, in characters. */
const LINE = 13;
/** Maximum number of lines of a drawn title. */
const LINES = 4;

/** Break a title into lines for its drawing. Cut words end in "…", like the last line if words do not fit. */
export function titleLines(title: string): string[] {
  const lines: string[] = [];
  for (const word of title.split(/\s+/).filter(Boolean)) {
    const last = lines.at(-1);
    if (last !== undefined && `${last} ${word}`.length <= LINE) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  const cut = (line: string, more: boolean) =>
    [...line].length > LINE || more
      ? `${[...line]
          .slice(0, LINE - 1)
          .join("")
          .trimEnd()}…`
      : line;
  return lines.slice(0, LINES).map((line, at) => cut(line, at === LINES - 1 && lines.length > LINES));
}

export function Picture({ product }: { readonly product: Product }) {
  const [broken, setBroken] = useState<string | null>(null);
  const { image } = product;
  if (image === null || image === broken) return <Tile product={product} />;
  // The empty alternative text hides the picture from screen readers, which read the title next to it.
  return (
    <img
      class="picture"
      src={image}
      alt=""
      loading="lazy"
      referrerpolicy="no-referrer"
      onError={() => setBroken(image)}
    />
  );
}

/**
 * A drawing for a product without a picture: a glyph of its kind, or else its title.
 *
 * The drawing adds nothing to the title next to it, so assistive technology skips the drawing.
 */
function Tile({ product }: { readonly product: Product }) {
  const seed = hash(product.id);
  const glyphName = glyph(product);
  const lines = titleLines(product.title);
  return (
    <svg
      class="picture"
      viewBox="0 0 120 100"
      preserveAspectRatio="xMidYMid slice"
      aria-hidden="true"
      style={{
        "--hue": hue(product.kind ?? product.categories[0] ?? product.title),
        "--shift": ((seed >>> 4) % 31) - 15,
      }}
    >
      <rect class="picture-ground" width="120" height="100" />
      <circle class="picture-shape" cx={seed % 120} cy={(seed >>> 7) % 100} r={26 + ((seed >>> 14) % 22)} />
      <circle
        class="picture-shape"
        cx={120 - ((seed >>> 5) % 60)}
        cy={100 - ((seed >>> 11) % 40)}
        r={14 + ((seed >>> 18) % 20)}
      />
      {glyphName ? (
        <path class="picture-glyph" d={PATHS[glyphName]} transform="translate(36 26) scale(2)" />
      ) : (
        <text class="picture-title" y={50 - (lines.length - 1) * 7.5}>
          {lines.map((line, at) => (
            <tspan key={`${at} ${line}`} x="60" dy={at === 0 ? "0.35em" : "15"}>
              {line}
            </tspan>
          ))}
        </text>
      )}
    </svg>
  );
}
