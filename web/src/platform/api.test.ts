import { afterEach, describe, expect, it, vi } from "vitest";
import { Api, ApiError, pathSegment } from "./api";

afterEach(() => vi.unstubAllGlobals());

describe("an id in a path", () => {
  it("is percent-encoded", () => {
    expect(pathSegment("blue shoe")).toBe("blue%20shoe");
  });

  it("is base64url where a gateway would change it", () => {
    expect(pathSegment("sku/7")).toBe("~c2t1Lzc");
    expect(pathSegment("..")).toBe("~Li4");
  });
});

describe("a call", () => {
  it("raises what the API says of a refusal", async () => {
    const refusal = new Response('{"message":"no such item"}', {
      status: 404,
      headers: { "x-amzn-errortype": "ResourceNotFoundException" },
    });
    vi.stubGlobal("fetch", async () => refusal);
    const api = new Api("/api", async () => "token");
    const error = await api.get("/items/7").catch((found: unknown) => found);
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
});
