import { ApiError } from "../platform/api";
import { type Cart, removeQuantities } from "./cart";
import { type Purchase, purchaseEvents } from "./events";
import { shortTitle } from "./product";

/** State of the cart's order. `accepted` is the bought cart while the page shows the confirmation. */
export interface OrderStatus {
  readonly state: "open" | "buying" | "failed";
  readonly accepted: Cart | null;
}

/** A sent order that the API has not confirmed. */
export interface PendingOrder {
  readonly what: string;
  readonly events: readonly Purchase[];
  /** The contents of the cart if the order is for the cart. The contents are removed when the API accepts the order. */
  readonly cart: Cart | null;
  /** True if the order is no longer sent automatically, and is stored only for the IDs of its lines. */
  readonly givenUp: boolean;
}

export function covers(order: PendingOrder, other: PendingOrder): boolean {
  return other.events.every(({ eventId }) => order.events.some((event) => event.eventId === eventId));
}

/** Return the events with the IDs of earlier events of the same item and quantity. */
export function reuseEventIds(sent: readonly PendingOrder[], events: readonly Purchase[]): Purchase[] {
  const before = sent.flatMap((order) => order.events);
  return events.map((event) => {
    const same = before.find(({ itemId, properties }) => itemId === event.itemId && properties === event.properties);
    return same ? { ...event, eventId: same.eventId } : event;
  });
}

export interface SendOptions {
  readonly onAccepted?: () => void;
  readonly onFailed?: (error: Error) => void;
}

interface OrderStore {
  cart: Cart;
  /** The current shopper's orders of all tabs. */
  pendingOrders(): readonly PendingOrder[];
  save(unsent: readonly PendingOrder[]): void;
  changed(): void;
}

type Send = (what: string, events: readonly Purchase[], sending: SendOptions) => Promise<boolean>;

/** Statuses for which a retry is useless. After 401, the client has already tried a new token. */
const PERMANENT_FAILURES = [400, 401, 403, 413, 422];

/**
 * The current shopper's orders, stored until the API accepts them.
 *
 * If a line is bought again with the same quantity before the API has confirmed it, the line keeps its event ID and
 * counts once. Orders of the cart and orders of single products do not share event IDs.
 */
export class Orders {
  orderStatus: OrderStatus = { state: "open", accepted: null };
  /**
   * Sent orders without confirmation. The stored orders do not suffice: other tabs may settle an order, and storage may
   * be disabled.
   */
  private sent: readonly PendingOrder[] = [];

  constructor(
    private readonly shop: OrderStore,
    private readonly send: Send,
  ) {}

  async buyCart(): Promise<void> {
    const { cart } = this.shop;
    await this.sendCart(this.createOrder(cart, cart));
  }

  async buy(lines: Cart, onAccepted: () => void): Promise<boolean> {
    return this.sendPending(this.createOrder(lines, null), onAccepted);
  }

  async sendPendingOrders(): Promise<void> {
    for (const order of this.shop.pendingOrders()) {
      // a later action may have settled the order, or given it up
      const due = this.shop.pendingOrders().find((stored) => !stored.givenUp && covers(order, stored));
      if (due) await (due.cart ? this.sendCart(due) : this.sendPending(due));
    }
  }

  /** Give up orders of the previous contents of the cart, which are then no longer sent automatically. */
  cartChanged(): void {
    if (this.orderStatus.state === "failed") this.orderStatus = { state: "open", accepted: null };
    this.giveUp(({ cart }) => cart !== null);
  }

  dismissConfirmation(): void {
    if (this.orderStatus.accepted) this.orderStatus = { ...this.orderStatus, accepted: null };
  }

  reset(): void {
    this.sent = [];
    this.orderStatus = { state: "open", accepted: null };
  }

  /** Return an order of these lines, with the event IDs of equal lines in unconfirmed orders. */
  private createOrder(lines: Cart, cart: Cart | null): PendingOrder {
    const [line, ...others] = lines;
    const what = line && others.length === 0 ? shortTitle(line.title) : `${lines.length} products`;
    const before = [...this.sent, ...this.shop.pendingOrders()].filter(
      (order) => (order.cart === null) === (cart === null),
    );
    return { what: `Purchase of ${what}`, events: reuseEventIds(before, purchaseEvents(lines)), cart, givenUp: false };
  }

  private async sendCart(order: PendingOrder): Promise<void> {
    const { cart } = this.shop;
    this.orderStatus = { state: "buying", accepted: null };
    const accepted = await this.sendPending(order);
    if (accepted || !this.sent.includes(order)) return; // the order is settled, or the shopper has changed
    this.orderStatus = { state: cart === this.shop.cart ? "failed" : "open", accepted: null };
    this.shop.changed();
  }

  /** Send an order, and keep it until the API accepts it. A rejected order is kept only for its IDs. */
  private async sendPending(order: PendingOrder, onAccepted = () => {}): Promise<boolean> {
    this.sent = [...this.sent, order];
    this.shop.save([...this.shop.pendingOrders().filter((stored) => !covers(order, stored)), order]);
    return this.send(order.what, order.events, {
      onAccepted: () => {
        if (this.sent.includes(order)) this.settle(order); // otherwise a parallel attempt has settled it
        onAccepted();
      },
      onFailed: (error) => {
        if (error instanceof ApiError && PERMANENT_FAILURES.includes(error.status))
          this.giveUp((stored) => covers(order, stored));
      },
    });
  }

  /** Remove an accepted order and its quantities in the cart, so that a later purchase is a new order. */
  private settle(order: PendingOrder): void {
    this.sent = this.sent.filter((other) => (order.cart ? other.cart === null : !covers(order, other)));
    if (order.cart) {
      this.shop.cart = removeQuantities(this.shop.cart, order.cart);
      this.orderStatus = { state: "open", accepted: order.cart };
    }
    const left = this.shop.pendingOrders().filter((stored) => !covers(order, stored));
    this.shop.save(order.cart ? left.filter(({ cart, givenUp }) => cart === null || !givenUp) : left);
    this.shop.changed();
  }

  private giveUp(which: (order: PendingOrder) => boolean): void {
    this.shop.save(this.shop.pendingOrders().map((order) => (which(order) ? { ...order, givenUp: true } : order)));
  }
}
