import { render } from "preact-render-to-string";
import { expect, it } from "vitest";
import { SignIn } from "./sign_in";
import { Away } from "./start";

const signIn = new SignIn({ authorizeUrl: "", tokenUrl: "", logoutUrl: "", clientId: "", scopes: [] });

it("a sign-in that failed is a heading, why, and a way to begin again", () => {
  const html = render(<Away title="You are not signed in" why="the sign-in was refused: no" signIn={signIn} />);
  expect(html).toContain("<h1>You are not signed in</h1>");
  expect(html).toContain('<p role="alert">The sign-in was refused: no.</p>');
  expect(html).toMatch(/<button[^>]*>Sign in</);
});

it("where it is not known how to sign in, the page can be loaded again", () => {
  expect(render(<Away title="t" why="w" signIn={undefined} />)).toMatch(/<button[^>]*>Try again</);
});
