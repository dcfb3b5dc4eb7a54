import { Api, ApiError } from "../platform/api";
import type { Site } from "../platform/site";
import { fromMetadata } from "./product";

interface Sent {
  readonly userId?: string;
  readonly sessionId: string;
  readonly eventList: readonly {
    readonly eventType: string;
    readonly eventId: string;
    readonly itemId?: string;
    readonly [name: string]: unknown;
  }[];
}

/** An API that takes events, unless it is down, and then answers another "for you". */
export class Taking extends Api {
  readonly sent: Sent[] = [];
  /** True to refuse events. */
  down = false;
  /** The status with which they are refused for what they are. */
  refusing = 0;
  /** True to send no response. */
  silent = false;
  /** True to accept events and lose the response. */
  losing = false;
  constructor() {
    super("", async () => "");
  }
  override async post<T>(path: string, body: unknown) {
    if (path === "/events") {
      if (this.silent) return new Promise<never>(() => {});
      if (this.refusing) throw new ApiError(this.refusing, "ValidationException", "no such event");
      if (this.down) throw new ApiError(503, "ServiceUnavailableException", "busy");
      this.sent.push(body as Sent);
      if (this.losing) throw new ApiError(504, "GatewayTimeout", "late");
      return { body: {} as T, headers: new Headers() };
    }
    const itemList = [{ itemId: `after ${this.sent.length} calls` }];
    return { body: { itemList, recommendationId: "r1" } as T, headers: new Headers() };
  }
}

/** An empty storage. */
export function place(): Storage {
  const kept = new Map<string, string>();
  return {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
    removeItem: (key: string) => void kept.delete(key),
  } as Storage;
}

export const site = { environment: "demo", api: "/api", trackingId: "shop" } as Site;
export const pear = fromMetadata("8", { TITLE: "Pears", PRICE: "2" });
export const fig = fromMetadata("7", { TITLE: "Figs, 1 lb", PRICE: "1.5" });
