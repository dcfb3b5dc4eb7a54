export interface CartLine {
  readonly itemId: string;
  readonly title: string;
  readonly price: number | null;
  readonly quantity: number;
  /** The recommendation from which the item was added, if any. */
  readonly recommendationId: string | null;
}

export type Cart = readonly CartLine[];

const MAX_QUANTITY = 99;

/** Add one piece of an item. A line that is already in the cart keeps its recommendation. */
export function addLine(cart: Cart, line: Omit<CartLine, "quantity">): Cart {
  const existing = cart.find((other) => other.itemId === line.itemId);
  return existing ? withQuantity(cart, line.itemId, existing.quantity + 1) : [...cart, { ...line, quantity: 1 }];
}

/** Set the quantity of an item. 0 removes the item. */
export function withQuantity(cart: Cart, itemId: string, quantity: number): Cart {
  return cart
    .map((line) => (line.itemId === itemId ? { ...line, quantity: Math.min(quantity, MAX_QUANTITY) } : line))
    .filter((line) => line.quantity > 0);
}

/** Remove bought quantities from the cart. Later additions stay. */
export function removeQuantities(cart: Cart, bought: Cart): Cart {
  return bought.reduce((left, { itemId, quantity }) => {
    const existing = left.find((line) => line.itemId === itemId);
    return existing ? withQuantity(left, itemId, existing.quantity - quantity) : left;
  }, cart);
}

export function count(cart: Cart): number {
  return cart.reduce((sum, line) => sum + line.quantity, 0);
}

/** Return the total of the lines with a price, or null if no line has one. */
export function total(cart: Cart): number | null {
  const priced = cart.filter((line) => line.price !== null);
  return priced.length > 0 ? priced.reduce((sum, line) => sum + (line.price ?? 0) * line.quantity, 0) : null;
}

/** Return a note on products without a price, or null if all or none have one. */
export function unpricedText(cart: Cart): string | null {
  const unpriced = count(cart.filter((line) => line.price === null));
  if (unpriced === 0 || unpriced === count(cart)) return null;
  return `without ${unpriced} unpriced ${unpriced === 1 ? "product" : "products"}`;
}
