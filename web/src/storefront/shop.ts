import type { Item, SessionToken, User } from "../../../build/api_types";
import { AlsolikeError, Client, type ShopEvent } from "../../sdk/src/index.ts";
import { type Api, ApiError, pathSegment, toError } from "../platform/api";
import type { CardColumns, Site } from "../platform/site";
import { type Activity, awaitEffect, MAX_ACTIVITIES, type Snapshot, takeSnapshot } from "./activity";
import { type CarouselState, carouselsKey, loadCarousels, planCarousels } from "./carousels";
import * as cart from "./cart";
import { type Loaded, loadProducts, loadTimestamps } from "./catalogue";
import { errorText } from "./errors";
import { type Identity, type Purchase, postEvents, requestBodies } from "./events";
import { type OrderStatus, Orders, type PendingOrder, type SendOptions } from "./orders";
import { priceText } from "./price";
import { fromItem, type Product, shortTitle } from "./product";
import type { Route } from "./route";
import { loadUsers, newGuest, parseShopper, type Shopper, shopperName } from "./shopper";
import { clearState, loadState, saveState } from "./storage";

/** Delays of further carousel requests after each event, because trends count an event later than profiles do. */
const RELOAD_DELAYS_MS = [2_000, 6_000, 55_000];

interface Delivery extends SendOptions {
  /** False to send events without effect on the lists. */
  readonly effect?: boolean;
  /** Repeats a failed delivery. */
  readonly again: () => Promise<void>;
}

const keyOf = ({ eventType, itemId = "" }: Pick<ShopEvent, "eventType" | "itemId">) => `${eventType} ${itemId}`;

/** Return a new session of a user, or the session of a visitor, who is only a session. */
const newIdentity = ({ id, anonymous }: Shopper): Identity =>
  anonymous ? { sessionId: id } : { userId: id, sessionId: crypto.randomUUID() };

export class Shop {
  shopper: Shopper;
  cart: cart.Cart;
  activity: readonly Activity[] = [];
  loaded: Loaded | null = null;
  loading = false;
  loadingError: Error | null = null;
  /** Products of all responses. */
  readonly knownProducts = new Map<string, Product>();
  modelVersion: string | null = null;
  readonly client: Client;

