import { ApiError } from "../platform/api";
import { type Cart, without } from "./cart";
import { bought, type ShopEvent } from "./events";
import { covers, type Ordering, type Unsent, withIdsOf } from "./order";
import { shortTitle } from "./product";

/** Options for sending events. */
export interface Sending {
  /** True to look for their effect. */
  readonly effect?: boolean;
  readonly onTaken?: () => void;
  readonly onFailed?: (error: Error) => void;
}

/** What orders see of the shop. */
interface Ordered {
  cart: Cart;
  /** The current shopper's orders that any tab has kept. */
  unsent(): readonly Unsent[];
  keep(unsent: readonly Unsent[]): void;
  changed(): void;
}

type Send = (what: string, events: readonly ShopEvent[], sending: Sending) => Promise<boolean>;

/** Answers that would be the same each time. With 401 a fresh token was tried. */
const REFUSALS = [400, 401, 403, 413, 422];

/**
 * The current shopper's orders: sent when something is bought, and kept until the API accepts them.
 *
 * A line that is bought again before the API has confirmed it keeps its id, so that it counts once.
 */
export class Orders {
  ordering: Ordering = { state: "open", taken: null };
  /** Sent orders without confirmation: other tabs may settle the kept orders, or the browser may keep nothing. */
  private sent: readonly Unsent[] = [];

  constructor(
    private readonly shop: Ordered,
    private readonly send: Send,
  ) {}

  async buyCart(): Promise<void> {
    const { cart } = this.shop;
    await this.sendCart(this.unsentOf(cart, cart));
  }

  async buy(lines: Cart, onTaken: () => void): Promise<boolean> {
    return this.sendKept(this.unsentOf(lines, null), onTaken);
  }

  async sendUnsent(): Promise<void> {
    for (const order of this.shop.unsent()) {
      // a later action may have settled it, or given it up
      const due = this.shop.unsent().find((kept) => !kept.givenUp && covers(order, kept));
      if (due) await (due.cart ? this.sendCart(due) : this.sendKept(due));
    }
  }

  /** The cart is another: what was said of the attempt to buy what it was is no longer so, and it is not sent by itself. */
  edited(): void {
    if (this.ordering.state === "failed") this.ordering = { state: "open", taken: null };
    this.giveUp(({ cart }) => cart !== null);
  }

  /** The page has confirmed the order. */
  thanked(): void {
    if (this.ordering.taken) this.ordering = { ...this.ordering, taken: null };
  }

  /** The shopper has changed. */
  forget(): void {
    this.sent = [];
    this.ordering = { state: "open", taken: null };
  }

  /** An order of these lines as it is sent now. */
  private unsentOf(lines: Cart, cart: Cart | null): Unsent {
    const [line, ...others] = lines;
    const what = line && others.length === 0 ? shortTitle(line.title) : `${lines.length} products`;
    const before = [...this.sent, ...this.shop.unsent()].filter((order) => (order.cart === null) === (cart === null));
    return { what: `Purchase of ${what}`, events: withIdsOf(before, bought(lines)), cart, givenUp: false };
  }

  private async sendCart(order: Unsent): Promise<void> {
    const { cart } = this.shop;
    this.ordering = { state: "buying", taken: null };
    const taken = await this.sendKept(order);
    if (taken || !this.sent.includes(order)) return; // it is settled, or the shopper has changed
    this.ordering = { state: cart === this.shop.cart ? "failed" : "open", taken: null };
    this.shop.changed();
  }

  /** Send an order and keep it until the API accepts it, or only for its ids once the API refuses it. */
  private async sendKept(order: Unsent, onTaken = () => {}): Promise<boolean> {
    this.sent = [...this.sent, order];
    this.shop.keep([...this.shop.unsent().filter((kept) => !covers(order, kept)), order]);
    return this.send(order.what, order.events, {
      onTaken: () => {
        if (this.sent.includes(order)) this.settle(order); // otherwise a parallel attempt has settled it
        onTaken();
      },
      onFailed: (error) => {
        if (error instanceof ApiError && REFUSALS.includes(error.status)) this.giveUp((kept) => covers(order, kept));
      },
    });
  }

  /** Settle an accepted order: a later purchase is a new order. */
  private settle(order: Unsent): void {
    this.sent = this.sent.filter((other) => (order.cart ? other.cart === null : !covers(order, other)));
    if (order.cart) {
      this.shop.cart = without(this.shop.cart, order.cart);
      this.ordering = { state: "open", taken: order.cart };
    }
    const left = this.shop.unsent().filter((kept) => !covers(order, kept));
    this.shop.keep(order.cart ? left.filter(({ cart, givenUp }) => cart === null || !givenUp) : left);
    this.shop.changed();
  }

  private giveUp(which: (order: Unsent) => boolean): void {
    this.shop.keep(this.shop.unsent().map((order) => (which(order) ? { ...order, givenUp: true } : order)));
  }
}
