import { afterEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError, NetworkError, pathSegment } from "./api";

afterEach(() => vi.unstubAllGlobals());

describe("an id in a path", () => {
  it("is percent-encoded", () => {
    expect(pathSegment("blue shoe")).toBe("blue%20shoe");
  });

  it("is base64url if a gateway would change it", () => {
    expect(pathSegment("sku/7")).toBe("~c2t1Lzc");
    expect(pathSegment("..")).toBe("~Li4");
  });
});

describe("a call", () => {
  it("raises the error of the API", async () => {
    const refusal = new Response('{"message":"no such item"}', {
      status: 404,
      headers: { "x-amzn-errortype": "ResourceNotFoundException" },
    });
    vi.stubGlobal("fetch", async () => refusal);
    const api = new Api("/api", async () => "token");
    const error = await api.get("/items/7").catch((failure: unknown) => failure);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 404, type: "ResourceNotFoundException", message: "no such item" });
  });

  it("carries the token and the query", async () => {
    const calls: [string, RequestInit][] = [];
    vi.stubGlobal("fetch", async (url: string, request: RequestInit) => {
      calls.push([url, request]);
      return new Response("{}");
    });
    await new Api("/api", async () => "secret").get("/trending", { numResults: 3, window: undefined });
    expect(calls[0]?.[0]).toBe("/api/trending?numResults=3");
    expect(calls[0]?.[1].headers).toMatchObject({ authorization: "Bearer secret" });
  });

  const failed = (answers: () => Promise<Response>) => {
    vi.stubGlobal("fetch", answers);
    return new Api("/api", async () => "token").get("/items").catch((failure: unknown) => failure);
  };

  it("recognizes a proxy's page", async () => {
    const page = "<html><h1>Bad Gateway</h1></html>";
    expect(await failed(async () => new Response(page, { status: 502, statusText: "Bad Gateway" }))).toMatchObject({
      status: 502,
      type: "Bad Gateway",
      message: "status 502 without a message",
    });
    const welcome = await failed(async () => new Response(page));
    expect(welcome).toBeInstanceOf(ApiError);
    expect(welcome).toMatchObject({ status: 200, message: expect.stringContaining("not the API") });
  });

  it("distinguishes a network error from a timeout", async () => {
    const cut = await failed(() => Promise.reject(new TypeError("Failed to fetch")));
    expect(cut).toBeInstanceOf(NetworkError);
    expect(cut).toMatchObject({ message: "The network does not answer" });
    const late = await failed(() => Promise.reject(new DOMException("signal timed out", "TimeoutError")));
    expect(late).toMatchObject({ message: "no answer came within 30 s" });
  });

  it("has a timeout of 30 s", async () => {
    const timeout = vi.spyOn(AbortSignal, "timeout");
    vi.stubGlobal("fetch", async (_: string, request: RequestInit) => {
      expect(request.signal).toBe(timeout.mock.results[0]?.value);
      return new Response("{}");
    });
    await new Api("/api", async () => "token").post("/events", {});
    expect(timeout.mock.calls).toEqual([[30_000]]);
    timeout.mockRestore();
  });

  it("is repeated once with a new token after a rejection", async () => {
    const [rejectedTokens, sent]: [(string | undefined)[], unknown[]] = [[], []];
    const token = async (rejected?: string) => {
      rejectedTokens.push(rejected);
      return rejected ? "new" : "old";
    };
    const good = new Set(["Bearer new"]);
    vi.stubGlobal("fetch", async (_: string, { headers }: RequestInit) => {
      const { authorization = "" } = headers as Record<string, string>;
      sent.push(authorization);
      return good.has(authorization)
        ? new Response('{"seen":true}')
        : new Response('{"message":"Unauthorized"}', { status: 401 });
    });
    expect((await new Api("/api", token).get("/items")).body).toEqual({ seen: true });
    expect([rejectedTokens, sent]).toEqual([
      [undefined, "old"],
      ["Bearer old", "Bearer new"],
    ]);
    good.clear();
    sent.length = 0;
    await expect(new Api("/api", token).get("/items")).rejects.toMatchObject({ status: 401, message: "Unauthorized" });
    expect(sent).toHaveLength(2);
  });

  const throttled = (retryAfter?: string) =>
    new Response('{"message":"Too Many Requests"}', {
      status: 429,
      headers: retryAfter ? { "retry-after": retryAfter } : {},
    });

  it("is sent again while it is throttled", async () => {
    const answers = [throttled("0"), throttled("0"), new Response('{"seen":true}')];
    vi.stubGlobal("fetch", async () => answers.shift());
    expect((await new Api("/api", async () => "token").post("/events", {})).body).toEqual({ seen: true });
    expect(answers).toEqual([]);
  });

  it("that stays throttled is an error", async () => {
    let sent = 0;
    const error = await failed(async () => {
      sent++;
      return throttled("0");
    });
    expect([error, sent]).toEqual([expect.objectContaining({ status: 429, message: "Too Many Requests" }), 4]);
  });

  it.each([
    ["2", 2_000],
    ["86400", 10_000],
    [undefined, 1_000],
    ["Fri, 31 Dec 2027 23:59:59 GMT", 1_000],
  ])("pauses after retry-after %s for %i ms", async (retryAfter, pauseMs) => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(0);
    const answers = [throttled(retryAfter), new Response("{}")];
    vi.stubGlobal("fetch", async () => answers.shift());
    const call = new Api("/api", async () => "token").get("/items");
    await vi.advanceTimersByTimeAsync(pauseMs - 1);
    expect(answers).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect((await call).body).toEqual({});
    vi.useRealTimers();
    vi.restoreAllMocks();
  });
});
