import type { Api } from "../platform/api";
import { pathSegment } from "../platform/api";
import type { Site } from "../platform/site";
import { type Activity, REMEMBERED } from "./activity";
import * as cart from "./cart";
import { type Loaded, loadProducts } from "./catalogue";
import { bodies, carted, type Lead, post, type ShopEvent, searched, viewed } from "./events";
import { asError, failureSentence } from "./failure";
import type { Ordering, Unsent } from "./order";
import { Orders, type Sending } from "./orders";
import { fromRow, type ItemRow, type Product, shortTitle } from "./product";
import type { Route } from "./route";
import { loadShelves, plans, type Shelf, shelvesKey } from "./shelves";
import { inventShopper, loadUsers, type Shopper, shopperName, shopperOf, type UserRow } from "./shopper";
import { forget, keep, readKept } from "./storage";
import { type Look, lookAt, watch } from "./watch";

/** Delays of further carousel requests after an event, in any case: trends count it later than profiles do. */
const ASK_AGAIN_MS = [2_000, 6_000, 45_000];

/** The shop as one browser has it: who shops, the cart, what the page shows, and what was sent. */
export class Shop {
  shopper: Shopper;
  cart: cart.Cart;
  activity: readonly Activity[] = [];
  /** The catalogue as far as it was needed. */
  loaded: Loaded | null = null;
  loading = false;
  loadingError: Error | null = null;
  /** Every product that any answer has brought. */
  readonly known = new Map<string, Product>();
  /** The version of the model that answered last. */
  modelVersion: string | null = null;

  private readonly orders: Orders;
  private sessionId = crypto.randomUUID();
  private readonly shelves = new Map<string, readonly Shelf[]>();
  private readonly leads = new Map<string, Lead>();
  private readonly listeners = new Set<() => void>();
  private readonly asked = new Set<string>();
  private readonly timers: ReturnType<typeof setTimeout>[] = [];
  private route: Route = { page: "home" };
  private loadedUsers: Promise<readonly UserRow[]> | null = null;
  private loadingShelves = 0;
  private watching = 0;
  private activities = 0;

  constructor(
    private readonly api: Api,
    private readonly site: Site,
    private readonly storage: Storage,
  ) {
    const kept = readKept(storage);
    this.shopper = kept ? shopperOf(kept.shopperId) : inventShopper();
    this.cart = kept?.cart ?? [];
    this.orders = new Orders(this, (...sent) => this.send(...sent));
    this.keep();
  }

  get ordering(): Ordering {
    return this.orders.ordering;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Change the shopper, who starts with a new session and an empty cart. */
  become(shopper: Shopper): void {
    if (shopper.id === this.shopper.id) return;
    this.shopper = shopper;
    this.sessionId = crypto.randomUUID();
    this.cart = [];
    this.orders.forget();
    this.watching++;
    this.shelves.clear();
    this.leads.clear();
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.note(`${shopperName(shopper)} shops now`, "settled");
    this.keep();
    void this.reload();
  }

  /** Show a page's carousels; earlier answers stay until the new ones arrive. */
  async show(route: Route): Promise<void> {
    this.route = route;
    this.orders.thanked();
    await this.reload();
  }

  /** The carousels of a page, as far as they have come. */
  shelvesOf(route: Route): readonly Shelf[] {
    return this.shelves.get(shelvesKey(route, this.shopper)) ?? [];
  }

  /** Ask for the carousels of the page that is shown. */
  async reload(): Promise<void> {
    const loading = ++this.loadingShelves;
    const { route, shopper } = this;
    const key = shelvesKey(route, shopper);
    const leaveOut = route.page === "item" ? [route.id] : route.page === "cart" ? this.cart.map((l) => l.itemId) : [];
    const planned = plans(route, this.cart);
    await loadShelves(
      this.api,
      planned,
      shopper,
      leaveOut,
      this.shelves.get(key) ?? [],
      (shelf) => {
        if (loading !== this.loadingShelves) return false; // another page is shown, or asked again
        for (const { product } of shelf.list?.items ?? []) this.known.set(product.id, product);
        this.modelVersion = shelf.list?.modelVersion ?? this.modelVersion;
        const others = (this.shelves.get(key) ?? []).filter((each) => each.plan.recommender !== shelf.plan.recommender);
        this.shelves.set(key, [...others, shelf]);
        this.changed();
        void this.learnTitles(shelf);
        return true;
      },
      this.site.cards,
    );
  }

  /** Remember which answer a product is opened from. */
  lead(itemId: string, lead: Lead): void {
    this.leads.set(itemId, lead);
  }

  leadOf(itemId: string): Lead | null {
    return this.leads.get(itemId) ?? null;
  }

  view(product: Product, query: string | null): void {
    void this.send(`View of ${shortTitle(product.title)}`, [viewed(product.id, this.leadOf(product.id), query)]);
  }

  search(query: string): void {
    void this.send(`Search for “${query}”`, [searched(query)], { effect: false });
  }

  add(product: Product, lead: Lead | null): void {
    const { id: itemId, title, price } = product;
    this.cart = cart.added(this.cart, { itemId, title, price, recommendationId: lead?.recommendationId ?? null });
    this.orders.edited();
    void this.send(`${shortTitle(title)} put into the cart`, [carted(itemId, price, lead)]);
  }

  setQuantity(itemId: string, quantity: number): void {
    this.cart = cart.withQuantity(this.cart, itemId, quantity);
    this.orders.edited();
    this.changed();
  }

  /** Buy what is in the cart, which is emptied once the API accepts the order, even after a retry. */
  async buyCart(): Promise<void> {
    await this.orders.buyCart();
  }

  /** Buy something; resolves to whether the API accepted it. A later retry of the same order also calls `onTaken`. */
  async buy(lines: cart.Cart, onTaken: () => void): Promise<boolean> {
    return this.orders.buy(lines, onTaken);
  }

  /** Send the orders that were unconfirmed when the page was left; duplicates count once. */
  async sendUnsent(): Promise<void> {
    await this.orders.sendUnsent();
  }

  /** A product of the catalogue; refused where it has none of the id. */
  async product(itemId: string): Promise<Product> {
    const { body } = await this.api.get<ItemRow>(`/items/${pathSegment(itemId)}`);
    const product = fromRow(body, this.site.cards);
    this.known.set(itemId, product);
    return product;
  }

  /** Users of the shop, as far as a page loads them. */
  async users(): Promise<readonly UserRow[]> {
    this.loadedUsers ??= loadUsers(this.api).catch((error: unknown) => {
      this.loadedUsers = null; // the next who asks tries again
      throw error;
    });
    return this.loadedUsers;
  }

  /** A product's name in sentences. */
  title(itemId: string): string {
    return shortTitle(this.known.get(itemId)?.title ?? `product ${itemId}`);
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
      this.loadingError = asError(error);
    }
    this.loading = false;
    this.changed();
  }

