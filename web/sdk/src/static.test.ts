import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Client, type Options } from "./client";

const API = "https://api.example";
const LISTS = "https://pages.example/lists";

let files: Record<string, unknown>;
let requested: string[];
let api: () => Response | Promise<Response>;
let local: Map<string, string>;
let session: Map<string, string>;

function storage(entries: Map<string, string>) {
  return {
    getItem: (name: string) => entries.get(name) ?? null,
    setItem: (name: string, text: string) => void entries.set(name, text),
    removeItem: (name: string) => void entries.delete(name),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
  files = {
    lists: {
      format: 1,
      popular: ["fig", "kiwi", "pear"],
      trending: ["plum"],
      eventWeights: { view: 1, add_to_cart: 3 },
      positionDecay: 0.5,
      halfLifeDays: 10,
      excludeSeen: true,
      shards: ["only"],
    },
    only: {
      pear: { next: { fig: 1, plum: 0.4 }, columns: { title: "A pear", imageUrl: "/pear.jpg" } },
      plum: { next: { pear: 0.3, kiwi: 0.9 } },
      fig: { columns: { title: "A fig" } },
      kiwi: {},
      constructor: { next: { kiwi: 1 } },
    },
  };
  requested = [];
  api = () => Response.json({ itemList: [{ itemId: "of-the-api" }], recommendationId: "r" });
  local = new Map();
  session = new Map();
  vi.stubGlobal("localStorage", storage(local));
  vi.stubGlobal("sessionStorage", storage(session));
  vi.stubGlobal("fetch", async (url: string) => {
    requested.push(url);
    if (url.startsWith(API)) return api();
    const file = files[url.slice(LISTS.length + 1, -".json".length)];
    return file ? Response.json(file) : Response.json({}, { status: 403 });
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const still = (options: Partial<Options> = {}) =>
  new Client({ mode: "static", lists: LISTS, onError: () => {}, ...options });
const live = () => new Client({ api: API, lists: LISTS, token: async () => "token", onError: () => {} });
const view = (client: Client, ...itemIds: string[]) => {
  for (const itemId of itemIds) client.track({ eventType: "view", itemId });
};
const ids = async (client: Client, request = {}) => (await client.recommend(request)).items.map(({ itemId }) => itemId);

describe("static lists", () => {
  it("rank the items that follow the session's events, then popular ones", async () => {
    const client = still();
    view(client, "pear", "plum");
    // fig 0.5 · 1, kiwi 0.9; plum and pear were seen
    expect(await ids(client)).toEqual(["kiwi", "fig"]);
  });

  it("weigh events by type and age", async () => {
    const client = still();
    client.track({ eventType: "Add_To_Cart", itemId: "pear" });
    view(client, "plum");
    expect(await ids(client)).toEqual(["fig", "kiwi"]); // 3 · 0.5 · 1 and 0.9
    vi.setSystemTime(Date.now() + 20 * 86_400_000);
    view(client, "plum"); // pear weighs 3 (type) · 0.5² (two later events) · 2^-2 (two half-lives)
    expect(await ids(client)).toEqual(["kiwi", "fig"]);
  });

  it("ignore events without weight and items that are not published", async () => {
    const client = still();
    view(client, "pear");
    client.track({ eventType: "search", itemId: "plum" });
    view(client, "unknown", "__proto__");
    expect(await ids(client)).toEqual(["fig", "plum", "kiwi"]);
  });

  it.each([
    [{ recommender: "popular" }, ["fig", "kiwi", "pear"], "popular"],
    [{ recommender: "trending" }, ["plum", "fig", "kiwi", "pear"], "trending"],
    [{ recommender: "similar-items", itemId: "plum" }, ["kiwi", "pear", "fig"], "model"],
    [{ recommender: "similar-items", itemId: "constructor" }, ["kiwi", "fig", "pear"], "model"],
    [{ recommender: "bought-together", itemId: "plum" }, ["fig", "kiwi", "pear"], "popular"],
    [{ recommender: "recently-viewed" }, [], "none"],
    [{ numResults: 1 }, ["fig"], "popular"],
    [{ exclude: ["fig", "kiwi"] }, ["pear"], "popular"],
  ])("answer %j", async (request, items, source) => {
    const answer = await still().recommend(request);
    expect(answer.items.map(({ itemId }) => itemId)).toEqual(items);
    expect(answer.source).toBe(source);
  });

  it("have the columns of the request in either spelling", async () => {
    const { items } = await still().recommend({ recommender: "popular", metadata: ["TITLE", "IMAGE_URL", "price"] });
    expect(items.map(({ metadata }) => metadata)).toEqual([
      { TITLE: "A fig" },
      {},
      { TITLE: "A pear", IMAGE_URL: "/pear.jpg" },
    ]);
  });

  it("refuse a filter", async () => {
    await expect(still().recommend({ filter: "cheap" })).rejects.toThrow("filter cheap needs the API");
  });

  it("are read again if a later publication has deleted their shards", async () => {
    const client = still();
    await ids(client);
    files = { lists: { ...(files.lists as object), popular: ["plum"], shards: ["other"] }, other: files.only };
    view(client, "pear");
    expect(await ids(client)).toEqual(["fig", "plum"]);
  });

  it("show popular items of a shop without pairs", async () => {
    files = { lists: { format: 1, popular: ["fig"], trending: [], eventWeights: { view: 1 }, shards: [] } };
    const client = still();
    view(client, "pear");
    expect(await ids(client)).toEqual(["fig"]);
  });
});

describe("mode static", () => {
  it("sends nothing and keeps the history in the browser", async () => {
    const client = still();
    const changes = vi.fn();
    client.addEventListener("change", changes);
    view(client, "pear");
    await ids(client, { recommender: "recently-viewed" });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(changes).toHaveBeenCalledOnce();
    expect(requested).toEqual([`${LISTS}/lists.json`, `${LISTS}/only.json`]);
    expect([local.size, [...session.keys()]]).toEqual([0, ["alsolike.history"]]);
    expect(await ids(still(), { recommender: "recently-viewed" })).toEqual(["pear"]);
  });

  it("stores nothing without consent, and forgets the history after a withdrawal", async () => {
    const client = still({ consent: false });
    view(client, "pear");
    expect(await ids(client, { recommender: "recently-viewed" })).toEqual(["pear"]);
    expect(session.size).toBe(0);
    client.setConsent(true);
    view(client, "plum");
    expect(session.size).toBe(1);
    client.setConsent(false);
    expect(session.size).toBe(0);
    expect(await ids(client, { recommender: "recently-viewed" })).toEqual([]);
  });
});

describe("fallback", () => {
  it("is not used while the API answers", async () => {
    expect(await ids(live())).toEqual(["of-the-api"]);
    expect(requested.filter((url) => url.startsWith(LISTS))).toEqual([]);
  });

  it.each([
    ["is slow", () => new Promise<Response>(() => {})],
    ["cannot be reached", () => Promise.reject(new TypeError("fetch failed"))],
    ["fails", () => Response.json({}, { status: 503 })],
  ])("replaces an API that %s within a second, and spares it for half a minute", async (_, failing) => {
    api = failing;
    const client = live();
    const list = ids(client);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await list).toEqual(["fig", "kiwi", "pear"]);

    const changes = vi.fn();
    client.addEventListener("change", changes);
    view(client, "plum");
    expect(changes).toHaveBeenCalledOnce();
    expect(await ids(client)).toEqual(["kiwi", "pear", "fig"]);
    await vi.advanceTimersByTimeAsync(30_000);
    api = () => Response.json({ itemList: [{ itemId: "again" }], recommendationId: "r" });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(await ids(client)).toEqual(["again"]);
  });

  it("does not hide that the API refuses a request", async () => {
    api = () => Response.json({ message: "no such recommender" }, { status: 400 });
    await expect(live().recommend()).rejects.toThrow("no such recommender");
  });

  it("leaves the API's error if there are no static lists", async () => {
    files = {};
    api = () => Response.json({ message: "down" }, { status: 503 });
    const list = expect(live().recommend()).rejects.toThrow("down");
    await vi.advanceTimersByTimeAsync(60_000);
    await list;
  });
});
