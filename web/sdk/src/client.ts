import { type AlsolikeError, Connection, claimsOf, siteTokens, type TokenProvider } from "./connection";
import { impressionOf, SeenItems } from "./seen";

/** An event of `POST /session/events`. */
export interface ShopEvent {
  readonly eventType: string;
  readonly itemId?: string;
  readonly eventValue?: number;
  /** Other properties, such as `{ query: "figs" }` of a search. */
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly recommendationId?: string;
  /** Items that the page showed. */
  readonly impression?: readonly string[];
}

/** A request for recommendations: the parameters of `GET /session/recommendations`. */
export interface RecommendationRequest {
  readonly recommender?: string;
  readonly itemId?: string;
  readonly numResults?: number;
  readonly metadata?: readonly string[];
  readonly exclude?: readonly string[];
  readonly filter?: string;
  readonly window?: string;
}

export interface RecommendedItem {
  readonly itemId: string;
  readonly metadata: Readonly<Record<string, string>>;
}

export interface Recommendations {
  readonly recommendationId: string;
  readonly items: readonly RecommendedItem[];
  /** Origin of the list, such as `model` or `popular`. */
  readonly source: string;
}

export interface Options {
  /** Address of the API, without a slash at its end. */
  readonly api: string;
  /** The shop's public key for its pages. */
  readonly siteKey?: string;
  /** Returns session tokens that the shop's backend signs, in place of a site key. */
  readonly token?: TokenProvider;
  /** False to send no events and store nothing until `setConsent(true)`. */
  readonly consent?: boolean;
  /** Called with each error of sent events. By default, the errors are logged. */
  readonly onError?: (error: Error) => void;
}

type Sent = Omit<ShopEvent, "properties"> & {
  readonly eventId: string;
  readonly sentAt: number;
  readonly properties?: string;
};

/** The maximum number of events in a call. */
export const MAX_EVENTS = 10;
/** The maximum number of events that wait for the API. Above it, the oldest are dropped. */
const MAX_WAITING = 100;
/** The maximum time for which an event waits for others, so that one call sends them. */
const GATHER_MS = 1_000;
/** The number of stored clicks. Later events of the same items are attributed to these clicks. */
const MAX_CLICKS = 20;
const CLICKS = "alsolike.clicks";
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
  private visitor = "";
  private readonly clicks: Map<string, Click>;
  private readonly onError: (error: Error) => void;

  constructor(private readonly options: Options) {
    super();
    this.consent = options.consent ?? true;
    this.connection = new Connection(options.api, this.anonymous());
    this.onError = options.onError ?? ((error) => console.warn(`Alsolike: ${error.message}`));
    this.clicks = new Map(this.consent ? storedClicks() : []);
    globalThis.document?.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "hidden") this.leave();
    });
  }

  /** Queue an event for the call of the next second. `now` sends it immediately. */
  track(event: ShopEvent, now = false): void {
    if (!this.consent) return;
    const { properties, ...fields } = event;
    const click = event.recommendationId ? undefined : this.clicks.get(event.itemId ?? "")?.attribution;
    this.waiting.push({
      eventId: crypto.randomUUID(),
      sentAt: Date.now() / 1000,
      ...click,
      ...fields,
      ...(properties ? { properties: JSON.stringify(properties) } : {}),
    });
    this.waiting.splice(0, this.waiting.length - MAX_WAITING);
    if (now || this.waiting.length >= MAX_EVENTS) void this.flush();
    else this.timer ??= setTimeout(() => void this.flush(), GATHER_MS);
  }

  /** Send the waiting events. A failed call keeps its events for the next call. */
  flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.sending ??= this.send().finally(() => {
      this.sending = undefined;
    });
    return this.sending;
  }

  /** Read recommendations. */
  async recommend(request: RecommendationRequest = {}): Promise<Recommendations> {
    const given = Object.entries(request).filter(([, value]) => value !== undefined && String(value) !== "");
    const query = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
    const response = await this.connection.call(`/session/recommendations?${query}`);
    const { itemList, recommendationId } = await response.json();
    return {
      recommendationId,
      items: itemList.map(({ itemId, metadata }: RecommendedItem) => ({ itemId, metadata: metadata ?? {} })),
      source: response.headers.get("x-alsolike-source") ?? "none",
    };
  }

  /**
   * Send clicks on a list that the page shows, with the items that were in view. Elements of items have `data-item`.
   * The returned function stops this.
   */
  observe(root: HTMLElement, recommendationId: string): () => void {
    const seen = new SeenItems(root.querySelectorAll("[data-item]"));
    const click = ({ target }: Event) => {
      const itemId = (target as Element).closest<HTMLElement>("[data-item]")?.dataset.item;
      if (itemId !== undefined && (target as Element).closest("a, button")) {
        this.click(itemId, { recommendationId, impression: impressionOf(itemId, seen.ids()) });
      }
    };
    root.addEventListener("click", click);
    return () => {
      seen.disconnect();
      root.removeEventListener("click", click);
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
    await this.change(() => token(id));
  }

  /** Start a new session without a user. */
  async logout(): Promise<void> {
    await this.flush();
    this.forget();
    await this.change(this.anonymous());
  }

  /** Allow events and storage, or delete the stored texts and send nothing. */
  setConsent(consent: boolean): void {
    this.consent = consent;
    if (consent) {
      this.store("localStorage", VISITOR, this.visitor);
      return;
    }
    this.waiting = [];
    this.forget();
  }

  /** Return the tokens of a session without a user. */
  private anonymous(): TokenProvider {
    const { api, siteKey, token } = this.options;
    if (siteKey === undefined) {
      if (!token) throw new Error("siteKey and token are missing, expected one of them");
      return token;
    }
    this.visitor = (this.consent && load("localStorage", VISITOR)) || crypto.randomUUID();
    if (this.consent) this.store("localStorage", VISITOR, this.visitor);
    return siteTokens(api, siteKey, this.visitor);
  }

  private forget(): void {
    this.clicks.clear();
    this.store("sessionStorage", CLICKS);
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
    if (!this.consent) return;
    this.clicks.delete(itemId);
    this.clicks.set(itemId, { attribution, atMs: Date.now() });
    for (const oldest of [...this.clicks.keys()].slice(0, -MAX_CLICKS)) this.clicks.delete(oldest);
    this.store("sessionStorage", CLICKS, JSON.stringify([...this.clicks]));
    this.track({ eventType: "click", itemId, ...attribution }, true);
  }

  private async change(token: TokenProvider): Promise<void> {
    await this.flush(); // the waiting events belong to the session before
    this.connection.use(token);
    this.dispatchEvent(new Event("change"));
  }

  private async send(): Promise<void> {
    while (this.waiting.length > 0) {
      const events = this.waiting.splice(0, MAX_EVENTS);
      try {
        await this.connection.call("/session/events", { method: "POST", body: bodyOf(events) });
        this.dispatchEvent(new Event("change"));
      } catch (error) {
        this.onError(error as Error);
        // The API has stored the valid events of a rejected call.
        if ((error as AlsolikeError).status === 0 || (error as AlsolikeError).status >= 429) {
          this.waiting.unshift(...events);
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

function storedClicks(): [string, Click][] {
  try {
    return JSON.parse(load("sessionStorage", CLICKS) ?? "[]");
  } catch {
    return [];
  }
}
