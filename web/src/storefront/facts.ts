import type { CardColumns } from "../platform/site";
import { type Column, isStockFlag, keyOf, type Product, sentenceCase, textsOf } from "./product";
import { CATEGORY, formatRoute } from "./route";

export interface Fact {
  readonly name: string;
  readonly values: readonly FactValue[];
}

/** A text, or a link to the products with the same value or to another site. */
interface FactValue {
  readonly text: string;
  readonly href?: string;
}

/** The column with the paragraph below the title. */
const DESCRIPTION = "description";

/** The maximum length of a linked value outside of lists. Longer texts are sentences, which no other product shares. */
const LONGEST_SHARED = 60;

const ACRONYMS = /\b(asin|ean|gtin|id|isbn|sku|upc|url)\b/g;

export function descriptionOf(product: Product): string | null {
  const column = product.columns.find(({ key }) => key === DESCRIPTION);
  return column ? textsOf(column.value).join(" ") : null;
}

/**
 * Return the facts of a product: category, kind, brand, the columns that the page does not show elsewhere, and the ID.
 *
 * `timestamps` has the keys of the columns that the configuration declares as times.
 */
export function factsOf(product: Product, timestamps: ReadonlySet<string>, cards: CardColumns = {}): Fact[] {
  const { title = "TITLE", category = "CATEGORY_L1", subtitle = "", image = "" } = cards;
  const elsewhere = [title, "PRICE", category, "CATEGORY_L2", "BRAND", subtitle, image, DESCRIPTION];
  const shown = new Set(elsewhere.map(keyOf));
  const linked = (column: string, text: string) => ({ text, href: filterRoute(column, text) });
  const known: readonly (readonly [string, readonly FactValue[]])[] = [
    [product.categories.length > 1 ? "Categories" : "Category", product.categories.map((c) => linked(CATEGORY, c))],
    ["Kind", product.kind === null ? [] : [linked("categoryl2", product.kind)]],
    ["Brand", product.brand === null ? [] : [linked("brand", product.brand)]],
  ];
  const others = product.columns
    .filter((column) => !shown.has(column.key) && !isStockFlag(column))
    .map((column) => [columnName(column.name), valuesOf(column, timestamps)] as const);
  return [...known, ...others, ["ID", [{ text: product.id }]] as const]
    .filter(([, values]) => values.length > 0)
    .map(([name, values]) => ({ name, values }));
}

export const filterRoute = (column: string, value: string): string =>
  formatRoute({ page: "search", query: "", filter: { column, value } });

/** Return true if a product has a value in a column. Categories are compared as they are shown. */
export function hasValue(product: Product, column: string, value: string): boolean {
  if (column === CATEGORY) return product.categories.includes(value);
  const texts = product.columns.filter(({ key }) => key === column).flatMap(({ value }) => textsOf(value));
  return texts.some((text) => text === value || sentenceCase(text) === value);
}

function valuesOf({ key, value }: Column, timestamps: ReadonlySet<string>): FactValue[] {
  if (typeof value === "boolean") return [{ text: value ? "Yes" : "No" }];
  if (typeof value === "number") {
    return [{ text: timestamps.has(key) ? timeText(value) : numberText(value) }];
  }
  return textsOf(value).map((text) => {
    if (/^https:\/\/\S+$/.test(text)) return { text, href: text };
    const shared = text.length <= LONGEST_SHARED && /\p{L}/u.test(text) && typeof value !== "object";
    return shared || Array.isArray(value) ? { text, href: filterRoute(key, text) } : { text };
  });
}

const whole = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" });
const exact = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeStyle: "short", timeZone: "UTC" });

const DAY_S = 86_400;

/** Return seconds since 1970 as a date, with the time of day unless it is midnight in UTC. */
function timeText(seconds: number): string {
  return seconds % DAY_S === 0 ? whole.format(seconds * 1000) : `${exact.format(seconds * 1000)} UTC`;
}

/** Format a number. Only numbers of five or more digits have separators, so that years have none. */
function numberText(value: number): string {
  return new Intl.NumberFormat("en", { useGrouping: Math.abs(value) >= 10_000, maximumFractionDigits: 4 }).format(
    value,
  );
}

/** Return `packageSize` and `PACKAGE_SIZE` as `Package size`. */
export function columnName(name: string): string {
  const words = name.includes("_") || name === name.toUpperCase() ? name.toLowerCase().replaceAll("_", " ") : name;
  const spaced = words.replaceAll(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();
  const cased = spaced.charAt(0).toUpperCase() + spaced.slice(1);
  return cased.replaceAll(new RegExp(ACRONYMS, "gi"), (word) => word.toUpperCase());
}
