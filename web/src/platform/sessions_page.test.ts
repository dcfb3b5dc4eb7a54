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
  const statuses: number[] = [];
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
      const status = options.body ? (statuses.shift() ?? 200) : 200;
      return { status, headers: new Headers({ "retry-after": "2" }), text: async () => "token", url };
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

  it("sends a throttled call again after the pause that the response names", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    statuses.push(429, 429);
    for (let number = 0; number < 10; number++) track({ eventType: "view", itemId: String(number) });
    await vi.advanceTimersByTimeAsync(1_999);
    expect(sent).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2_001);
    expect(sent).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toHaveLength(3);
  });

  it.each([
    ["a rejection", [403, 403]],
    ["a throttled call and a rejection", [429, 403, 403]],
  ])("asks for a new token once after %s", async (_, answers) => {
    statuses.push(...answers);
    for (let number = 0; number < 10; number++) track({ eventType: "view", itemId: String(number) });
    await vi.advanceTimersByTimeAsync(10_000);
    expect([sent.length, urls.filter((url) => url === "/alsolike-token").length]).toEqual([answers.length, 2]);
  });
});
