import { noAnswer, TIMEOUT_MS } from "./api";
import type { SignInSettings } from "./site";

/** The token endpoint's response (RFC 6749, section 5.1). */
interface Tokens {
  readonly access_token: string;
  readonly expires_in: number;
  readonly refresh_token?: string;
}

/** What a tab remembers while it is away at the sign-in. */
interface Attempt {
  readonly state: string;
  readonly verifier: string;
  /** Query and fragment that the page had. */
  readonly place: string;
}

const ATTEMPT = "alsolike.sign-in";
const SIGNED_OUT = "alsolike.signed-out";
/** A token is renewed so long before it ends, that it is good until its call has arrived. */
const RENEW_BEFORE_MS = 30_000;

/** Signing in did not work; the message says why. */
export class SignInError extends Error {}

/**
 * The signed-in user and the tokens: OAuth 2.0's authorization code flow with PKCE (RFC 7636). Tokens live only
 * in this tab's memory; its session storage has what belongs to an attempt, until the page is back.
 */
export class SignIn {
  private held: string | undefined;
  private refresh: string | undefined;
  private endsMs = 0;
  private pending: Promise<string> | undefined;

  constructor(readonly settings: SignInSettings) {}

  /** True if this tab has signed out, and should not sign in again by itself. */
  get signedOut(): boolean {
    return sessionStorage.getItem(SIGNED_OUT) !== null;
  }

  /** Return an access token; where there is none that is still good and not the refused one, leave to sign in. */
  token(refused?: string): Promise<string> {
    if (this.held && this.held !== refused && Date.now() < this.endsMs - RENEW_BEFORE_MS) {
      return Promise.resolve(this.held);
    }
    // Calls that come meanwhile wait for the same token.
    this.pending ??= this.renew().finally(() => {
      this.pending = undefined;
    });
    return this.pending;
  }

  /** Forget the tokens and leave. */
  signOut(): void {
    this.held = this.refresh = undefined;
    sessionStorage.setItem(SIGNED_OUT, "");
    const query = new URLSearchParams({ client_id: this.settings.clientId, logout_uri: this.here() });
    location.assign(`${this.settings.logoutUrl}?${query}`);
  }

  /** Sign in again after having signed out, or after a sign-in that failed. */
  signInAgain(): void {
    sessionStorage.removeItem(SIGNED_OUT);
    void this.leave();
  }

  private async renew(): Promise<string> {
    const query = new URLSearchParams(location.search);
    if (query.has("state") && (query.has("code") || query.has("error"))) {
      return this.comeBack(query);
    }
    if (this.refresh) {
      try {
        return await this.ask({ grant_type: "refresh_token", refresh_token: this.refresh });
      } catch (error) {
        if (!(error instanceof SignInError)) {
          throw error; // the network: another call may work
        }
        this.refresh = undefined;
      }
    }
    return this.leave();
  }

  /** Exchange the code that the sign-in sent this page back with, and go to the place where it was. */
  private async comeBack(query: URLSearchParams): Promise<string> {
    const attempt = takeAttempt();
    // Neither code nor state stay in the address or the history, whatever comes of them.
    history.replaceState(null, "", `${location.pathname}${attempt?.place ?? ""}`);
    if (!attempt || attempt.state !== query.get("state")) {
      throw new SignInError("this sign-in was not begun in this tab; load the page again");
    }
    const code = query.get("code");
    if (!code) {
      const reason = query.get("error_description") ?? query.get("error");
      throw new SignInError(`the sign-in was refused: ${reason}`);
    }
    return this.ask({
      grant_type: "authorization_code",
      code,
      redirect_uri: this.here(),
      code_verifier: attempt.verifier,
    });
  }

  private async ask(form: Record<string, string>): Promise<string> {
    const answer = await fetch(this.settings.tokenUrl, {
      method: "POST",
      body: new URLSearchParams({ client_id: this.settings.clientId, ...form }),
      cache: "no-store",
      credentials: "omit",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((failure: unknown) => {
      throw noAnswer(failure);
    });
    const document = (await answer.json().catch(() => ({}))) as Tokens & { readonly error?: string };
    if (!answer.ok) {
      const reason = document.error ?? `status ${answer.status}`;
      if (answer.status >= 500) {
        throw new Error(`the sign-in does not answer (${reason}); try again`);
      }
      throw new SignInError(`the sign-in gave no token: ${reason}`);
    }
    this.held = document.access_token;
    this.refresh = document.refresh_token ?? this.refresh;
    this.endsMs = Date.now() + document.expires_in * 1000;
    return document.access_token;
  }

  /** Go to the sign-in; the promise never settles, for the page goes. */
  private async leave(): Promise<string> {
    const attempt: Attempt = { state: random(), verifier: random(), place: `${location.search}${location.hash}` };
    sessionStorage.setItem(ATTEMPT, JSON.stringify(attempt));
    const query = new URLSearchParams({
      response_type: "code",
      client_id: this.settings.clientId,
      redirect_uri: this.here(),
      scope: this.settings.scopes.join(" "),
      state: attempt.state,
      code_challenge: await challengeOf(attempt.verifier),
      code_challenge_method: "S256",
    });
    // In the page's place in the history: who goes back would come to a page that signs in and goes forward again.
    location.replace(`${this.settings.authorizeUrl}?${query}`);
    return new Promise(() => {});
  }

  /** This page as it is registered with the sign-in. */
  private here(): string {
    return `${location.origin}${location.pathname.replace(/\/index\.html$/, "/")}`;
  }
}

function takeAttempt(): Attempt | undefined {
  const text = sessionStorage.getItem(ATTEMPT);
  sessionStorage.removeItem(ATTEMPT);
  return text ? (JSON.parse(text) as Attempt) : undefined;
}

/** Return 32 random bytes as base64url: 43 characters, the least that a verifier may have. */
function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** Return the S256 challenge of a verifier (RFC 7636, section 4.2). */
export async function challengeOf(verifier: string): Promise<string> {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

function base64url(bytes: Uint8Array): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
