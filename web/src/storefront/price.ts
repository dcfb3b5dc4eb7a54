/** Format a price in the reader's language, as a number with two decimals if there is no currency. */
export function priceText(price: number | null, currency?: string): string {
  if (price === null) return "no price";
  return new Intl.NumberFormat(
    undefined,
    currency ? { style: "currency", currency } : { minimumFractionDigits: 2, maximumFractionDigits: 2 },
  ).format(price);
}
