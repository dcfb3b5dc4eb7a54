import { render } from "preact-render-to-string";
import { expect, it } from "vitest";
import { SignIn } from "./sign_in";
import { MessagePage } from "./start";

const signIn = new SignIn({ authorizeUrl: "", tokenUrl: "", logoutUrl: "", clientId: "", scopes: [] });

it("a failed sign-in shows a heading, the reason and a button", () => {
  const html = render(
    <MessagePage title="You are not signed in" reason="the sign-in was refused: no" signIn={signIn} />,
  );
  expect(html).toContain("<h1>You are not signed in</h1>");
  expect(html).toContain('<p role="alert">The sign-in was refused: no.</p>');
  expect(html).toMatch(/<button[^>]*>Sign in</);
});

it("without sign-in settings the page can be reloaded", () => {
  expect(render(<MessagePage title="t" reason="w" signIn={undefined} />)).toMatch(/<button[^>]*>Try again</);
});
