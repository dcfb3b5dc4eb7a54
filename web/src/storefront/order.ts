import type { Cart, CartLine } from "./cart";

/** How far the order of the cart's content is; `taken` is what was bought before, while the page says so. */
export interface Ordering {
  readonly state: "open" | "buying" | "failed";
  readonly taken: Cart | null;
}

/**
 * An order, from the first attempt to send it until it is taken: what is the same when it is sent again counts once.
 *
 * Each line has a number by its item and how many of it there are. A line that was changed after an attempt whose answer
 * was lost is another and counts; the others keep their numbers, whatever was put in or taken out before them.
 */
export class Order {
  private readonly numbers = new Map<string, number>();

  constructor(private readonly id: string = crypto.randomUUID()) {}

  eventId({ itemId, quantity }: CartLine): string {
    const key = `${quantity} ${itemId}`;
    const number = this.numbers.get(key) ?? this.numbers.size + 1;
    this.numbers.set(key, number);
    return `${this.id}-${number}`; // not the item's id, with which it may be longer than an event's id can be
  }
}
