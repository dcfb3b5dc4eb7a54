import { base64url, networkError, TIMEOUT_MS } from "./api";
import type { SignInSettings } from "./site";

/** The token endpoint's response (RFC 6749, section 5.1). */
interface Tokens {
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token?: string;
}

interface Attempt {
  readonly state: string;
  readonly verifier: string;
  /** Query and fragment of the page. */
  readonly place: string;
}

const ATTEMPT = "alsolike.sign-in";
const SIGNED_OUT = "alsolike.signed-out";
/** Time before expiry at which a token is renewed, so that it is valid until its call arrives. */
const RENEW_BEFORE_MS = 30_000;

export class SignInError extends Error {}

/**
 * The signed-in user and the tokens: OAuth 2.0's authorization code flow with PKCE (RFC 7636). Tokens are only in this
 * tab's memory. The tab's session storage has the state of a sign-in until the page is loaded again.
 */
export class SignIn {
  private accessToken: string | undefined;
  private refreshToken: string | undefined;
  private expiresMs = 0;
  private pending: Promise<string> | undefined;

  constructor(readonly settings: SignInSettings) {}

  /** True if this tab has signed out, and should not sign in again automatically. */
  get signedOut(): boolean {
    return sessionStorage.getItem(SIGNED_OUT) !== null;
  }

  /** Return a valid access token other than the rejected one, or redirect to the sign-in if there is none. */
  token(rejected?: string): Promise<string> {
    if (this.accessToken && this.accessToken !== rejected && Date.now() < this.expiresMs - RENEW_BEFORE_MS) {
      return Promise.resolve(this.accessToken);
    }
    this.pending ??= this.renew().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  signOut(): void {
    this.accessToken = this.refreshToken = undefined;
    sessionStorage.setItem(SIGNED_OUT, "");
    const query = new URLSearchParams({ client_id: this.settings.clientId, logout_uri: this.pageUrl() });
    location.assign(`${this.settings.logoutUrl}?${query}`);
  }

  /** Sign in again after a sign-out or a failed sign-in. */
  signInAgain(): void {
    sessionStorage.removeItem(SIGNED_OUT);
    void this.redirect();
  }

  private async renew(): Promise<string> {
    const query = new URLSearchParams(location.search);
    if (query.has("state") && (query.has("code") || query.has("error"))) {
      return this.redeemCode(query);
    }
    if (this.refreshToken) {
      try {
        return await this.requestToken({ grant_type: "refresh_token", refresh_token: this.refreshToken });
      } catch (error) {
        if (!(error instanceof SignInError)) {
          throw error; // a network error, after which another call may work
        }
        this.refreshToken = undefined;
      }
    }
    return this.redirect();
  }

  /** Exchange the code of the redirect, and restore the page's address. */
  private async redeemCode(query: URLSearchParams): Promise<string> {
    const attempt = popAttempt();
    // Remove code and state from the address and the history, also after an error.
    history.replaceState(null, "", `${location.pathname}${attempt?.place ?? ""}`);
    if (!attempt || attempt.state !== query.get("state")) {
      throw new SignInError("this sign-in was not begun in this tab; load the page again");
    }
    const code = query.get("code");
    if (!code) {
      const reason = query.get("error_description") ?? query.get("error");
      throw new SignInError(`the sign-in was refused: ${reason}`);
    }
    return this.requestToken({
      grant_type: "authorization_code",
      code,
      redirect_uri: this.pageUrl(),
      code_verifier: attempt.verifier,
    });
  }

  private async requestToken(form: Record<string, string>): Promise<string> {
    const response = await fetch(this.settings.tokenUrl, {
      method: "POST",
      body: new URLSearchParams({ client_id: this.settings.clientId, ...form }),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((failure: unknown) => {
      throw networkError(failure);
    });
    const document = (await response.json().catch(() => ({}))) as Tokens & { readonly error?: string };
    if (!response.ok) {
      const reason = document.error ?? `status ${response.status}`;
      if (response.status >= 500) {
        throw new Error(`the sign-in does not answer (${reason}); try again`);
      }
      throw new SignInError(`the sign-in gave no token: ${reason}`);
    }
    this.accessToken = document.access_token;
    this.refreshToken = document.refresh_token ?? this.refreshToken;
    this.expiresMs = Date.now() + document.expires_in * 1000;
    return document.access_token;
  }

  /** Redirect to the sign-in. The promise never settles. */
  private async redirect(): Promise<string> {
    const attempt: Attempt = { state: random(), verifier: random(), place: `${location.search}${location.hash}` };
    sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.settings.clientId,
      redirect_uri: this.pageUrl(),
      scope: this.settings.scopes.join(" "),
      state: attempt.state,
      code_challenge: await challengeOf(attempt.verifier),
      code_challenge_method: "S256",
    });
    // Replace the history entry. If the user went back to this entry, its page would redirect forward again.
    location.replace(`${this.settings.authorizeUrl}?${query}`);
    return new Promise(() => {});
  }

  /** Return the address of this page as registered with the sign-in. */
  private pageUrl(): string {
    return `${location.origin}${location.pathname.replace(/\/index\.html$/, "/")}`;
  }
}

function popAttempt(): Attempt | undefined {
  const text = sessionStorage.getItem(ATTEMPT);
  sessionStorage.removeItem(ATTEMPT);
  return text ? (JSON.parse(text) as Attempt) : undefined;
}

/** Return 32 random bytes as base64url: 43 characters, the minimum for a verifier. */
function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Return the S256 challenge of a verifier (RFC 7636, section 4.2). */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}
