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

/** Gives an access token, signing in anew where there is none that is still good. */
export type GiveToken = () => Promise<string>;

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
    const headers: Record<string, string> = { authorization: `Bearer ${await this.token()}` };
    const request: RequestInit = { method, headers, cache: "no-store" };
    if (body !== undefined) {
      headers["content-type"] = "application/json";
      request.body = JSON.stringify(body);
    }
    const answer = await fetch(`${this.base}${path}`, request);
    const text = await answer.text();
    const document = text ? (JSON.parse(text) as unknown) : {};
    if (!answer.ok) {
      const message = (document as { message?: string }).message ?? answer.statusText;
      throw new ApiError(answer.status, answer.headers.get("x-amzn-errortype") ?? String(answer.status), message);
    }
    return { body: document as T, headers: answer.headers };
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
