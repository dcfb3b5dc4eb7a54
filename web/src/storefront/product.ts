import type { CardColumns } from "../platform/site";

/** An item of the catalogue; missing columns are null. */
export interface Product {
  readonly id: string;
  readonly title: string;
  readonly price: number | null;
  /** The widest category. */
  readonly category: string | null;
  /** The narrower one. */
  readonly kind: string | null;
  readonly brand: string | null;
  /** The line below the title. */
  readonly subtitle: string | null;
  /** The address of a picture. */
  readonly image: string | null;
  /** All other columns with readable names. */
  readonly more: readonly (readonly [name: string, value: string])[];
}

/** An item in the response of `GET /items`. */
export interface ItemRow {
  readonly itemId: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

const COLUMNS = ["TITLE", "PRICE", "CATEGORY_L1", "CATEGORY_L2", "BRAND"];

/** The columns that recommendations are requested with. */
export function requestedColumns({ title, subtitle, image }: CardColumns = {}): string[] {
  const chosen = [title, subtitle, image].filter((column): column is string => column !== undefined);
  const columns = title === undefined ? COLUMNS : COLUMNS.filter((column) => column !== "TITLE");
  return [...new Map([...columns, ...chosen].map((column) => [keyOf(column), column])).values()];
}

const keyOf = (column: string): string => column.toLowerCase().replaceAll("_", "");

/** Read a row of the catalogue, whose columns are in camelCase. */
export function fromRow(row: ItemRow, cards?: CardColumns): Product {
  return toProduct(row.itemId, row.properties, cards);
}

/** Read an item's metadata in a response: columns have the names of the request, all values are texts. */
export function fromMetadata(
  itemId: string,
  metadata: Readonly<Record<string, string>> = {},
  cards?: CardColumns,
): Product {
  return toProduct(itemId, metadata, cards);
}

function toProduct(id: string, columns: Readonly<Record<string, unknown>>, cards: CardColumns = {}): Product {
  const values = new Map(Object.entries(columns).map(([name, value]) => [keyOf(name), value]));
  const shown = new Set(requestedColumns(cards).map(keyOf));
  const textAt = (column: string | undefined) => (column === undefined ? null : textOf(values.get(keyOf(column))));
  const category = textOf(values.get("categoryl1"));
  const kind = textOf(values.get("categoryl2"));
  const subtitle = textAt(cards.subtitle);
  return {
    id,
    title: textAt(cards.title ?? "TITLE") ?? `Product ${id}`,
    price: priceOf(values.get("price")),
    category: category && sentenceCase(category),
    kind: kind && kind !== category ? sentenceCase(kind) : null,
    brand: textOf(values.get("brand")),
    subtitle: subtitle && sentenceCase(subtitle),
    image: textAt(cards.image),
    more: Object.entries(columns)
      .filter(([name]) => !shown.has(keyOf(name)))
      .map(([name, value]) => [columnName(name), textOf(value)] as const)
      .filter((column): column is readonly [string, string] => column[1] !== null),
  };
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined || value === "") return null;
  if (Array.isArray(value)) return value.join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function priceOf(value: unknown): number | null {
  const price = typeof value === "string" && value.trim() ? Number(value) : value;
  return typeof price === "number" && Number.isFinite(price) && price >= 0 ? price : null;
}

/** Abbreviations of the catalogue. */
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

/** Return a category in capitals in sentence case; others stay unchanged. */
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

/** Return `packageSize` and `PACKAGE_SIZE` as `Package size`. */
export function columnName(name: string): string {
  const words = name.includes("_") || name === name.toUpperCase() ? name.toLowerCase().replaceAll("_", " ") : name;
  const spaced = words.replaceAll(/([a-z])([A-Z0-9])/g, "$1 $2").toLowerCase();
  return spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** Prices of the catalogue name no currency; the demo's grocer sells in dollars. */
const money = new Intl.NumberFormat(undefined, { style: "currency", currency: "USD" });

/** A price as the reader's language writes it. */
export function priceText(price: number | null): string {
  return price === null ? "no price" : money.format(price);
}
