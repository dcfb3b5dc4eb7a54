/** An error of the API in Personalize's shape. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

interface ApiResponse<T> {
  readonly body: T;
  readonly headers: Headers;
}

export class NetworkError extends Error {}

/** Returns an access token other than the rejected one. If there is none, the provider redirects to the sign-in. */
export type TokenProvider = (rejected?: string) => Promise<string>;

/** The timeout of a call. The API itself times out after 30 s. */
export const TIMEOUT_MS = 30_000;

const MAX_ATTEMPTS = 4;
const LONGEST_PAUSE_S = 10;

export class Api {
  constructor(
    private readonly base: string,
    private readonly token: TokenProvider,
  ) {}

  async get<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<ApiResponse<T>> {
    const parameters = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)])).toString();
    return this.call<T>("GET", search ? `${path}?${search}` : path);
  }

  async post<T>(path: string, body: unknown): Promise<ApiResponse<T>> {
    return this.call<T>("POST", path, body);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<ApiResponse<T>> {
    const token = await this.token();
    let { response, text } = await this.fetchText(token, method, path, body);
    if (response.status === 401) {
      // A new token may work, because the API's clock may be ahead of this page, or its keys may have changed. A
      // rejected call has no effect.
      ({ response, text } = await this.fetchText(await this.token(token), method, path, body));
    }
    const document = parseJson(text);
    if (!response.ok) {
      const message = document?.message ?? `status ${response.status} without a message`;
      const type = response.headers.get("x-amzn-errortype") ?? (response.statusText || "Error");
      throw new ApiError(response.status, type, String(message));
    }
    if (!document) {
      throw new ApiError(response.status, "NotJson", "the response is not the API's: check proxies in between");
    }
    return { body: document as T, headers: response.headers };
  }

  /** Send a call, and repeat it while it is throttled. A throttled call has no effect. */
  private async fetchText(token: string, method: string, path: string, body?: unknown) {
    for (let attempt = 1; ; attempt++) {
      const sent = await this.fetchOnce(token, method, path, body);
      if (sent.response.status !== 429 || attempt === MAX_ATTEMPTS) return sent;
      const pauseMs = retryAfterS(sent.response.headers) * 1000 * (1 + Math.random());
      await new Promise((done) => setTimeout(done, pauseMs));
    }
  }

  private async fetchOnce(token: string, method: string, path: string, body?: unknown) {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    const request: RequestInit = { method, headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    try {
      const response = await fetch(`${this.base}${path}`, request);
      return { response, text: await response.text() };
    } catch (failure) {
      throw networkError(failure);
    }
  }
}

/** Return the pause that a throttled response requests, at most `LONGEST_PAUSE_S`, or one second by default. */
function retryAfterS(headers: Headers): number {
  const seconds = headers.get("retry-after") ?? "";
  return /^\d+$/.test(seconds) ? Math.min(Number(seconds), LONGEST_PAUSE_S) : 1;
}

export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Return the error for a failed `fetch`, which throws a TypeError without details, or for its timeout. */
export function networkError(failure: unknown): Error {
  if (failure instanceof DOMException && failure.name === "TimeoutError") {
    return new NetworkError(`no answer came within ${TIMEOUT_MS / 1000} s`);
  }
  return failure instanceof TypeError ? new NetworkError("The network does not answer") : (failure as Error);
}

/** Return the JSON object or array of a body, `{}` for an empty body, or null otherwise, such as for a proxy's page. */
function parseJson(text: string): { readonly message?: unknown } | null {
  if (!text) {
    return {};
  }
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === "object" ? document : null;
  } catch {
    return null;
  }
}

/** Return an ID for a path: percent-encoded, or as `~` and base64url if it contains `~` or a gateway changes it. */
export function pathSegment(id: string): string {
  if (!/[/?#%~]/.test(id) && id !== "." && id !== "..") {
    return encodeURIComponent(id);
  }
  return `~${base64url(new TextEncoder().encode(id))}`;
}

export function base64url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
