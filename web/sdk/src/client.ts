import { MAX_EVENTS } from "./build/api_types";
import { AlsolikeError, Connection, claimsOf, siteTokens, type TokenProvider } from "./connection";
import { loadStatic } from "./load_static";
import type { RecommendationRequest, Recommendations, RecommendedItem, ShopEvent } from "./recommendations";
import { impressionOf, SeenItems } from "./seen";
import type { HistoryEvent, StaticLists } from "./static";

export interface Options {
  /** Address of the API, without a slash at its end. Only `mode: "static"` needs none. */
  readonly api?: string;
  /** The shop's public key for its pages. */
  readonly siteKey?: string;
  /** Returns session tokens that the shop's backend signs, in place of a site key. */
  readonly token?: TokenProvider;
  /** Address of the folder with static lists, which replace the API's lists while the API fails or is slow. */
  readonly lists?: string;
  /** `static`: recommend from static lists only, and send nothing. */
  readonly mode?: "static";
  /** False to send no events and store nothing until `setConsent(true)`. */
  readonly consent?: boolean;
  /**
   * Called if a call that sends events fails, with the error and the events of the call. If the events will be sent
   * again, `events` also contains all waiting events. By default, errors are logged.
   */
  readonly onError?: (error: Error, events: readonly Pick<ShopEvent, "eventType" | "itemId">[]) => void;
}

type Sent = Omit<ShopEvent, "properties"> & {
  readonly eventId: string;
  readonly sentAt: number;
  readonly properties?: string;
};

/** The maximum number of events that wait for the API. If there are more, the oldest are dropped. */
const MAX_WAITING = 100;
/** The time from an event to the call that sends all waiting events. */
const GATHER_MS = 1_000;
/** The maximum number of stored clicks. Later events of the same items are attributed to these clicks. */
const MAX_CLICKS = 20;
/** The maximum number of events for the ranking of static lists. */
const MAX_HISTORY = 20;
/** The time after which static lists replace the API's answer. */
const SLOW_MS = 1_000;
/** The time after a failed or slow response during which static lists are used without a call. */
const PAUSE_MS = 30_000;
const CLICKS = "alsolike.clicks";
const HISTORY = "alsolike.history";
const VISITOR = "alsolike.visitor";

type Attribution = Pick<ShopEvent, "recommendationId" | "impression">;

interface Click {
  readonly attribution: Attribution;
  readonly atMs: number;
}

/** The time after a click during which lists are loaded again, also on the next page. */
const FOLLOWED_MS = 5_000;

/** Sends the events of a page's visitor, and reads recommendations. */
export class Client extends EventTarget {
  readonly connection: Connection;
  private waiting: Sent[] = [];
  private sending: Promise<void> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private consent: boolean;
  /** Visitor ID for which tokens are requested with the site key. Empty with tokens of the shop's backend. */
  private visitor = "";
  /** The latest clicks in lists, by item. */
  readonly clicks = new Map<string, Click>();
  private readonly history: HistoryEvent[] = [];
  private lists: Promise<StaticLists> | undefined;
  private pausedMs: number;
  private readonly onError: NonNullable<Options["onError"]>;

