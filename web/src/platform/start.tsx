import type { ComponentType } from "preact";
import { render } from "preact";
import { Api } from "./api";
import { SignIn, SignInError } from "./sign_in";
import { readSite, type Site } from "./site";
import "./theme.css";

/** Properties of every page. */
export interface PageProps {
  readonly site: Site;
  readonly api: Api;
  readonly signIn: SignIn;
}

/** Show a page once its deployment is known, or say why it cannot be shown. */
export async function start(Page: ComponentType<PageProps>): Promise<void> {
  const place = document.getElementById("page");
  if (!place) {
    throw new Error("the document has no element with the id `page`");
  }
  let signIn: SignIn | undefined;
  try {
    const site = await readSite();
    signIn = new SignIn(site.signIn);
    if (signIn.signedOut) {
      render(<Away title="Signed out" signIn={signIn} />, place);
      return;
    }
    const signedIn = signIn;
    await signedIn.token();
    render(<Page site={site} api={new Api(site.api, (refused) => signedIn.token(refused))} signIn={signedIn} />, place);
  } catch (error) {
    const title = error instanceof SignInError ? "You are not signed in" : "This page cannot be shown";
    render(<Away title={title} why={error instanceof Error ? error.message : String(error)} signIn={signIn} />, place);
  }
}

interface AwayProps {
  readonly title: string;
  readonly why?: string;
  readonly signIn: SignIn | undefined;
}

/** A replacement for the page, if no user is signed in or the deployment is not known. */
export function Away({ title, why, signIn }: AwayProps) {
  return (
    <main class="away">
      <h1>{title}</h1>
      {why && <p role="alert">{why[0]?.toUpperCase() + why.slice(1)}.</p>}
      {signIn ? (
        <button type="button" class="primary" onClick={() => signIn.signInAgain()}>
          Sign in
        </button>
      ) : (
        <button type="button" class="primary" onClick={() => location.reload()}>
          Try again
        </button>
      )}
    </main>
  );
}
