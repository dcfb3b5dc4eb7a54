import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client, type Options } from "./client";

interface Call {
  readonly path: string;
  readonly authorization: string | null;
  readonly body: string;
}

const API = "https://api.example";
let calls: Call[];
let answers: (() => Response | Promise<never>)[];
let hide: () => void;
let local: Map<string, string>;
let tokens: number;

const accepted = () => Response.json({ itemList: [], recommendationId: "r" });
const status = (code: number, headers = {}) => Response.json({ message: `status ${code}` }, { status: code, headers });
const offline = () => Promise.reject(new TypeError("fetch failed"));
const jwt = (claims: object) => `e30.${btoa(JSON.stringify(claims))}.x`;

function storage(entries = new Map<string, string>()) {
  return {
    getItem: (name: string) => entries.get(name) ?? null,
    setItem: (name: string, text: string) => void entries.set(name, text),
    removeItem: (name: string) => void entries.delete(name),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0);
  calls = [];
  answers = [];
  tokens = 0;
  local = new Map();
  vi.stubGlobal("localStorage", storage(local));
  vi.stubGlobal("sessionStorage", storage());
  vi.stubGlobal("document", {
    visibilityState: "hidden",
    addEventListener: (_: string, listener: () => void) => {
      hide = listener;
    },
  });
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const path = url.slice(API.length);
    calls.push({ path, authorization: new Headers(init.headers).get("authorization"), body: String(init.body) });
    if (path === "/session/tokens") return Response.json({ token: jwt({ sid: "v-1", iat: 0, exp: 900 }) });
    return (answers.shift() ?? accepted)();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const create = (options: Partial<Options> = {}) =>
  new Client({ api: API, token: async () => `token-${++tokens}`, onError: () => {}, ...options });
const sent = () => calls.filter(({ path }) => path === "/session/events").map(({ body }) => JSON.parse(body).eventList);
const elapse = (ms: number) => vi.advanceTimersByTimeAsync(ms);

describe("track", () => {
  it("gathers the events of a second in one call", async () => {
    const client = create();
    client.track({ eventType: "view", itemId: "a" });
    client.track({ eventType: "search", properties: { query: "figs" } });
    await elapse(900);
    expect(sent()).toEqual([]);
    await elapse(200);
    expect(sent()).toHaveLength(1);
    expect(sent()[0]).toMatchObject([
      { eventType: "view", itemId: "a" },
      { eventType: "search", properties: '{"query":"figs"}' },
    ]);
    expect(new Set(sent()[0].map(({ eventId }: { eventId: string }) => eventId)).size).toBe(2);
  });

  it("sends ten events at once, in calls of ten", async () => {
    const client = create();
    for (let item = 0; item < 23; item++) client.track({ eventType: "view", itemId: String(item) });
    await elapse(0);
    expect(sent().map((events) => events.length)).toEqual([10, 10, 3]);
  });

  it("keeps events that the API cannot take, and sends them with the next ones", async () => {
    const errors: Error[] = [];
    const client = create({ onError: (error) => errors.push(error) });
    answers = [offline, offline, offline, offline];
    client.track({ eventType: "view", itemId: "a" }, true);
    await elapse(60_000);
    expect(sent()).toHaveLength(4);
    expect(errors.map(({ message }) => message)).toEqual(["fetch failed"]);

    client.track({ eventType: "view", itemId: "b" }, true);
    await elapse(0);
    expect(sent()[4]).toMatchObject([{ itemId: "a" }, { itemId: "b" }]);
    expect(sent()[4][0].eventId).toBe(sent()[0][0].eventId);
  });

  it("drops events that the API rejects", async () => {
    const errors: Error[] = [];
    const client = create({ onError: (error) => errors.push(error) });
    answers = [() => status(400)];
    client.track({ eventType: "unknown" }, true);
    await elapse(0);
    await client.flush();
    expect(sent()).toHaveLength(1);
    expect(errors.map(({ message }) => message)).toEqual(["status 400"]);
  });

  it("keeps the latest hundred events", async () => {
    const client = create();
    answers = Array.from({ length: 4 }, () => offline);
    for (let item = 0; item < 150; item++) client.track({ eventType: "view", itemId: String(item) });
    await elapse(60_000);
    const before = sent().length;
    client.track({ eventType: "view", itemId: "last" }, true);
    await elapse(0);
    const later = sent().slice(before).flat();
    expect(later.length).toBeLessThanOrEqual(110);
    expect(later.at(-1)).toMatchObject({ itemId: "last" });
  });
});

describe("calls", () => {
  it.each([
    ["as long as the response says", { "retry-after": "3" }, 3_000],
    ["one second without it", {}, 1_000],
  ])("wait %s", async (_, headers, ms) => {
    const client = create();
    answers = [() => status(429, headers)];
    client.track({ eventType: "view", itemId: "a" }, true);
    await elapse(ms - 10);
    expect(sent()).toHaveLength(1);
    await elapse(20);
    expect(sent()).toHaveLength(2);
  });

  it("use a new token once after a rejection", async () => {
    const client = create();
    answers = [() => status(403), () => status(403)];
    client.track({ eventType: "view", itemId: "a" }, true);
    await elapse(60_000);
    expect(calls.map(({ authorization }) => authorization)).toEqual(["Bearer token-1", "Bearer token-2"]);
  });

  it("ask for a token again after a failed request for one", async () => {
    let failures = 2;
    const client = create({ token: async () => (failures-- > 0 ? offline() : "token") });
    client.track({ eventType: "view", itemId: "a" }, true);
    await elapse(60_000);
    expect(sent()).toHaveLength(1);
  });

  it("renew a token before its end", async () => {
    const now = () => Math.floor(Date.now() / 1000);
    const client = create({ token: async () => jwt({ sid: "s", iat: now(), exp: now() + 900 }) });
    await client.recommend();
    await elapse(880_000);
    await client.recommend();
    expect(calls[0]?.authorization).not.toBe(calls[1]?.authorization);
  });
});

describe("recommend", () => {
  it("returns items with metadata", async () => {
    answers = [
      () =>
        Response.json(
          {
            itemList: [
              { itemId: "a", metadata: { TITLE: "Fig" } },
              { itemId: "b", reason: ["{}"] },
            ],
            recommendationId: "r",
          },
          { headers: { "x-alsolike-source": "model" } },
        ),
    ];
    const list = await create().recommend({
      recommender: "for-you",
      metadata: ["TITLE", "PRICE"],
      exclude: [],
      itemId: "",
      explain: true,
    });
    expect(calls[0]?.path).toBe("/session/recommendations?recommender=for-you&metadata=TITLE%2CPRICE&explain=true");
    expect(list).toMatchObject({
      recommendationId: "r",
      items: [
        { itemId: "a", metadata: { TITLE: "Fig" } },
        { itemId: "b", metadata: {}, reason: ["{}"] },
      ],
      source: "model",
    });
    expect(list.headers?.get("x-alsolike-source")).toBe("model");
  });

  it("fails with the API's message", async () => {
    answers = [() => status(404)];
    await expect(create().recommend()).rejects.toMatchObject({ status: 404, message: "status 404" });
  });
});

it("a page waits for a list through one repetition", async () => {
  answers = Array.from({ length: 4 }, () => () => status(503));
  const list = create().recommend();
  const failed = expect(list).rejects.toMatchObject({ status: 503 });
  await elapse(60_000);
  await failed;
  expect(calls).toHaveLength(2);
});

describe("a page that is left", () => {
  const beacons = () => calls.filter(({ path }) => path.startsWith("/session/beacons"));

  it("sends the waiting events with the token in the query, without a preflight", async () => {
    const client = create();
    await client.recommend();
    client.track({ eventType: "view", itemId: "a" });
    hide();
    expect(beacons()).toMatchObject([{ path: "/session/beacons?authorization=Bearer%20token-1", authorization: null }]);
    expect(JSON.parse(beacons()[0]?.body ?? "").eventList).toMatchObject([{ itemId: "a" }]);
    await elapse(2_000);
    expect(sent()).toEqual([]);
  });

  it("keeps the events without a token", () => {
    create().track({ eventType: "view", itemId: "a" });
    hide();
    expect(beacons()).toEqual([]);
  });
});

describe("a site key", () => {
  it("gets tokens for a visitor that the browser keeps", async () => {
    for (let page = 0; page < 2; page++) await create({ siteKey: "www" }).recommend();
    const requests = calls.filter(({ path }) => path === "/session/tokens").map(({ body }) => JSON.parse(body));
    expect(requests[0]).toEqual(requests[1]);
    expect(requests[0].siteKey).toBe("www");
    expect(requests[0].visitor).toHaveLength(36);
    expect([...local.values()]).toEqual([requests[0].visitor]);
  });

  it("or a token is needed", () => {
    expect(() => new Client({ api: API })).toThrow("expected siteKey or token");
  });

  it("names the session to the shop's backend, which signs the user's token", async () => {
    const client = create({ siteKey: "www" });
    await client.login(async (sessionId) => `of-${sessionId}`);
    await client.recommend();
    expect(calls.at(-1)?.authorization).toBe("Bearer of-v-1");
  });

  it("starts a session of another visitor after a logout", async () => {
    const client = create({ siteKey: "www" });
    await client.recommend();
    const before = local.get("alsolike.visitor");
    await client.logout();
    await client.recommend();
    expect(calls.filter(({ path }) => path === "/session/tokens")).toHaveLength(2);
    expect(local.get("alsolike.visitor")).not.toBe(before);
  });

  it("keeps the events of a visitor from the session after a logout", async () => {
    const errors: [string, unknown][] = [];
    const client = create({ siteKey: "www", onError: ({ message }, events) => errors.push([message, events]) });
    answers = Array.from({ length: 4 }, () => offline);
    client.track({ eventType: "view", itemId: "a" });
    void client.logout();
    await elapse(60_000);
    client.track({ eventType: "view", itemId: "b" }, true);
    await elapse(0);
    expect(sent().at(-1)).toMatchObject([{ itemId: "b" }]);
    expect(errors).toMatchObject([["fetch failed", [{ eventType: "view", itemId: "a" }]]]);
  });

  it("sends the events of before a login with the token of before", async () => {
    const client = create({ siteKey: "www" });
    client.track({ eventType: "view", itemId: "a" });
    await client.login(async () => "user-token");
    expect(sent()).toHaveLength(1);
    expect(calls.find(({ path }) => path === "/session/events")?.authorization).not.toContain("user-token");
  });
});

describe("without consent", () => {
  it("nothing is sent and nothing stored, but lists are read", async () => {
    const client = create({ siteKey: "www", consent: false });
    client.track({ eventType: "view", itemId: "a" }, true);
    await client.recommend();
    await elapse(5_000);
    expect(sent()).toEqual([]);
    expect(local.size).toBe(0);
  });

  it("a later consent keeps the visitor, and a withdrawn one deletes it with the waiting events", async () => {
    const client = create({ siteKey: "www", consent: false });
    client.setConsent(true);
    expect(local.size).toBe(1);
    client.track({ eventType: "view", itemId: "a" });
    client.setConsent(false);
    await elapse(5_000);
    expect([sent(), local.size]).toEqual([[], 0]);
  });

  it("a consent on the next page goes on as the earlier visitor", async () => {
    const earlier = create({ siteKey: "www" });
    await earlier.recommend();
    const [visitor] = local.values();
    const client = create({ siteKey: "www", consent: false });
    const changed = vi.fn();
    client.addEventListener("change", changed);
    client.setConsent(true);
    await elapse(0);
    await client.recommend();
    expect([...local.values()]).toEqual([visitor]);
    expect(changed).toHaveBeenCalledOnce();
    const minted = calls.filter(({ path }) => path === "/session/tokens").map(({ body }) => JSON.parse(body).visitor);
    expect(minted).toEqual([visitor, visitor]);
  });

  it("a browser that refuses storage is no error", async () => {
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new Error("denied");
      },
    });
    await create({ siteKey: "www" }).recommend();
    expect(calls).toHaveLength(2);
  });
});
