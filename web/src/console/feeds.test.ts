import { describe, expect, it } from "vitest";
import { Feeds, type Question } from "./feeds";

const ALARMS: Question = { path: "/operator/alarms" };
const LIVE = { everyMs: 10_000 };

/** An API that answers on demand, and a clock that the test sets. */
function desk() {
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
  return { calls, clock, feeds: new Feeds(api, () => clock.ms) };
}

describe("a feed", () => {
  it("is loaded once and notifies all watchers", async () => {
    const { calls, feeds } = desk();
    const told: string[] = [];
    feeds.watch(ALARMS, LIVE, () => told.push("navigation"));
    feeds.watch(ALARMS, LIVE, () => told.push("view"));
    expect(calls).toHaveLength(1);
    await calls[0]?.answer({ alarms: [] });
    expect(feeds.state(ALARMS)).toMatchObject({ data: { alarms: [] }, loadedMs: 1000, error: null, loading: false });
    expect(told).toEqual(expect.arrayContaining(["navigation", "view"]));
  });

  it("keeps its data when a later request fails, with the error", async () => {
    const { calls, feeds, clock } = desk();
    feeds.watch(ALARMS, LIVE, () => {});
    await calls[0]?.answer({ alarms: [1] });
    clock.ms += 10_000;
    feeds.tick();
    await calls[1]?.fail("no answer");
    expect(feeds.state(ALARMS)).toMatchObject({
      data: { alarms: [1] },
      loadedMs: 1000,
      error: { message: "no answer" },
    });
    expect(feeds.overall().failed).toBe(true);
  });

  it("is requested again after its period, not before, and not while a request is pending", async () => {
    const { calls, feeds, clock } = desk();
    feeds.watch(ALARMS, LIVE, () => {});
    clock.ms += 20_000;
    feeds.tick();
    expect(calls).toHaveLength(1);
    await calls[0]?.answer({});
    clock.ms += 9_999;
    feeds.tick();
    expect(calls).toHaveLength(2);
    feeds.tick();
    expect(calls).toHaveLength(2);
  });

  it("is not requested while it is paused or has no watcher", async () => {
    const { calls, feeds, clock } = desk();
    const stop = feeds.watch(ALARMS, LIVE, () => {});
    await calls[0]?.answer({});
    feeds.setPaused(true);
    clock.ms += 60_000;
    feeds.tick();
    expect(calls).toHaveLength(1);
    stop();
    feeds.setPaused(false);
    expect(calls).toHaveLength(1);
  });

  it("does not overwrite a changed value with an earlier response", async () => {
    const { calls, feeds } = desk();
    feeds.watch(ALARMS, LIVE, () => {});
    await calls[0]?.answer({ champion: "old" });
    void feeds.refresh(ALARMS);
    feeds.put(ALARMS, () => ({ champion: "new" }));
    await calls[1]?.answer({ champion: "old" });
    expect(feeds.state(ALARMS).data).toEqual({ champion: "new" });
  });

  it("ignores background requests in the load time of the view", async () => {
    const { calls, feeds, clock } = desk();
    feeds.watch(ALARMS, { everyMs: 10_000, background: true }, () => {});
    await calls[0]?.answer({});
    clock.ms = 5000;
    feeds.watch({ path: "/operator/cost" }, { everyMs: null }, () => {});
    await calls[1]?.answer({});
    expect(feeds.overall()).toMatchObject({ loadedMs: 5000, everyMs: null });
  });
});
