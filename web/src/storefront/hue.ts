/** A number of 32 bits that is the same for the same text (FNV-1a). */
export function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const unit of new TextEncoder().encode(text)) {
    value = Math.imul(value ^ unit, 0x01000193) >>> 0;
  }
  return value;
}

/** The colour of a category: an angle on the colour wheel. */
export function hue(text: string): number {
  return hash(text.toLowerCase()) % 360;
}

/** Glyphs by words that categories have; the first that fits. */
const GLYPHS: readonly (readonly [name: Glyph, words: RegExp])[] = [
  ["cup", /coffee|tea\b|cocoa/i],
  ["snowflake", /frozen|frzn|ice\b|frz/i],
  ["milk", /milk|cheese|dairy|yogurt|butter|margarine|cream/i],
  ["egg", /egg/i],
  ["bread", /bread|bun|roll|bagel|cake|pastr|bak|cookie|cracker|donut|muffin|dough|tortilla/i],
  ["fish", /fish|seafood|tuna|salmon|shrimp/i],
  ["meat", /meat|beef|pork|chicken|turkey|poultry|sausage|bacon|ham\b|hot dog|deli|frankfurter/i],
  [
    "carrot",
    /vegetable|brocc|caulif|cabbage|lettuce|squash|cucumber|celery|spinach|salad|potato|tomato|onion|carrot|corn|bean|mushroom|pepper|herb/i,
  ],
  ["apple", /fruit|produce|apple|banana|berr|citrus|grape|melon|orange|organic/i],
  ["bottle", /drink|beverage|juice|water|soda|beer|wine|spirit|liquor|ale\b/i],
  ["can", /soup|canned|can\b|sauce|condiment|pasta|spaghetti|rice|cereal|breakfast|peanut|jelly|grocery|syrup/i],
  ["sweet", /cand(y|ies)|chocolate|sweet|gum\b|snack|chips|popcorn|nut/i],
  ["drop", /soap|detergent|clean|laundry|shampoo|hair|oral|dental|cosmetic|make ?up|bath|skin|lotion|deodorant/i],
  ["leaf", /flor|flower|plant|garden|nutrition|vitamin|natural/i],
  ["cross", /drug|medic|health|pain|cold|first aid|pharm/i],
  ["paw", /pet\b|dog|cat\b|bird/i],
  ["home", /household|paper|tissue|bag|kitchen|battery|light|candle|foil|plastic|charcoal|gm\b/i],
];

/** Words that say nothing of a title. */
const FILLERS = /^(the|a|an|of|and|for|in|on|to|with|der|die|das|le|la|les|el|los|las|il)$/i;

/** The initials of the first two words of a title that say something. */
export function initials(title: string): string {
  const words = title.match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = words.filter((word) => !FILLERS.test(word));
  return (telling.length > 0 ? telling : words)
    .slice(0, 2)
    .map((word) => [...word][0]?.toUpperCase())
    .join("");
}

export type Glyph =
  | "apple"
  | "bottle"
  | "bread"
  | "can"
  | "carrot"
  | "cross"
  | "cup"
  | "drop"
  | "egg"
  | "fish"
  | "home"
  | "leaf"
  | "meat"
  | "milk"
  | "paw"
  | "snowflake"
  | "sweet";

/** The glyph for what is known of a product, the narrowest text first; null where no words fit. */
export function glyph(texts: readonly (string | null)[]): Glyph | null {
  for (const text of texts) {
    const found = text && GLYPHS.find(([, words]) => words.test(text));
    if (found) return found[0];
  }
  return null;
}
