/** A refusal or a failure of the API, in Personalize's shape: what it is called and what it says. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly type: string,
    message: string,
  ) {
    super(message);
  }
}

/** An answer with the headers that say how it was made. */
export interface Answer<T> {
  readonly body: T;
  readonly headers: Headers;
}

/** The network, not the API: no answer came, or none in time. */
export class NoAnswer extends Error {}

/**
 * Returns an access token and signs in again if none is valid; a token that the API has refused is not valid.
 */
export type GiveToken = (refused?: string) => Promise<string>;

/** A call has its answer by then, for the API itself gives up after 30 s. */
export const TIMEOUT_MS = 30_000;

/** Calls of the API as the person who has signed in. */
export class Api {
  constructor(
    private readonly base: string,
    private readonly token: GiveToken,
  ) {}

  async get<T>(path: string, query: Record<string, string | number | undefined> = {}): Promise<Answer<T>> {
    const asked = Object.entries(query).filter(([, value]) => value !== undefined);
    const search = new URLSearchParams(asked.map(([name, value]) => [name, String(value)])).toString();
    return this.call<T>("GET", search ? `${path}?${search}` : path);
  }

  async post<T>(path: string, body: unknown): Promise<Answer<T>> {
    return this.call<T>("POST", path, body);
  }

  private async call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const token = await this.token();
    let { answer, text } = await this.ask(token, method, path, body);
    if (answer.status === 401) {
      // The API's clock or its keys may say otherwise than this page's; nothing was done for such a call.
      ({ answer, text } = await this.ask(await this.token(token), method, path, body));
    }
    const document = documentOf(text);
    if (!answer.ok) {
      const message = document?.message ?? `status ${answer.status} without a message`;
      const type = answer.headers.get("x-amzn-errortype") ?? (answer.statusText || "Error");
      throw new ApiError(answer.status, type, String(message));
    }
    if (!document) {
      throw new ApiError(answer.status, "NotJson", "the response is not the API's: check proxies in between");
    }
    return { body: document as T, headers: answer.headers };
  }

  private async ask(token: string, method: string, path: string, body?: unknown) {
    const headers: Record<string, string> = { authorization: `Bearer ${token}` };
    const request: RequestInit = { method, headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    try {
      const answer = await fetch(`${this.base}${path}`, request);
      return { answer, text: await answer.text() };
    } catch (failure) {
      throw noAnswer(failure);
    }
  }
}

/** Return a thrown value as an error. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The error for a failed `fetch`, which raises a TypeError without details, or its timeout's error. */
export function noAnswer(failure: unknown): Error {
  if (failure instanceof DOMException && failure.name === "TimeoutError") {
    return new NoAnswer(`no answer came within ${TIMEOUT_MS / 1000} s`);
  }
  return failure instanceof TypeError ? new NoAnswer("The network does not answer") : (failure as Error);
}

/** The JSON object of an answer; null where it is something else, such as a proxy's page. */
function documentOf(text: string): { readonly message?: unknown } | null {
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

/** An id as it stands in a path: percent-encoded, or as `~` and base64url where a gateway would change it. */
export function pathSegment(id: string): string {
  if (!/[/?#%~]/.test(id) && id !== "." && id !== "..") {
    return encodeURIComponent(id);
  }
  const bytes = new TextEncoder().encode(id);
  const base64 = btoa(String.fromCharCode(...bytes));
  return `~${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
