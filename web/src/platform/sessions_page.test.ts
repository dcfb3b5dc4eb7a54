/// <reference types="vite/client" />
import { beforeEach, describe, expect, it, vi } from "vitest";
import page from "../../../docs/sessions.md?raw";

/** The code of "In the browser", without its examples of calls. */
function browserCode(): string {
  const section = page.split("## In the browser")[1] ?? "";
  const code = section.split("```js\n")[1]?.split("```")[0] ?? "";
  return code.slice(0, code.indexOf("\ntrack("));
}

describe("the browser's code in docs/sessions.md", () => {
  const urls: string[] = [];
  const sent: { eventList: { eventType: string; eventId: string }[] }[] = [];
  let hide: () => void = () => {};
  let track: (event: object) => void = () => {};

  beforeEach(() => {
    urls.length = sent.length = 0;
    vi.useFakeTimers();
    const document = {
      visibilityState: "hidden",
      addEventListener: (_: string, listener: () => void) => {
        hide = listener;
      },
    };
    const fetch = async (url: string, options: { body?: string }) => {
      urls.push(url);
      if (options.body) sent.push(JSON.parse(options.body));
      return { status: 200, text: async () => "token", url };
    };
    track = new Function("document", "fetch", `${browserCode()}\nreturn track;`)(document, fetch);
  });

  it("reads the token when the page opens, so that a page left at once can send its events", () => {
    expect(urls).toEqual(["/alsolike-token"]);
  });

  it("sends the events of three seconds in one call", async () => {
    track({ eventType: "search" });
    track({ eventType: "view", itemId: "7" });
    await vi.advanceTimersByTimeAsync(2_900);
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(sent.map(({ eventList }) => eventList.map(({ eventType }) => eventType))).toEqual([["search", "view"]]);
    expect(new Set(sent[0]?.eventList.map(({ eventId }) => eventId)).size).toBe(2);
  });

  it("sends ten events at once, and the others when the page is left", async () => {
    for (let number = 0; number < 12; number++) track({ eventType: "view", itemId: String(number) });
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.map(({ eventList }) => eventList.length)).toEqual([10]);
    hide();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.map(({ eventList }) => eventList.length)).toEqual([10, 2]);
  });
});
