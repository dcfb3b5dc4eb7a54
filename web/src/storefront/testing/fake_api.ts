import { vi } from "vitest";
import { Api, ApiError } from "../../platform/api";

interface Sent {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly eventList: readonly {
    readonly eventType: string;
    readonly eventId: string;
    readonly itemId?: string;
    readonly [name: string]: unknown;
  }[];
}

/**
 * An API that accepts events of the shopper's session and orders, with optional faults. Each accepted call changes
 * "for you". Its tokens are the JSON of their sessions.
 */
export class FakeApi extends Api {
  readonly sent: Sent[] = [];
  /** The header `authorization` of each accepted call of a session. */
  readonly tokens: string[] = [];
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
    vi.stubGlobal("fetch", async (path: string, init: RequestInit) => this.fetch(path, init));
  }

  override async post<T>(path: string, body: unknown) {
    if (path === "/operator/session-tokens") {
      return { body: { token: JSON.stringify(body) } as T, headers: new Headers() };
    }
    await this.accept(body as Sent);
    return { body: {} as T, headers: new Headers() };
  }

  private async fetch(path: string, { headers, body }: RequestInit): Promise<Response> {
    if (path.startsWith("/api/session/recommendations")) {
      return Response.json({ itemList: [{ itemId: `after ${this.sent.length} calls` }], recommendationId: "r1" });
    }
    try {
      await this.accept(JSON.parse(String(body)));
    } catch (error) {
      const { status, message } = error as ApiError;
      return Response.json({ message }, { status });
    }
    this.tokens.push(new Headers(headers).get("authorization") ?? "");
    return Response.json({});
  }

  private async accept(body: Sent): Promise<void> {
    if (this.silent) return new Promise<never>(() => {});
    if (this.rejectingStatus) throw new ApiError(this.rejectingStatus, "ValidationException", "no such event");
    if (this.down) throw new ApiError(503, "ServiceUnavailableException", "busy");
    this.sent.push(body);
    if (this.losing) throw new ApiError(504, "GatewayTimeout", "late");
  }
}

export function memoryStorage(content: Readonly<Record<string, string>> = {}): Storage {
  const values = new Map(Object.entries(content));
  return {
    getItem: (key: string) => values.get(key) ?? null,
    setItem: (key: string, value: string) => void values.set(key, value),
    removeItem: (key: string) => void values.delete(key),
  } as Storage;
}
