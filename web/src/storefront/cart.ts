/** Something to be bought. */
export interface CartLine {
  readonly itemId: string;
  readonly title: string;
  readonly price: number | null;
  readonly quantity: number;
  /** The answer that led to it, if one did. */
  readonly recommendationId: string | null;
}

export type Cart = readonly CartLine[];

const MOST = 99;

/** Put one more of an item in; the answer that led to it first stays. */
export function added(cart: Cart, line: Omit<CartLine, "quantity">): Cart {
  const there = cart.find((each) => each.itemId === line.itemId);
  return there ? withQuantity(cart, line.itemId, there.quantity + 1) : [...cart, { ...line, quantity: 1 }];
}

/** Change how many there are of an item; none takes it out. */
export function withQuantity(cart: Cart, itemId: string, quantity: number): Cart {
  return cart
    .map((line) => (line.itemId === itemId ? { ...line, quantity: Math.min(quantity, MOST) } : line))
    .filter((line) => line.quantity > 0);
}

/** The cart without bought quantities; later additions stay. */
export function without(cart: Cart, bought: Cart): Cart {
  return bought.reduce((left, { itemId, quantity }) => {
    const there = left.find((line) => line.itemId === itemId);
    return there ? withQuantity(left, itemId, there.quantity - quantity) : left;
  }, cart);
}

/** The number of pieces. */
export function count(cart: Cart): number {
  return cart.reduce((sum, line) => sum + line.quantity, 0);
}

/** The total of the lines with a price; null if none has one. */
export function total(cart: Cart): number | null {
  const priced = cart.filter((line) => line.price !== null);
  return priced.length > 0 ? priced.reduce((sum, line) => sum + (line.price ?? 0) * line.quantity, 0) : null;
}

/** A note on products without a price; null if all or none have one. */
export function unpricedText(cart: Cart): string | null {
  const unpriced = count(cart.filter((line) => line.price === null));
  if (unpriced === 0 || unpriced === count(cart)) return null;
  return `without ${unpriced} unpriced ${unpriced === 1 ? "product" : "products"}`;
}
