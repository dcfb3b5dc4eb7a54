/** Returns a new session token. */
export type TokenProvider = () => Promise<string>;

/** An error of the API, with status 0 if there was no response. */
export class AlsolikeError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The maximum number of attempts to send events. */
const MAX_ATTEMPTS = 4;
/** The maximum number of attempts to read a list, for which the page waits. */
const MAX_READS = 2;
const TIMEOUT_MS = 10_000;
const LONGEST_PAUSE_S = 10;
/** The time before a token's expiry at which the token is renewed. */
const RENEW_BEFORE_MS = 30_000;

const REFUSED = [401, 403];

/** Client of the API with a session token. The client renews the token before the expiry and after a rejection. */
export class Connection {
  private pending: Promise<string> | undefined;
  /** The last token. `leave` uses this token, because it cannot wait for a new one. */
  private latest: string | undefined;
  private renewMs = Infinity;

  constructor(
    private readonly api: string,
    private provider: TokenProvider,
  ) {}

  use(provider: TokenProvider): void {
    this.provider = provider;
    this.pending = this.latest = undefined;
  }

  /**
   * Return the current token, or request a new one if it is missing or expires soon. After a failed request, the next
   * call repeats the request.
   */
  token(): Promise<string> {
    if (!this.pending || Date.now() > this.renewMs) {
      this.renewMs = Infinity;
      const pending = this.provider();
      this.pending = pending;
      pending.then(
        (token) => {
          if (this.pending !== pending) return;
          this.latest = token;
          const { iat = 0, exp = Infinity } = claimsOf(token);
          this.renewMs = Date.now() + (exp - iat) * 1000 - RENEW_BEFORE_MS;
        },
        () => {
          if (this.pending === pending) this.pending = undefined;
        },
      );
    }
    return this.pending;
  }

  /** Call the API. Repeat a throttled or failed call after a pause, and a refused call once with a new token. */
  async call(path: string, init: RequestInit = {}): Promise<Response> {
    let renewed = false;
    for (let attempt = 1; ; attempt++) {
      const result = await this.attempt(path, init).catch((error: Error) => error);
      const response = result instanceof Response ? result : undefined;
      if (response?.ok) return response;
      const { status = 0 } = result as { status?: number };
      if (response && REFUSED.includes(status) && !renewed) {
        renewed = true;
        this.pending = undefined;
        continue;
      }
      if ((status && status !== 429 && status < 500) || attempt >= (init.method ? MAX_ATTEMPTS : MAX_READS)) {
        throw response ? await errorOf(response) : new AlsolikeError(status, (result as Error).message);
      }
      const retryAfterS = Number(response?.headers.get("retry-after"));
      const seconds = Math.min(retryAfterS || 2 ** (attempt - 1), LONGEST_PAUSE_S);
      await new Promise((done) => setTimeout(done, seconds * 1000 * (1 + Math.random() / 2)));
    }
  }

  /**
   * Send events while the visitor leaves the page, or return false if there is no token yet. The token is in the query,
   * because a header would need a preflight, which the browser may cancel.
   */
  leave(body: string): boolean {
    if (!this.latest) return false;
    const url = `${this.api}/session/beacons?authorization=${encodeURIComponent(`Bearer ${this.latest}`)}`;
    if ("keepalive" in Request.prototype) {
      fetch(url, { method: "POST", keepalive: true, body }).catch(() => {}); // the page has ended
    } else {
      navigator.sendBeacon(url, body);
    }
    return true;
  }

  private async attempt(path: string, init: RequestInit): Promise<Response> {
    const token = await this.token();
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    return fetch(this.api + path, { ...init, headers: headersOf(token, init.body), signal });
  }
}

function headersOf(token: string, body: unknown): Record<string, string> {
  return { authorization: `Bearer ${token}`, ...(body ? { "content-type": "application/json" } : {}) };
}

/** Return the claims of a token, or an empty object if the text is not a JWT. */
export function claimsOf(token: string): { readonly sid?: string; readonly iat?: number; readonly exp?: number } {
  try {
    const claims = token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? "";
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(claims), (c) => c.charCodeAt(0))));
  } catch {
    return {};
  }
}

/** Return a provider of session tokens for `visitor`, a random text that only this browser knows. */
export function siteTokens(api: string, siteKey: string, visitor: string): TokenProvider {
  return async () => {
    const response = await fetch(`${api}/session/tokens`, {
      method: "POST",
      body: JSON.stringify({ siteKey, visitor }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (!response.ok) throw await errorOf(response);
    return (await response.json()).token;
  };
}

async function errorOf(response: Response): Promise<AlsolikeError> {
  const { message } = await response.json().catch(() => ({}));
  return new AlsolikeError(response.status, message ?? `status ${response.status}`);
}