  private readonly orders: Orders;
  private identity: Identity;
  /** Resolves when the client uses tokens of the current shopper. */
  private identified: Promise<void> = Promise.resolve();
  private readonly errors = new Map<string, Error>();
  private readonly carousels = new Map<string, readonly CarouselState[]>();
  private readonly listeners = new Set<() => void>();
  private readonly requestedTitles = new Set<string>();
  private readonly timers: ReturnType<typeof setTimeout>[] = [];
  private route: Route = { page: "home" };
  private loadedUsers: Promise<readonly User[]> | null = null;
  private loadedTimestamps: Promise<ReadonlySet<string>> | null = null;
  private carouselRequests = 0;
  /**
   * Increases with each event that affects lists, and each change of the shopper. Only the latest event's effect is
   * shown.
   */
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
    this.identity = newIdentity(this.shopper);
    this.client = new Client({
      api: site.api,
      token: () => this.newToken(),
      onError: (error, events) => {
        for (const event of events) this.errors.set(keyOf(event), error);
      },
    });
    this.orders = new Orders(this, (what, purchases, options) =>
      this.send(what, () => this.order(purchases), { again: () => this.order(purchases), ...options }),
    );
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
    this.identified = this.client.flush().then(() => {
      this.identity = newIdentity(this.shopper);
      return this.client.logout();
    });
    this.cart = [];
    this.orders.reset();
    this.turn++;
    this.carousels.clear();
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.addActivity(`${shopperName(shopper)} shops now`, "settled");
    this.save();
    void this.reload();
  }

  /** Show a page's carousels. The earlier lists remain until the new lists arrive. */
  async show(route: Route): Promise<void> {
    this.route = route;
    this.orders.dismissConfirmation();
    await this.reload();
  }

  carouselsOf(route: Route): readonly CarouselState[] {
    return this.carousels.get(carouselsKey(route, this.shopper)) ?? [];
  }

  async reload(): Promise<void> {
    const loading = ++this.carouselRequests;
    const { route, shopper } = this;
    const key = carouselsKey(route, shopper);
    const leaveOut = route.page === "item" ? [route.id] : route.page === "cart" ? this.cart.map((l) => l.itemId) : [];
    const planned = planCarousels(route, this.cart);
    await this.identified;
    await loadCarousels(
      this.client,
      planned,
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

  /** Return the ID of the recommendation in which the shopper clicked a product. */
  recommendationOf(itemId: string): string | null {
    return this.client.clicks.get(itemId)?.attribution.recommendationId ?? null;
  }

  view({ id: itemId, title }: Product, query: string | null): void {
    const event = { eventType: "view", itemId, ...(query && { properties: { query } }) };
    void this.track(`View of ${shortTitle(title)}`, event);
  }

  search(query: string): void {
    void this.track(`Search for “${query}”`, { eventType: "search", properties: { query } }, { effect: false });
  }

  add({ id: itemId, title, price }: Product): void {
    this.cart = cart.addLine(this.cart, { itemId, title, price, recommendationId: this.recommendationOf(itemId) });
    this.orders.cartChanged();
    const event = { eventType: "cart", itemId, ...(price !== null && { eventValue: price }) };
    void this.track(`${shortTitle(title)} put into the cart`, event);
  }

  setQuantity(itemId: string, quantity: number): void {
    this.cart = cart.withQuantity(this.cart, itemId, quantity);
    this.orders.cartChanged();
    this.changed();
  }

  /** Buy the cart's contents, which are removed from the cart when the API accepts the order, also after a retry. */
  async buyCart(): Promise<void> {
    await this.orders.buyCart();
  }

  /**
   * Buy lines, and resolve to true if the API accepted the order. A later retry of the order also calls `onAccepted`.
   */
  async buy(lines: cart.Cart, onAccepted: () => void): Promise<boolean> {
    return this.orders.buy(lines, onAccepted);
  }

  /** Send the orders of earlier visits that the API has not confirmed. Duplicates count once. */
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

  get cards(): CardColumns {
    return this.site.cards ?? {};
  }

  priceText(price: number | null): string {
    return priceText(price, this.cards.currency);
  }

  title(itemId: string): string {
    return shortTitle(this.knownProducts.get(itemId)?.title ?? `product ${itemId}`);
  }

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

  forget(): void {
    this.client.setConsent(false);
    clearState(this.storage);
  }

  private async newToken(): Promise<string> {
    try {
      const { body } = await this.api.post<SessionToken>("/operator/session-tokens", this.identity);
      return body.token;
    } catch (error) {
      throw error instanceof ApiError ? new AlsolikeError(error.status, error.message) : error;
    }
  }

  /** Send an order as the shop's backend does, because browsers' sessions may not send purchases. */
  private async order(purchases: readonly Purchase[]): Promise<void> {
    await postEvents(this.api, requestBodies(purchases, this.identity, this.site.trackingId));
  }

  private async track(what: string, event: ShopEvent, options: { readonly effect?: boolean } = {}): Promise<void> {
    const sentAt = Date.now() / 1000;
    const deliver = async () => {
      await this.client.flush();
      const error = this.errors.get(keyOf(event));
      this.errors.delete(keyOf(event));
      if (error) throw error;
    };
    const track = async () => {
      this.client.track({ ...event, sentAt }, true);
      await deliver();
    };
    await this.send(what, track, { ...options, again: deliver });
  }

  /** Deliver events, and resolve to true if the API accepted them. Their effect is shown later, in the background. */
  private async send(what: string, deliver: () => Promise<void>, options: Delivery): Promise<boolean> {
    const { effect = true, again, onAccepted, onFailed } = options;
    const { shopper } = this;
    const id = this.addActivity(what, "sending");
    const turn = effect ? ++this.turn : 0;
    const current = () => turn === this.turn && shopper === this.shopper;
    await this.identified;
    const before = effect ? await takeSnapshot(this.client).catch(() => null) : null;
    try {
      await deliver();
    } catch (error) {
      const sendAgain = () => {
        this.updateActivity(id, { again: null });
        if (shopper === this.shopper) void this.send(what, again, options);
      };
      // The browser package keeps events that were not rejected until the API accepts them.
      const isRejected = error instanceof AlsolikeError && error.status > 0 && error.status < 429;
      this.updateActivity(id, {
        state: "failed",
        error: errorText(toError(error)),
        again: isRejected ? null : sendAgain,
      });
      onFailed?.(toError(error));
      return false;
    }
    this.updateActivity(id, { state: before && current() ? "watching" : "sent" });
    onAccepted?.();
    if (effect) this.scheduleReloads();
    if (before && current()) void this.showEffect(id, before, current);
    return true;
  }

  private async showEffect(id: number, before: Snapshot, current: () => boolean): Promise<void> {
    const sleep = (ms: number) =>
      new Promise<void>((done, stop) =>
        setTimeout(() => (current() ? done() : stop(new Error("replaced by a later action"))), ms),
      );
    try {
      const outcome = await awaitEffect({
        before,
        takeSnapshot: () => takeSnapshot(this.client),
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

  save(unsent = this.pendingOrders()): void {
    saveState(this.storage, { shopperId: this.shopper.id, cart: this.cart, unsent });
  }

  changed(): void {
    for (const listener of this.listeners) listener();
  }
}
