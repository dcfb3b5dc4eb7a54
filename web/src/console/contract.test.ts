import { Validator } from "@cfworker/json-schema";
import { describe, expect, it } from "vitest";
import description from "../../../docs/openapi.json";
import { champion, responseOf, versions } from "./testing/responses";

// The fixtures are typed by `contract.ts`, where no field may be left out, and the description lets in no other field
// than its own: who satisfies both has shown that they agree.

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { readonly schema: object }> };
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, { readonly schema: object }> }>>;
}

const paths = description.paths as unknown as Readonly<Record<string, Readonly<Record<string, Operation>>>>;
const VERSION = versions[0].version;
const ETAG = champion.etag;

const ANSWERS: readonly [string, unknown][] = [
  ["get /operator/traffic", responseOf("/operator/traffic")],
  ["get /operator/alarms", responseOf("/operator/alarms")],
  ["get /operator/engagement", responseOf("/operator/engagement", { by: "arm" })],
  ["get /operator/models", responseOf("/operator/models")],
  ["get /operator/models/{version}", responseOf(`/operator/models/${VERSION}`)],
  ["get /operator/trainings", responseOf("/operator/trainings")],
  ["get /operator/drift", responseOf("/operator/drift")],
  ["get /operator/quarantine", responseOf("/operator/quarantine")],
  ["get /operator/experiments", responseOf("/operator/experiments")],
  ["get /operator/rules", responseOf("/operator/rules")],
  ["get /operator/cost", responseOf("/operator/cost")],
  ["post /operator/rules/preview", responseOf("/operator/rules/preview")],
  ["post /operator/models/{version}/promotion", { champion, runId: null, warnings: ["its package is not approved"] }],
  ["post /operator/models/{version}/pin", champion],
  ["post /operator/models/{version}/unpin", champion],
  ["post /operator/models/resume", champion],
  ["post /operator/rollbacks", champion],
  ["post /operator/trainings", { id: "by-hand-1" }],
];

const REQUESTS: readonly [string, unknown][] = [
  ["post /operator/models/{version}/promotion", { reason: "r", canary: true, force: true, etag: ETAG }],
  ["post /operator/models/{version}/pin", { etag: ETAG }],
  ["post /operator/models/{version}/unpin", { etag: ETAG }],
  ["post /operator/models/resume", { etag: ETAG }],
  ["post /operator/rollbacks", { reason: "r", canary: true, etag: ETAG }],
  ["post /operator/trainings", { reason: "r", clientToken: "2f1b9f0e-43c5-4b8e-9d0d-6d0a0f3c2a11" }],
  [
    "post /operator/rules/preview",
    { userId: "u", itemId: "i", recommender: "for-you", rules: "spring", numResults: 10 },
  ],
];

function operation(route: string): Operation | undefined {
  const [method = "", path = ""] = route.split(" ");
  return paths[path]?.[method];
}

/** The violations of the schema by a value, in words; empty if it satisfies the schema. */
function faults(schema: object | undefined, value: unknown): string[] {
  if (!schema) {
    return ["the description has no schema for it"];
  }
  const whole = { ...schema, components: description.components };
  const { errors } = new Validator(whole, "2020-12", false).validate(value);
  return errors.map((error) => `${error.instanceLocation}: ${error.error}`);
}

describe("the contract and the API's description agree", () => {
  it("on which routes there are", () => {
    const routes = Object.entries(paths)
      .filter(([path]) => path.startsWith("/operator/"))
      .flatMap(([path, operations]) => Object.keys(operations).map((method) => `${method} ${path}`));
    expect(ANSWERS.map(([route]) => route).sort()).toEqual(routes.sort());
  });

  it.each(ANSWERS)("on what %s answers", (route, answer) => {
    const responses = operation(route)?.responses ?? {};
    const good = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1];
    expect(faults(good?.content?.["application/json"]?.schema, answer)).toEqual([]);
  });

  it.each(REQUESTS)("on what %s takes", (route, request) => {
    expect(faults(operation(route)?.requestBody?.content["application/json"]?.schema, request)).toEqual([]);
  });
});
