import { describe, expect, it } from "vitest";
import { href, parseRoute } from "./routing";

describe("an address", () => {
  it("is the overview if it is empty", () => {
    expect(parseRoute("")).toEqual({ view: "overview", id: null, query: {} });
    expect(parseRoute("#/")).toEqual({ view: "overview", id: null, query: {} });
  });

  it("has a view, an ID and parameters", () => {
    expect(parseRoute("#/engagement?by=arm&days=7")).toEqual({
      view: "engagement",
      id: null,
      query: { by: "arm", days: "7" },
    });
  });

  it("keeps any ID", () => {
    for (const id of ["20261126-031500-a26f3", "a/b c?d#e%", "50%"]) {
      expect(parseRoute(href("models", id))).toEqual({ view: "models", id, query: {} });
    }
  });

  it("accepts an invalid escape", () => {
    expect(parseRoute("#/models/50%").id).toBe("50%");
  });

  it("omits empty parameters", () => {
    expect(href("cost", null, { users: 7, items: undefined, eventsPerDay: "" })).toBe("#/cost?users=7");
  });
});