  constructor(private readonly options: Options) {
    super();
    this.consent = options.consent ?? true;
    this.pausedMs = options.mode === "static" ? Infinity : 0;
    this.connection = new Connection(options.api ?? "", this.anonymous());
    this.onError = options.onError ?? ((error) => console.warn(`Alsolike: ${error.message}`));
    if (this.consent) this.restore();
    globalThis.document?.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.leave();
    });
  }

  /**
   * Queue an event, which is sent within a second, or immediately with `now`. Without consent and in the static mode,
   * no events are sent.
   */
  track(event: ShopEvent, now = false): void {
    this.remember(event);
    if (!this.consent || this.options.mode) return;
    const { properties, ...fields } = event;
    const click = event.recommendationId ? undefined : this.clicks.get(event.itemId ?? "")?.attribution;
    this.waiting.push({
      eventId: crypto.randomUUID(),
      sentAt: Date.now() / 1000,
      ...click,
      ...fields,
      ...(properties && { properties: JSON.stringify(properties) }),
    });
    this.waiting.splice(0, this.waiting.length - MAX_WAITING);
    if (now || this.waiting.length >= MAX_EVENTS) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  /**
   * Send the waiting events. If the API fails, the events wait for the next call. If the API rejects the events, they
   * are dropped.
   */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.send().finally(() => {
      this.sending = undefined;
    });
    return this.sending;
  }

  /**
   * Read recommendations. If the API is slow or fails, the static lists of `Options.lists` answer, except after a 4xx
   * status other than 429.
   */
  async recommend(request: RecommendationRequest = {}): Promise<Recommendations> {
    if (this.options.mode) return this.rank(request);
    if (!this.options.lists) return this.ask(request);
    if (Date.now() < this.pausedMs) return this.rank(request).catch(() => this.ask(request));
    const response = this.ask(request);
    try {
      return await Promise.race([response, tooSlow()]);
    } catch (error) {
      const { status } = error as AlsolikeError;
      if (status && status !== 429 && status < 500) throw error;
      this.pausedMs = Date.now() + PAUSE_MS;
      return this.rank(request).catch(() => response);
    }
  }

  private async rank(request: RecommendationRequest): Promise<Recommendations> {
    this.lists ??= loadStatic().then((module) => new module.StaticLists(this.options.lists as string));
    this.lists.catch(() => {
      this.lists = undefined;
    });
    return (await this.lists).recommend(request, this.history);
  }

  private async ask(request: RecommendationRequest): Promise<Recommendations> {
    const parameters = Object.entries(request).map(([name, value]) => [name, String(value ?? "")]);
    const query = new URLSearchParams(parameters.filter(([, text]) => text));
    const response = await this.connection.call(`/session/recommendations?${query}`);
    const { itemList, recommendationId } = await response.json();
    const { headers } = response;
    return {
      recommendationId,
      items: itemList.map((item: Omit<RecommendedItem, "metadata">) => ({ metadata: {}, ...item })),
      source: headers.get("x-alsolike-source") ?? "none",
      headers,
    };
  }

  /**
   * Send clicks on a list that the page shows, with the items that were in view. Elements of items have `data-item`.
   * The returned function stops the observation.
   */
  observe(root: HTMLElement, recommendationId: string): () => void {
    const seen = new SeenItems(root.querySelectorAll("[data-item]"));
    const click = ({ target }: Event) => {
      const itemId = (target as Element).closest<HTMLElement>("[data-item]")?.dataset.item;
      // A button with `aria-expanded` only opens a part of the page, so it is no click on the item.
      if (itemId !== undefined && (target as Element).closest("a, button:not([aria-expanded])")) {
        // A static list has no recommendation ID, and its clicks no attribution.
        this.click(itemId, recommendationId ? { recommendationId, impression: impressionOf(itemId, seen.ids()) } : {});
      }
    };
    root.addEventListener("click", click, true); // before the page's own listeners, so that their events name the recommendation
    return () => {
      seen.disconnect();
      root.removeEventListener("click", click, true);
    };
  }

  /** True if the visitor clicked in the last seconds, so that lists can change without another event. */
  get hasClicked(): boolean {
    return [...this.clicks.values()].some(({ atMs }) => Date.now() - atMs < FOLLOWED_MS);
  }

  /** Return the session's ID, for which the shop's backend signs tokens. */
  async sessionId(): Promise<string> {
    return claimsOf(await this.connection.token()).sid ?? "";
  }

  /** Use tokens that the shop's backend signs for this session and the user who is now signed in. */
  async login(token: (sessionId: string) => Promise<string>): Promise<void> {
    const id = await this.sessionId();
    this.visitor = "";
    await this.change(() => token(id));
  }

  /** Start a new session without a user. */
  async logout(): Promise<void> {
    await this.flush();
    this.visitor = "";
    this.forget();
    await this.change(this.anonymous());
  }

  /** Allow events and storage, or delete the waiting events and the stored data, and send nothing. */
  setConsent(consent: boolean): void {
    const { consent: before, visitor } = this;
    this.consent = consent;
    if (!consent) {
      this.forget();
    } else if (!before) {
      const token = this.anonymous();
      if (visitor && visitor !== this.visitor) void this.change(token);
      this.restore();
    }
  }

  /** Read the clicks and events that an earlier page of the visitor stored. */
  private restore(): void {
    for (const [itemId, click] of stored<[string, Click]>(CLICKS)) this.clicks.set(itemId, click);
    this.history.unshift(...stored<HistoryEvent>(HISTORY));
  }

  /** Return a provider of tokens for a session without a user. */
  private anonymous(): TokenProvider {
    const { api = "", siteKey, token, mode } = this.options;
    if (mode) return () => Promise.reject(new AlsolikeError(0, "static"));
    if (siteKey === undefined) {
      if (!token) throw new Error("expected siteKey or token");
      return token;
    }
    this.visitor = (this.consent && load("localStorage", VISITOR)) || this.visitor || crypto.randomUUID();
    if (this.consent) this.store("localStorage", VISITOR, this.visitor);
    return siteTokens(api, siteKey, this.visitor);
  }

  private forget(): void {
    this.waiting = [];
    this.clicks.clear();
    this.history.length = 0;
    this.store("sessionStorage", CLICKS);
    this.store("sessionStorage", HISTORY);
    this.store("localStorage", VISITOR);
  }

  /** Store a text, or remove it. The browser can refuse storage. */
  private store(place: Place, name: string, text?: string): void {
    try {
      if (text) globalThis[place].setItem(name, text);
      else globalThis[place].removeItem(name);
    } catch {
      // the page works without storage
    }
  }

  private click(itemId: string, attribution: Attribution): void {
    if (this.consent && attribution.recommendationId) {
      this.clicks.delete(itemId);
      this.clicks.set(itemId, { attribution, atMs: Date.now() });
      for (const oldest of [...this.clicks.keys()].slice(0, -MAX_CLICKS)) this.clicks.delete(oldest);
      this.store("sessionStorage", CLICKS, JSON.stringify([...this.clicks]));
    }
    this.track({ eventType: "click", itemId, ...attribution }, true);
  }

  /** Keep an event for static lists, in this browser only. */
  private remember({ eventType, itemId }: ShopEvent): void {
    if (!itemId || !this.options.lists) return;
    this.history.push({ itemId, eventType, atMs: Date.now() });
    this.history.splice(0, this.history.length - MAX_HISTORY);
    if (this.consent) this.store("sessionStorage", HISTORY, JSON.stringify(this.history));
    this.dispatchEvent(new Event("change"));
  }

  private async change(token: TokenProvider): Promise<void> {
    await this.flush(); // the waiting events belong to the earlier session
    this.connection.use(token);
    this.dispatchEvent(new Event("change"));
  }

  private async send(): Promise<void> {
    while (this.waiting.length > 0) {
      const events = this.waiting.splice(0, MAX_EVENTS);
      try {
        await this.connection.call("/session/events", { method: "POST", keepalive: true, body: bodyOf(events) });
        this.dispatchEvent(new Event("change"));
      } catch (error) {
        const { status } = error as AlsolikeError;
        // A rejected call is not repeated: the API has stored its valid events, or would reject them again.
        const isKept = !status || status >= 429;
        if (isKept) events.push(...this.waiting);
        this.onError(error as Error, events);
        if (isKept) {
          this.waiting = events;
          return;
        }
      }
    }
  }

  private leave(): void {
    while (this.waiting.length > 0 && this.connection.leave(bodyOf(this.waiting.slice(0, MAX_EVENTS)))) {
      this.waiting.splice(0, MAX_EVENTS);
    }
  }
}

function bodyOf(eventList: readonly Sent[]): string {
  return JSON.stringify({ eventList });
}

type Place = "localStorage" | "sessionStorage";

function load(place: Place, name: string): string | null {
  try {
    return globalThis[place].getItem(name);
  } catch {
    return null;
  }
}

function tooSlow(): Promise<never> {
  return new Promise((_, reject) => setTimeout(reject, SLOW_MS, new AlsolikeError(0, "slow")));
}

function stored<T>(name: string): T[] {
  try {
    return JSON.parse(load("sessionStorage", name) ?? "[]");
  } catch {
    return [];
  }
}
