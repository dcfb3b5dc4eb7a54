import type { Item, User } from "../../../build/api_types";
import { type Api, pathSegment, toError } from "../platform/api";
import type { CardColumns, Site } from "../platform/site";
import { type Activity, awaitEffect, MAX_ACTIVITIES, type Snapshot, takeSnapshot } from "./activity";
import { type CarouselState, carouselsKey, loadCarousels, planCarousels } from "./carousels";
import * as cart from "./cart";
import { type Loaded, loadProducts, loadTimestamps } from "./catalogue";
import { errorText } from "./errors";
import {
  type Attribution,
  cartEvent,
  postEvents,
  requestBodies,
  type ShopEvent,
  searchEvent,
  viewEvent,
} from "./events";
import { type OrderStatus, Orders, type PendingOrder, type SendOptions } from "./orders";
import { fromItem, type Product, priceText, shortTitle } from "./product";
import type { Route } from "./route";
import { loadUsers, newGuest, parseShopper, type Shopper, shopperName } from "./shopper";
import { clearState, loadState, saveState } from "./storage";

/** Delays of further carousel requests after each event, because trends count it later than profiles do. */
const RELOAD_DELAYS_MS = [2_000, 6_000, 55_000];

/** The state of the shop in a browser: shopper, cart, carousels and sent events. */
export class Shop {
  shopper: Shopper;
  cart: cart.Cart;
  activity: readonly Activity[] = [];
  /** The loaded part of the catalogue. */
  loaded: Loaded | null = null;
  loading = false;
  loadingError: Error | null = null;
  /** Products of all responses. */
  readonly knownProducts = new Map<string, Product>();
  /** The model version of the last response. */
  modelVersion: string | null = null;

  private readonly orders: Orders;
  private sessionId = crypto.randomUUID();
  private readonly carousels = new Map<string, readonly CarouselState[]>();
  private readonly attributions = new Map<string, Attribution>();
  private readonly listeners = new Set<() => void>();
  private readonly requestedTitles = new Set<string>();
  private readonly timers: ReturnType<typeof setTimeout>[] = [];
  private route: Route = { page: "home" };
  private loadedUsers: Promise<readonly User[]> | null = null;
  private loadedTimestamps: Promise<ReadonlySet<string>> | null = null;
  private carouselRequests = 0;
  private turn = 0;
  private activities = 0;

  constructor(
    private readonly api: Api,
    private readonly site: Site,
    private readonly storage: Storage,
  ) {
    const stored = loadState(storage);
    this.shopper = stored ? parseShopper(stored.shopperId) : newGuest();
    this.cart = stored?.cart ?? [];
    this.orders = new Orders(this, (...sent) => this.send(...sent));
    this.save();
  }

