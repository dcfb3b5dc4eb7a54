import type { ComponentType } from "preact";
import { render } from "preact";
import { Api } from "./api";
import { SignIn, SignInError } from "./sign_in";
import { readSite, type Site } from "./site";
import "./theme.css";

export interface PageProps {
  readonly site: Site;
  readonly api: Api;
  readonly signIn: SignIn;
}

/** Show a page after the sign-in, or a message: signed out, or the reason of a failure. */
export async function start(Page: ComponentType<PageProps>): Promise<void> {
  const root = document.getElementById("page");
  if (!root) {
    throw new Error("the document has no element with the id `page`");
  }
  let signIn: SignIn | undefined;
  try {
    const site = await readSite();
    signIn = new SignIn(site.signIn);
    if (signIn.signedOut) {
      render(<MessagePage title="Signed out" signIn={signIn} />, root);
      return;
    }
    const signedIn = signIn;
    await signedIn.token();
    render(
      <Page site={site} api={new Api(site.api, (rejected) => signedIn.token(rejected))} signIn={signedIn} />,
      root,
    );
  } catch (error) {
    const title = error instanceof SignInError ? "You are not signed in" : "This page cannot be shown";
    render(
      <MessagePage title={title} reason={error instanceof Error ? error.message : String(error)} signIn={signIn} />,
      root,
    );
  }
}

interface MessagePageProps {
  readonly title: string;
  readonly reason?: string;
  readonly signIn: SignIn | undefined;
}

export function MessagePage({ title, reason, signIn }: MessagePageProps) {
  return (
    <main class="message">
      <h1>{title}</h1>
      {reason && <p role="alert">{reason[0]?.toUpperCase() + reason.slice(1)}.</p>}
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
