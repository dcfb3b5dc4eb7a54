import type { Item } from "../../../build/api_types";
import type { CardColumns } from "../platform/site";

/** An item of the catalogue, with null for missing columns. */
export interface Product {
  readonly id: string;
  readonly title: string;
  readonly price: number | null;
  /** The values of the category column, which can be a list. */
  readonly categories: readonly string[];
  /** The narrower category. */
  readonly kind: string | null;
  readonly brand: string | null;
  /** The line below the title. */
  readonly subtitle: string | null;
  readonly image: string | null;
  /** Null if no column states the stock. */
  readonly inStock: boolean | null;
  /** All columns with a value. */
  readonly columns: readonly Column[];
}

export interface Column {
  /** The name without case and underscores, which is the same for `PACKAGE_SIZE` and `packageSize`. */
  readonly key: string;
  readonly name: string;
  readonly value: unknown;
}

/** Columns that may state the stock. Recommendations are requested with the first two. */
const STOCK_COLUMNS = ["IN_STOCK", "AVAILABILITY", "AVAILABLE", "IS_AVAILABLE", "STOCK", "STOCK_LEVEL"];

/** Return the metadata columns of recommendations, at most ten as the API requires. */
export function requestedColumns(cards: CardColumns = {}): string[] {
  const { title = "TITLE", category = "CATEGORY_L1", subtitle, image } = cards;
  const chosen = [subtitle, image].filter((column): column is string => column !== undefined);
  const columns = [title, "PRICE", category, "CATEGORY_L2", "BRAND", ...STOCK_COLUMNS.slice(0, 2), ...chosen];
  return [...new Map(columns.map((column) => [keyOf(column), column])).values()];
}

export const keyOf = (column: string): string => column.toLowerCase().replaceAll("_", "");

/** Read an item of the catalogue, with columns in camelCase. */
export function fromItem({ itemId, properties }: Pick<Item, "itemId" | "properties">, cards?: CardColumns): Product {
  return toProduct(itemId, properties, cards);
}

/** Read an item's metadata in a response. Columns have the names of the request, and all values are texts. */
export function fromMetadata(
  itemId: string,
  metadata: Readonly<Record<string, string>> = {},
  cards?: CardColumns,
): Product {
  return toProduct(itemId, metadata, cards);
}

function toProduct(id: string, properties: Readonly<Record<string, unknown>>, cards: CardColumns = {}): Product {
  const columns = Object.entries(properties)
    .filter(([, value]) => textsOf(value).length > 0)
    .map(([name, value]) => ({ key: keyOf(name), name, value }));
  const values = new Map(columns.map(({ key, value }) => [key, value]));
  const textAt = (column: string) => textsOf(values.get(keyOf(column))).join(", ") || null;
  const listAt = (column: string) => textsOf(values.get(keyOf(column))).flatMap((text) => text.split("|"));
  const categories = listAt(cards.category ?? "CATEGORY_L1");
  const kind = textAt("CATEGORY_L2");
  const subtitle = cards.subtitle === undefined ? null : textAt(cards.subtitle);
  const stock = STOCK_COLUMNS.map((column) => stockOf(values.get(keyOf(column))));
  return {
    id,
    title: textAt(cards.title ?? "TITLE") ?? `Product ${id}`,
    price: priceOf(values.get("price")),
    categories: categories.map(sentenceCase),
    kind: kind && !categories.includes(kind) ? sentenceCase(kind) : null,
    brand: textAt("BRAND"),
    subtitle: subtitle && sentenceCase(subtitle),
    image: cards.image === undefined ? null : textAt(cards.image),
    inStock: stock.find((inStock) => inStock !== null) ?? null,
    columns,
  };
}

/** Return the elements of a list as texts, or a single value as a text. Empty values have no text. */
export function textsOf(value: unknown): string[] {
  if (value === null || value === undefined || value === "") return [];
  if (Array.isArray(value)) return value.flatMap(textsOf);
  return [typeof value === "object" ? JSON.stringify(value) : String(value)];
}

function priceOf(value: unknown): number | null {
  const price = typeof value === "string" && value.trim() ? Number(value) : value;
  return typeof price === "number" && Number.isFinite(price) && price >= 0 ? price : null;
}

/** Return true for a value that means "in stock", false for "out of stock", and null for any other value. */
function stockOf(value: unknown): boolean | null {
  const text = String(value ?? "").replaceAll(/[\s_]/g, "");
  return stockFlagOf(value) ?? (text !== "" && Number.isFinite(Number(text)) ? Number(text) > 0 : null);
}

/** Return the stock that a flag states, or null for any other value, such as a number of pieces. */
function stockFlagOf(value: unknown): boolean | null {
  const text = String(value)
    .toLowerCase()
    .replaceAll(/[\s_-]/g, "");
  if (["true", "yes", "instock", "available"].includes(text)) return true;
  return ["false", "no", "outofstock", "soldout", "unavailable"].includes(text) ? false : null;
}

/** Return true for a column that only states whether the product is in stock. */
export const isStockFlag = ({ key, value }: Column): boolean =>
  STOCK_COLUMNS.some((column) => keyOf(column) === key) && stockFlagOf(value) !== null;

const ABBREVIATIONS: Readonly<Record<string, string>> = {
  bkd: "baked",
  drnk: "drink",
  drnks: "drinks",
  fd: "food",
  frzn: "frozen",
  gm: "& household",
  misc: "other",
  pckgd: "packaged",
  prod: "products",
  refrgratd: "chilled",
  veg: "vegetables",
};

/** Return a category in capitals in sentence case, and any other category unchanged. */
export function sentenceCase(category: string): string {
  if (category !== category.toUpperCase()) return category;
  const lower = category
    .toLowerCase()
    .replaceAll(/\s*\/\s*/g, " / ")
    .replaceAll(/[a-z]+/g, (word) => ABBREVIATIONS[word] ?? word)
    .replace("-packaged", ", packaged");
  return lower.charAt(0).toUpperCase() + lower.slice(1);
}

const LONGEST_IN_SENTENCE = 60;

/** Return a title for sentences: without its size, and cut to a maximum length. */
export function shortTitle(title: string): string {
  const short = title.replace(/, [\d.]+ [a-z]+$/i, "");
  const characters = [...short];
  if (characters.length <= LONGEST_IN_SENTENCE) return short;
  return `${characters
    .slice(0, LONGEST_IN_SENTENCE - 1)
    .join("")
    .trimEnd()} …`;
}
