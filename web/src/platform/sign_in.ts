import type { SignInSettings } from "./site";

/** Who has signed in, and the tokens that prove it; they live in this tab's memory alone. */
export class SignIn {
  constructor(readonly settings: SignInSettings) {}

  /** Return an access token; where there is none that is still good, leave the page to sign in. */
  async token(): Promise<string> {
    throw new Error("signing in is not there yet");
  }

  /** Forget the tokens and leave. */
  signOut(): void {}
}