  get orderStatus(): OrderStatus {
    return this.orders.orderStatus;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Change the shopper, who starts with a new session and an empty cart. */
  switchShopper(shopper: Shopper): void {
    if (shopper.id === this.shopper.id) return;
    this.shopper = shopper;
    this.sessionId = crypto.randomUUID();
    this.cart = [];
    this.orders.reset();
    this.turn++;
    this.carousels.clear();
    this.attributions.clear();
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.addActivity(`${shopperName(shopper)} shops now`, "settled");
    this.save();
    void this.reload();
  }

  /** Show a page's carousels. The earlier lists remain until the new ones arrive. */
  async show(route: Route): Promise<void> {
    this.route = route;
    this.orders.dismissConfirmation();
    await this.reload();
  }

  /** Return the loaded carousels of a page. */
  carouselsOf(route: Route): readonly CarouselState[] {
    return this.carousels.get(carouselsKey(route, this.shopper)) ?? [];
  }

  /** Reload the carousels of the current page. */
  async reload(): Promise<void> {
    const loading = ++this.carouselRequests;
    const { route, shopper } = this;
    const key = carouselsKey(route, shopper);
    const leaveOut = route.page === "item" ? [route.id] : route.page === "cart" ? this.cart.map((l) => l.itemId) : [];
    const planned = planCarousels(route, this.cart);
    await loadCarousels(
      this.api,
      planned,
      shopper,
      leaveOut,
      this.carousels.get(key) ?? [],
      (carousel) => {
        if (loading !== this.carouselRequests) return false; // a later request replaces this one
        for (const { product } of carousel.list?.items ?? []) this.knownProducts.set(product.id, product);
        this.modelVersion = carousel.list?.modelVersion ?? this.modelVersion;
        const others = (this.carousels.get(key) ?? []).filter(
          ({ plan }) => plan.recommender !== carousel.plan.recommender,
        );
        this.carousels.set(key, [...others, carousel]);
        this.changed();
        void this.loadMissingTitles(carousel);
        return true;
      },
      this.site.cards,
    );
  }

  /** Remember the recommendation from which a product is opened. */
  setAttribution(itemId: string, attribution: Attribution): void {
    this.attributions.set(itemId, attribution);
  }

  attributionOf(itemId: string): Attribution | null {
    return this.attributions.get(itemId) ?? null;
  }

  view(product: Product, query: string | null): void {
    void this.send(`View of ${shortTitle(product.title)}`, [
      viewEvent(product.id, this.attributionOf(product.id), query),
    ]);
  }

  search(query: string): void {
    void this.send(`Search for “${query}”`, [searchEvent(query)], { effect: false });
  }

  add(product: Product, attribution: Attribution | null): void {
    const { id: itemId, title, price } = product;
    this.cart = cart.addLine(this.cart, {
      itemId,
      title,
      price,
      recommendationId: attribution?.recommendationId ?? null,
    });
    this.orders.cartChanged();
    void this.send(`${shortTitle(title)} put into the cart`, [cartEvent(itemId, price, attribution)]);
  }

  setQuantity(itemId: string, quantity: number): void {
    this.cart = cart.withQuantity(this.cart, itemId, quantity);
    this.orders.cartChanged();
    this.changed();
  }

  /** Buy the cart's contents. They are removed from the cart when the API accepts the order, also after a retry. */
  async buyCart(): Promise<void> {
    await this.orders.buyCart();
  }

  /**
   * Buy lines, and resolve to true if the API accepted the order. A later retry of the order also calls `onAccepted`.
   */
  async buy(lines: cart.Cart, onAccepted: () => void): Promise<boolean> {
    return this.orders.buy(lines, onAccepted);
  }

  /** Send the orders without confirmation from before the page was closed. Duplicates count once. */
  async sendPendingOrders(): Promise<void> {
    await this.orders.sendPendingOrders();
  }

  /** Load a product. The promise for a missing product rejects with status 404. */
  async product(itemId: string): Promise<Product> {
    const { body } = await this.api.get<Item>(`/items/${pathSegment(itemId)}`);
    const product = fromItem(body, this.site.cards);
    this.knownProducts.set(itemId, product);
    return product;
  }

  /** Load users of the shop, once. */
  async users(): Promise<readonly User[]> {
    this.loadedUsers ??= loadUsers(this.api).catch((error: unknown) => {
      this.loadedUsers = null; // the next call tries again
      throw error;
    });
    return this.loadedUsers;
  }

  /** Load the keys of the item columns that are times, once. Without a description of the API, there are none. */
  async timestamps(): Promise<ReadonlySet<string>> {
    this.loadedTimestamps ??= loadTimestamps(this.api).catch(() => new Set<string>());
    return this.loadedTimestamps;
  }

  /** The columns that the shop chose for its pages. */
  get cards(): CardColumns {
    return this.site.cards ?? {};
  }

  /** Format a price in the shop's currency. */
  priceText(price: number | null): string {
    return priceText(price, this.cards.currency);
  }

  /** Return a product's name for sentences. */
  title(itemId: string): string {
    return shortTitle(this.knownProducts.get(itemId)?.title ?? `product ${itemId}`);
  }

  /** Load the catalogue, or more of it. */
  async load(more = false): Promise<void> {
    if (this.loading || (this.loaded && !more)) return;
    this.loading = true;
    this.loadingError = null;
    this.changed();
    try {
      await loadProducts(
        this.api,
        this.loaded,
        (loaded) => {
          this.loaded = loaded;
          this.changed();
        },
        this.site.cards,
      );
    } catch (error) {
      this.loadingError = toError(error);
    }
    this.loading = false;
    this.changed();
  }

  /** Delete the stored state at sign-out. */
  forget(): void {
    clearState(this.storage);
  }

  /** Send events, and resolve to true if the API accepted them. Then wait for their effect in the background. */
  private async send(what: string, events: readonly ShopEvent[], options: SendOptions = {}): Promise<boolean> {
    const { effect = true, onAccepted, onFailed } = options;
    const { shopper } = this;
    const id = this.addActivity(what, "sending");
    const turn = effect ? ++this.turn : 0;
    const current = () => turn === this.turn && shopper === this.shopper;
    const before = effect ? await takeSnapshot(this.api, shopper).catch(() => null) : null;
    try {
      await postEvents(this.api, requestBodies(events, shopper, this.sessionId, this.site.trackingId));
    } catch (error) {
      const again = () => {
        this.updateActivity(id, { again: null });
        if (shopper === this.shopper) void this.send(what, events, options);
      };
      this.updateActivity(id, { state: "failed", error: errorText(toError(error)), again });
      onFailed?.(toError(error));
      return false;
    }
    this.updateActivity(id, { state: before && current() ? "watching" : "sent" });
    onAccepted?.();
    if (effect) this.scheduleReloads();
    if (before && current()) void this.showEffect(id, shopper, before, current);
    return true;
  }

  private async showEffect(id: number, shopper: Shopper, before: Snapshot, current: () => boolean): Promise<void> {
    const sleep = (ms: number) =>
      new Promise<void>((done, stop) =>
        setTimeout(() => (current() ? done() : stop(new Error("replaced by a later action"))), ms),
      );
    try {
      const outcome = await awaitEffect({
        before,
        takeSnapshot: () => takeSnapshot(this.api, shopper),
        sleep,
        nowMs: () => performance.now(),
      });
      if (!current()) throw new Error("replaced by a later action");
      this.updateActivity(id, { state: "settled", outcome });
      await this.reload();
    } catch {
      this.updateActivity(id, { state: "sent" }); // a later action ended the wait, or a request failed; the carousels show its error
    }
  }

  private scheduleReloads(): void {
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.timers.push(...RELOAD_DELAYS_MS.map((ms) => setTimeout(() => void this.reload(), ms)));
  }

  /** Load the products of reasons, which have only IDs. */
  private async loadMissingTitles(carousel: CarouselState): Promise<void> {
    const itemIds = carousel.list?.items.flatMap((item) => item.reasons.map((reason) => reason.itemId)) ?? [];
    const unknown = [...new Set(itemIds)].filter((id) => !this.knownProducts.has(id) && !this.requestedTitles.has(id));
    for (const id of unknown) this.requestedTitles.add(id);
    await Promise.all(unknown.map((id) => this.product(id).catch(() => null))); // a deleted product is shown by its ID
    if (unknown.length > 0) this.changed();
  }

  private addActivity(what: string, state: Activity["state"]): number {
    const id = ++this.activities;
    const line: Activity = { id, what, state, outcome: null, error: null, again: null };
    this.activity = [line, ...this.activity].slice(0, MAX_ACTIVITIES);
    this.changed();
    return id;
  }

  private updateActivity(id: number, changes: Partial<Activity>): void {
    this.activity = this.activity.map((line) => (line.id === id ? { ...line, ...changes } : line));
    this.changed();
  }

  /** Return the current shopper's pending orders of all tabs. */
  pendingOrders(): readonly PendingOrder[] {
    const stored = loadState(this.storage);
    return stored?.shopperId === this.shopper.id ? stored.unsent : [];
  }

  /** Store the state that outlives the page. */
  save(unsent = this.pendingOrders()): void {
    saveState(this.storage, { shopperId: this.shopper.id, cart: this.cart, unsent });
  }

  /** Notify the subscribers. */
  changed(): void {
    for (const listener of this.listeners) listener();
  }
}
