import type { Cart, CartLine } from "./cart";
import type { ShopEvent } from "./events";

/** How far the order of the cart's content is; `taken` is what was bought before, while the page says so. */
export interface Ordering {
  readonly state: "open" | "buying" | "failed";
  readonly taken: Cart | null;
}

/** An order of which nothing says that it was taken, as it was sent. */
export interface Unsent {
  readonly what: string;
  readonly events: readonly ShopEvent[];
  /** Where it is the cart's: its content, which goes once the order is taken. */
  readonly cart: Cart | null;
}

/** Say whether two are the same order, which the later one is sent again as. */
export function isSameOrder(left: Unsent, right: Unsent): boolean {
  return left.events.some(({ eventId }) => right.events.some((event) => event.eventId === eventId));
}

/** What a browser keeps of an order, so that after a reload it is the same. */
export interface KeptOrder {
  readonly id: string;
  readonly numbers: readonly (readonly [line: string, number: number])[];
}

/**
 * An order, from the first attempt to send it until it is taken: what is the same when it is sent again counts once.
 *
 * Each line has a number by its item and how many of it there are. A line that was changed after an attempt whose answer
 * was lost is another and counts; the others keep their numbers, whatever was put in or taken out before them.
 */
export class Order {
  private readonly numbers: Map<string, number>;

  constructor(
    private readonly id: string = crypto.randomUUID(),
    numbers: KeptOrder["numbers"] = [],
  ) {
    this.numbers = new Map(numbers);
  }

  kept(): KeptOrder {
    return { id: this.id, numbers: [...this.numbers] };
  }

  eventId({ itemId, quantity }: CartLine): string {
    const key = `${quantity} ${itemId}`;
    const number = this.numbers.get(key) ?? this.numbers.size + 1;
    this.numbers.set(key, number);
    return `${this.id}-${number}`; // not the item's id, with which it may be longer than an event's id can be
  }
}