  /** Forget who shopped, as a page that is left for good does. */
  forget(): void {
    forget(this.storage);
  }

  /** Send events; resolves to whether the API accepted them. Then look for their effect in the background. */
  private async send(what: string, events: readonly ShopEvent[], sending: Sending = {}): Promise<boolean> {
    const { effect = true, onTaken, onFailed } = sending;
    const { shopper } = this;
    const id = this.note(what, "sending");
    const watching = effect ? ++this.watching : 0;
    const current = () => watching === this.watching && shopper === this.shopper;
    const before = effect ? await lookAt(this.api, shopper).catch(() => null) : null;
    try {
      await post(this.api, bodies(events, shopper, this.sessionId, this.site.trackingId));
    } catch (error) {
      const again = () => {
        this.amend(id, { again: null });
        if (shopper === this.shopper) void this.send(what, events, sending);
      };
      this.amend(id, { state: "failed", error: failureSentence(asError(error)), again });
      onFailed?.(asError(error));
      return false;
    }
    this.amend(id, { state: before && current() ? "watching" : "sent" });
    onTaken?.();
    if (effect) this.askAgain();
    if (before && current()) void this.watch(id, shopper, before, current);
    return true;
  }

  private async watch(id: number, shopper: Shopper, before: Look, current: () => boolean): Promise<void> {
    const sleep = (ms: number) =>
      new Promise<void>((done, stop) => setTimeout(() => (current() ? done() : stop(new Error("overtaken"))), ms));
    try {
      const outcome = await watch({
        before,
        look: () => lookAt(this.api, shopper),
        sleep,
        nowMs: () => performance.now(),
      });
      if (!current()) throw new Error("overtaken");
      this.amend(id, { state: "settled", outcome });
      await this.reload();
    } catch {
      this.amend(id, { state: "sent" }); // after a later action, or a failed request, which the carousels show
    }
  }

  private askAgain(): void {
    for (const timer of this.timers.splice(0)) clearTimeout(timer);
    this.timers.push(...ASK_AGAIN_MS.map((ms) => setTimeout(() => void this.reload(), ms)));
  }

  /** Reasons name items by their ids; people want titles. */
  private async learnTitles(shelf: Shelf): Promise<void> {
    const named = shelf.list?.items.flatMap((item) => item.reasons.map((reason) => reason.itemId)) ?? [];
    const unknown = [...new Set(named)].filter((id) => !this.known.has(id) && !this.asked.has(id));
    for (const id of unknown) this.asked.add(id);
    await Promise.all(unknown.map((id) => this.product(id).catch(() => null))); // one that was deleted goes by its id
    if (unknown.length > 0) this.changed();
  }

  private note(what: string, state: Activity["state"]): number {
    const id = ++this.activities;
    const line: Activity = { id, what, state, outcome: null, error: null, again: null };
    this.activity = [line, ...this.activity].slice(0, REMEMBERED);
    this.changed();
    return id;
  }

  private amend(id: number, changes: Partial<Activity>): void {
    this.activity = this.activity.map((line) => (line.id === id ? { ...line, ...changes } : line));
    this.changed();
  }

  /** The current shopper's orders that any tab has kept. */
  unsent(): readonly Unsent[] {
    const kept = readKept(this.storage);
    return kept?.shopperId === this.shopper.id ? kept.unsent : [];
  }

  /** Keep what lasts longer than the page. */
  keep(unsent = this.unsent()): void {
    keep(this.storage, { shopperId: this.shopper.id, cart: this.cart, unsent });
  }

  /** Tell everybody who shows something of it. */
  changed(): void {
    for (const listener of this.listeners) listener();
  }
}
