import { ApiError } from "../platform/api";
import { type Cart, without } from "./cart";
import { bought, type ShopEvent } from "./events";
import { isSameOrder, Order, type Ordering, type Unsent } from "./order";
import { shortTitle } from "./product";
import type { Shopper } from "./shopper";
import type { Kept } from "./storage";

/** How events are sent. */
export interface Sending {
  /** Whether their effect is looked for. */
  readonly effect?: boolean;
  readonly onTaken?: () => void;
  readonly onFailed?: (error: Error) => void;
}

/** What orders see of the shop. */
interface Ordered {
  readonly shopper: Shopper;
  cart: Cart;
  keep(): void;
  changed(): void;
}

type Send = (what: string, events: readonly ShopEvent[], sending: Sending) => Promise<boolean>;

/** The orders of whoever shops: that of the cart's content, and those of which nothing says that they were taken. */
export class Orders {
  ordering: Ordering = { state: "open", taken: null };
  private order: Order;
  private unsent: readonly Unsent[];

  constructor(
    private readonly shop: Ordered,
    private readonly send: Send,
    kept: Pick<Kept, "order" | "unsent"> | null,
  ) {
    this.order = new Order(kept?.order?.id, kept?.order?.numbers);
    this.unsent = kept?.unsent ?? [];
  }

  kept(): Pick<Kept, "order" | "unsent"> {
    return { order: this.order.kept(), unsent: this.unsent };
  }

  async buyCart(): Promise<void> {
    const { cart } = this.shop;
    await this.sendCart(cart, asUnsent(cart, this.order, cart));
  }

  async buy(lines: Cart, order: Order, onTaken: () => void): Promise<boolean> {
    return this.sendKept(asUnsent(lines, order, null), onTaken);
  }

  async sendUnsent(): Promise<void> {
    const { shopper } = this.shop;
    for (const unsent of this.unsent) {
      if (shopper !== this.shop.shopper) return;
      await (unsent.cart ? this.sendCart(unsent.cart, unsent) : this.sendKept(unsent, () => {}));
    }
  }

  /** The cart is another: what was said of the attempt to buy what it was is no longer so, and it is not sent by itself. */
  edited(): void {
    if (this.ordering.state !== "failed") return;
    this.ordering = { state: "open", taken: null };
    this.unsent = this.unsent.filter(({ cart }) => cart === null);
  }

  /** Thanks were given for what was taken. */
  thanked(): void {
    if (this.ordering.taken) this.ordering = { ...this.ordering, taken: null };
  }

  /** Somebody else shops. */
  forget(): void {
    this.unsent = [];
    this.begin(null);
  }

  private begin(taken: Cart | null): void {
    this.order = new Order();
    this.ordering = { state: "open", taken };
  }

  private async sendCart(lines: Cart, unsent: Unsent): Promise<void> {
    const { order } = this;
    this.ordering = { state: "buying", taken: null };
    const taken = await this.sendKept(unsent, () => {
      if (order !== this.order) return;
      this.shop.cart = without(this.shop.cart, lines);
      this.begin(lines);
      this.shop.keep();
      this.shop.changed();
    });
    if (taken || order !== this.order) return;
    this.ordering = { state: "failed", taken: null };
    this.shop.changed();
  }

  /** Send an order and keep it until it is taken, or refused for what it says, which it would be each time. */
  private async sendKept(order: Unsent, onTaken: () => void): Promise<boolean> {
    const { shopper } = this.shop;
    const settle = (left: readonly Unsent[]) => {
      if (shopper !== this.shop.shopper) return;
      this.unsent = [...this.unsent.filter((unsent) => !isSameOrder(unsent, order)), ...left];
      this.shop.keep();
    };
    settle([order]);
    return this.send(order.what, order.events, {
      onTaken: () => {
        settle([]);
        onTaken();
      },
      onFailed: (error) => {
        if (error instanceof ApiError && error.status === 400) settle([]);
      },
    });
  }
}

/** An order of these lines as it is sent now. */
function asUnsent(lines: Cart, order: Order, cart: Cart | null): Unsent {
  const [line, ...others] = lines;
  const what = line && others.length === 0 ? shortTitle(line.title) : `${lines.length} products`;
  return { what: `Purchase of ${what}`, events: bought(lines, order, Date.now()), cart };
}
