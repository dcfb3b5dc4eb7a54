import { Api, ApiError } from "../../platform/api";

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

/** An API that accepts events, with optional faults. Each accepted call changes "for you". */
export class FakeApi extends Api {
  readonly sent: Sent[] = [];
  /** True to fail with 503. */
  down = false;
  /** The status with which events are rejected, or 0 to accept them. */
  rejectingStatus = 0;
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
      if (this.rejectingStatus) throw new ApiError(this.rejectingStatus, "ValidationException", "no such event");
      if (this.down) throw new ApiError(503, "ServiceUnavailableException", "busy");
      this.sent.push(body as Sent);
      if (this.losing) throw new ApiError(504, "GatewayTimeout", "late");
      return { body: {} as T, headers: new Headers() };
    }
    const itemList = [{ itemId: `after ${this.sent.length} calls` }];
    return { body: { itemList, recommendationId: "r1" } as T, headers: new Headers() };
  }
}

/** Create a storage in memory. */
export function memoryStorage(content: Readonly<Record<string, string>> = {}): Storage {
  const values = new Map(Object.entries(content));
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  } as Storage;
}
