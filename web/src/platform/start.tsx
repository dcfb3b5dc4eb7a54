import type { ComponentType } from "preact";
import { render } from "preact";
import { Api } from "./api";
import { SignIn } from "./sign_in";
import { readSite, type Site } from "./site";
import "./theme.css";

/** What a page gets. */
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
  try {
    const site = await readSite();
    const signIn = new SignIn(site.signIn);
    if (signIn.signedOut) {
      render(<SignedOut signIn={signIn} />, place);
      return;
    }
    await signIn.token();
    render(<Page site={site} api={new Api(site.api, () => signIn.token())} signIn={signIn} />, place);
  } catch (error) {
    render(<p role="alert">{error instanceof Error ? error.message : String(error)}</p>, place);
  }
}

function SignedOut({ signIn }: { readonly signIn: SignIn }) {
  return (
    <main>
      <h1>Signed out</h1>
      <button type="button" class="primary" onClick={() => signIn.signInAgain()}>
        Sign in
      </button>
    </main>
  );
}
