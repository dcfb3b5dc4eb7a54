import { Validator } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import description from "../../../docs/openapi.json";
import { champion, forecastRecord, responseOf, rulesResponse, versions } from "./testing/responses";

// These tests check the examples by the API's description, because the generated types lack its formats, ranges and
// patterns.

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, { readonly schema: object }> }>>;
}

const paths = description.paths as unknown as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
const VERSION = versions[0].version;
const ETAG = champion.etag;

const RESPONSES: readonly [string, unknown][] = [
  ["get /operator/traffic", responseOf("/operator/traffic")],
  ["get /operator/alarms", responseOf("/operator/alarms")],
  ["get /operator/engagement", responseOf("/operator/engagement", { by: "arm" })],
  ["get /operator/increments", responseOf("/operator/increments")],
  ["get /operator/models", responseOf("/operator/models")],
  ["get /operator/models/{version}", responseOf(`/operator/models/${VERSION}`)],
  ["get /operator/trainings", responseOf("/operator/trainings")],
  ["get /operator/drift", responseOf("/operator/drift")],
  ["get /operator/quarantine", responseOf("/operator/quarantine")],
  ["get /operator/experiments", responseOf("/operator/experiments")],
  ["get /operator/rules", responseOf("/operator/rules")],
  ["post /operator/rules", { version: 8 }],
  ["get /operator/rules/history", responseOf("/operator/rules/history")],
  ["post /operator/rules/check", responseOf("/operator/rules/check")],
  ["get /operator/cost", responseOf("/operator/cost")],
  ["post /operator/rules/preview", responseOf("/operator/rules/preview")],
  ["post /operator/rules/forecasts", responseOf("/operator/rules/forecasts")],
  ["get /operator/rules/forecasts/{forecastId}", forecastRecord],
  ["post /operator/models/{version}/promotion", { champion, runId: null, warnings: ["its package is not approved"] }],
  ["post /operator/models/{version}/pin", champion],
  ["post /operator/models/{version}/unpin", champion],
  ["post /operator/models/resume", champion],
  ["post /operator/rollbacks", champion],
  ["post /operator/trainings", { id: "by-hand-1" }],
  ["post /operator/engagement", {}],
  ["post /operator/drift", {}],
  ["post /operator/session-tokens", { token: "e30.e30.x", sessionId: "guest-1", expiresInS: 900 }],
];

const REQUESTS: readonly [string, unknown][] = [
  ["post /operator/models/{version}/promotion", { reason: "r", canary: true, force: true, etag: ETAG }],
  ["post /operator/models/{version}/pin", { etag: ETAG }],
  ["post /operator/models/{version}/unpin", { etag: ETAG }],
  ["post /operator/models/resume", { etag: ETAG }],
  ["post /operator/rollbacks", { reason: "r", canary: true, etag: ETAG }],
  ["post /operator/trainings", { reason: "r", clientToken: "2f1b9f0e-43c5-4b8e-9d0d-6d0a0f3c2a11" }],
  ["post /operator/engagement", {}],
  ["post /operator/drift", {}],
  ["post /operator/session-tokens", { sessionId: "s-1", userId: "42" }],
  ["post /operator/rules", { version: 7, draft: rulesResponse.draft, reason: "r" }],
  ["post /operator/rules/check", { version: 7, draft: rulesResponse.draft }],
  [
    "post /operator/rules/preview",
    { cart: ["i"], recommender: "bought-together", rules: "spring", numResults: 10, draft: rulesResponse.draft },
  ],
  ["post /operator/rules/forecasts", { recommender: "for-you", draft: rulesResponse.draft }],
];

function operation(route: string): Operation | undefined {
  const [method = "", path = ""] = route.split(" ");
  return paths[path]?.[method];
}

/** Return the violations of a schema by a value. */
function violations(schema: object | undefined, value: unknown): string[] {
  if (!schema) {
    return ["the description has no schema"];
  }
  const whole = { ...schema, components: description.components };
  const { errors } = new Validator(whole, "2020-12", false).validate(value);
  return errors.map((error) => `${error.instanceLocation}: ${error.error}`);
}

describe("the sample responses and requests satisfy the API's description", () => {
  it("for every route", () => {
    const routes = Object.entries(paths)
      .filter(([path]) => path.startsWith("/operator/"))
      .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`));
    expect(RESPONSES.map(([route]) => route).sort()).toEqual(routes.sort());
  });

  it.each(RESPONSES)("the response of %s", (route, response) => {
    const responses = operation(route)?.responses ?? {};
    const good = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1];
    expect(violations(good?.content?.["application/json"]?.schema, response)).toEqual([]);
  });

  it.each(REQUESTS)("the request of %s", (route, request) => {
    expect(violations(operation(route)?.requestBody?.content["application/json"]?.schema, request)).toEqual([]);
  });
});
