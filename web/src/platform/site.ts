import { networkError, TIMEOUT_MS } from "./api";

/** A deployment's settings for its pages: `/site.json`, which `alsolike web publish` writes next to them. */
export interface Site {
  readonly environment: string;
  /** The API's path on this site. */
  readonly api: string;
  readonly trackingId: string;
  /** The columns of the storefront's cards, if configured (`alsolike web cards`). */
  readonly cards?: CardColumns;
  readonly signIn: SignInSettings;
  /** Addresses of other environments' sites by name, if configured (`alsolike web consoles`). */
  readonly consoles?: Readonly<Record<string, string>>;
}

/** Columns of the catalogue that a card shows, by their place on the card, and the currency of prices. */
export interface CardColumns {
  readonly title?: string;
  readonly subtitle?: string;
  /** Addresses of pictures. */
  readonly image?: string;
  readonly category?: string;
  /** Code of ISO 4217. */
  readonly currency?: string;
}

/** Endpoints and client of the sign-in: OAuth 2.0's authorization code flow with PKCE (RFC 6749, RFC 7636). */
export interface SignInSettings {
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly logoutUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export async function readSite(): Promise<Site> {
  const request = fetch("/site.json", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  const response = await request.catch((failure: unknown) => {
    throw networkError(failure);
  });
  if (!response.ok) {
    throw new Error(`/site.json returned ${response.status}: this site is not deployed whole`);
  }
  return (await response.json()) as Site;
}
