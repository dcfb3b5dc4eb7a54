import { noAnswer, TIMEOUT_MS } from "./api";

/** What a deployment tells its pages: `/site.json`, which the CDK writes beside them. */
export interface Site {
  /** The environment's name. */
  readonly environment: string;
  /** Where the API is: a path of this very site. */
  readonly api: string;
  /** Names that calls of the API carry. */
  readonly trackingId: string;
  readonly signIn: SignInSettings;
}

/** Where a reader signs in: OAuth 2.0's authorization code flow with PKCE (RFC 6749, RFC 7636). */
export interface SignInSettings {
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly logoutUrl: string;
  readonly clientId: string;
  readonly scopes: readonly string[];
}

/** Fetch what the deployment says of itself. */
export async function readSite(): Promise<Site> {
  const asked = fetch("/site.json", { cache: "no-store", signal: AbortSignal.timeout(TIMEOUT_MS) });
  const answer = await asked.catch((failure: unknown) => {
    throw noAnswer(failure);
  });
  if (!answer.ok) {
    throw new Error(`/site.json is answered with ${answer.status}: this site is not deployed whole`);
  }
  return (await answer.json()) as Site;
}
