import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { challengeOf, SignIn, SignInError } from "./sign_in";
import type { SignInSettings } from "./site";

const SETTINGS: SignInSettings = {
  authorizeUrl: "https://sign-in/oauth2/authorize",
  tokenUrl: "https://sign-in/oauth2/token",
  logoutUrl: "https://sign-in/logout",
  clientId: "pages",
  scopes: ["openid", "shop/admin"],
};

/** A tab: its address, storage, redirects, and token requests. */
class Tab {
  readonly stored = new Map<string, string>();
  readonly redirects: URL[] = [];
  readonly requests: URLSearchParams[] = [];
  answers: (() => Response)[] = [];
  address = new URL("https://site/console.html");

  install(): void {
    vi.stubGlobal("sessionStorage", {
      getItem: (key: string) => this.stored.get(key) ?? null,
      setItem: (key: string, value: string) => this.stored.set(key, value),
      removeItem: (key: string) => this.stored.delete(key),
    });
    const tab = this;
    vi.stubGlobal("location", {
      get origin() {
        return tab.address.origin;
      },
      get pathname() {
        return tab.address.pathname;
      },
      get search() {
        return tab.address.search;
      },
      get hash() {
        return tab.address.hash;
      },
      assign: (url: string) => this.redirects.push(new URL(url)),
      replace: (url: string) => this.redirects.push(new URL(url)),
    });
    vi.stubGlobal("history", {
      replaceState: (_: unknown, __: string, url: string) => {
        this.address = new URL(url, this.address.origin);
      },
    });
    vi.stubGlobal("fetch", async (_: string, request: RequestInit) => {
      this.requests.push(request.body as URLSearchParams);
      const answer = this.answers.shift();
      if (!answer) throw new Error("no response left");
      return answer();
    });
  }

  /** Start a sign-in, and return to the page with the parameters of the authorization server. */
  async returnWith(answer: Record<string, string>): Promise<void> {
    void new SignIn(SETTINGS).token();
    await vi.waitFor(() => expect(this.redirects).toHaveLength(1), { timeout: 60_000 });
    const state = this.redirects[0]?.searchParams.get("state") ?? "";
    const redirect = this.redirects[0]?.searchParams.get("redirect_uri") ?? "";
    this.address = new URL(`${redirect}?${new URLSearchParams({ state, ...answer })}`);
  }
}

const tokens = (name: string, more = {}) => Response.json({ access_token: name, expires_in: 900, ...more });
let tab: Tab;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: 0 });
  tab = new Tab();
  tab.install();
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a sign-in", () => {
  it("has the challenge of the standard's example", async () => {
    expect(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")).toBe(
      "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    );
  });

  it("leaves the page with a challenge whose verifier stays in the tab", async () => {
    await tab.returnWith({ code: "c" });
    const parameters = tab.redirects[0]?.searchParams;
    const stored = JSON.parse(tab.stored.get("alsolike.sign-in") ?? "{}") as { verifier: string };
    expect(Object.fromEntries(parameters ?? [])).toMatchObject({
      response_type: "code",
      client_id: "pages",
      redirect_uri: "https://site/console.html",
      scope: "openid shop/admin",
      code_challenge: await challengeOf(stored.verifier),
      code_challenge_method: "S256",
    });
    expect(stored.verifier).toMatch(/^[\w-]{43}$/);
  });

  it("restores query and fragment, without the code", async () => {
    tab.address = new URL("https://site/console.html?days=7#/drift");
    await tab.returnWith({ code: "c" });
    tab.answers = [() => tokens("first")];
    expect(await new SignIn(SETTINGS).token()).toBe("first");
    expect(tab.address.href).toBe("https://site/console.html?days=7#/drift");
    expect(Object.fromEntries(tab.requests[0] ?? [])).toMatchObject({ grant_type: "authorization_code", code: "c" });
    expect(tab.stored.size).toBe(0);
  });

  it("rejects a response to another tab's request and sends no request with it", async () => {
    await tab.returnWith({ code: "c", state: "foreign" });
    await expect(new SignIn(SETTINGS).token()).rejects.toThrow("not begun in this tab");
    expect(tab.requests).toHaveLength(0);
    expect(tab.address.search).toBe("");
  });

  it("shows why it was rejected", async () => {
    await tab.returnWith({ error: "invalid_scope" });
    const error = await new SignIn(SETTINGS).token().catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(SignInError);
    expect(error).toMatchObject({ message: "the sign-in was refused: invalid_scope" });
  });

  it("shows the token endpoint's error", async () => {
    await tab.returnWith({ code: "c" });
    tab.answers = [() => Response.json({ error: "invalid_grant" }, { status: 400 })];
    await expect(new SignIn(SETTINGS).token()).rejects.toThrow("the sign-in gave no token: invalid_grant");
  });
});

describe("a token", () => {
  async function signedIn(): Promise<SignIn> {
    await tab.returnWith({ code: "c" });
    tab.answers = [() => tokens("first", { refresh_token: "r" })];
    const signIn = new SignIn(SETTINGS);
    vi.setSystemTime(0); // waiting has advanced the clock
    await signIn.token();
    return signIn;
  }

  it("is kept until shortly before it expires", async () => {
    const signIn = await signedIn();
    vi.setSystemTime(869_000); // one second before the renewal, which is 30 s before the expiry at 900 s
    expect(await signIn.token()).toBe("first");
    expect(tab.requests).toHaveLength(1);
  });

  it("is renewed once for concurrent callers", async () => {
    const signIn = await signedIn();
    vi.setSystemTime(870_000);
    tab.answers = [() => tokens("second")];
    expect(await Promise.all([signIn.token(), signIn.token()])).toEqual(["second", "second"]);
    expect(Object.fromEntries(tab.requests[1] ?? [])).toMatchObject({
      grant_type: "refresh_token",
      refresh_token: "r",
    });
  });

  it("is renewed early if the API rejects it, once for concurrent callers", async () => {
    const signIn = await signedIn();
    tab.answers = [() => tokens("second")];
    expect(await Promise.all([signIn.token("first"), signIn.token("first")])).toEqual(["second", "second"]);
    expect(await signIn.token("first")).toBe("second");
    expect(tab.requests).toHaveLength(2);
  });

  it("needs a new sign-in after the refresh token has expired", async () => {
    const signIn = await signedIn();
    vi.setSystemTime(900_000);
    tab.answers = [() => Response.json({ error: "invalid_grant" }, { status: 400 })];
    void signIn.token();
    await vi.waitFor(() => expect(tab.redirects).toHaveLength(2), { timeout: 60_000 });
  });

  it("is requested again after a failure of the network or the server", async () => {
    const signIn = await signedIn();
    vi.setSystemTime(900_000);
    tab.answers = [() => new Response("", { status: 503 }), () => tokens("second")];
    await expect(signIn.token()).rejects.toThrow("try again");
    expect(await signIn.token()).toBe("second");
    expect(tab.redirects).toHaveLength(1);
  });
});

describe("signing out", () => {
  it("opens the sign-in's logout page and lasts until the next sign-in", async () => {
    const signIn = new SignIn(SETTINGS);
    signIn.signOut();
    expect(tab.redirects[0]?.href).toBe(
      "https://sign-in/logout?client_id=pages&logout_uri=https%3A%2F%2Fsite%2Fconsole.html",
    );
    expect(new SignIn(SETTINGS).signedOut).toBe(true);
    signIn.signInAgain();
    await vi.waitFor(() => expect(tab.redirects).toHaveLength(2), { timeout: 60_000 });
    expect(signIn.signedOut).toBe(false);
  });
});
