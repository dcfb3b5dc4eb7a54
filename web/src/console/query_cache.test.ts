import { describe, expect, it } from "vitest";
import { type Query, QueryCache } from "./query_cache";

const ALARMS: Query = { path: "/operator/alarms" };
const LIVE = { everyMs: 10_000 };

/** A cache with an API and a clock that the test controls. */
function setUp() {
  const calls: { path: string; answer: (body: unknown) => Promise<void>; fail: (message: string) => Promise<void> }[] =
    [];
  const clock = { ms: 1000 };
  const settled = () => new Promise<void>((resolve) => setTimeout(resolve));
  const api = {
    get: <T>(path: string) =>
      new Promise<{ body: T; headers: Headers }>((resolve, reject) => {
        calls.push({
          path,
          answer: (body) => {
            resolve({ body: body as T, headers: new Headers() });
            return settled();
          },
          fail: (message) => {
            reject(new Error(message));
            return settled();
          },
        });
      }),
  };
  return { calls, clock, cache: new QueryCache(api, () => clock.ms) };
}

describe("a query", () => {
  it("is loaded once and notifies all watchers", async () => {
    const { calls, cache } = setUp();
    const notified: string[] = [];
    cache.watch(ALARMS, LIVE, () => notified.push("navigation"));
    cache.watch(ALARMS, LIVE, () => notified.push("view"));
    expect(calls).toHaveLength(1);
    await calls[0]?.answer({ alarms: [] });
    expect(cache.state(ALARMS)).toMatchObject({ data: { alarms: [] }, loadedMs: 1000, error: null, loading: false });
    expect(notified).toEqual(expect.arrayContaining(["navigation", "view"]));
  });

  it("keeps its data when a later request fails, with the error", async () => {
    const { calls, cache, clock } = setUp();
    cache.watch(ALARMS, LIVE, () => {});
    await calls[0]?.answer({ alarms: [1] });
    clock.ms += 10_000;
    cache.tick();
    await calls[1]?.fail("no answer");
    expect(cache.state(ALARMS)).toMatchObject({
      data: { alarms: [1] },
      loadedMs: 1000,
      error: { message: "no answer" },
    });
    expect(cache.status().failed).toBe(true);
  });

  it("is requested again after its period, not before, and not while a request is pending", async () => {
    const { calls, cache, clock } = setUp();
    cache.watch(ALARMS, LIVE, () => {});
    clock.ms += 20_000;
    cache.tick();
    expect(calls).toHaveLength(1);
    await calls[0]?.answer({});
    clock.ms += 9_999;
    cache.tick();
    expect(calls).toHaveLength(2);
    cache.tick();
    expect(calls).toHaveLength(2);
  });

  it("is not requested while it is paused or has no watcher", async () => {
    const { calls, cache, clock } = setUp();
    const stop = cache.watch(ALARMS, LIVE, () => {});
    await calls[0]?.answer({});
    cache.setPaused(true);
    clock.ms += 60_000;
    cache.tick();
    expect(calls).toHaveLength(1);
    stop();
    cache.setPaused(false);
    expect(calls).toHaveLength(1);
  });

  it("does not overwrite a changed value with an earlier response", async () => {
    const { calls, cache } = setUp();
    cache.watch(ALARMS, LIVE, () => {});
    await calls[0]?.answer({ champion: "old" });
    void cache.refresh(ALARMS);
    cache.update(ALARMS, () => ({ champion: "new" }));
    await calls[1]?.answer({ champion: "old" });
    expect(cache.state(ALARMS).data).toEqual({ champion: "new" });
  });

  it("ignores background requests in the load time of the view", async () => {
    const { calls, cache, clock } = setUp();
    cache.watch(ALARMS, { everyMs: 10_000, background: true }, () => {});
    await calls[0]?.answer({});
    clock.ms = 5000;
    cache.watch({ path: "/operator/cost" }, { everyMs: null }, () => {});
    await calls[1]?.answer({});
    expect(cache.status()).toMatchObject({ loadedMs: 5000, everyMs: null });
  });
});
