import { describe, expect, it } from "vitest";
import { href, parseRoute } from "./routing";

describe("an address", () => {
  it("is the overview where nothing stands in it", () => {
    expect(parseRoute("")).toEqual({ view: "overview", id: null, query: {} });
    expect(parseRoute("#/")).toEqual({ view: "overview", id: null, query: {} });
  });

  it("names a view, what it shows and how", () => {
    expect(parseRoute("#/engagement?by=arm&days=7")).toEqual({
      view: "engagement",
      id: null,
      query: { by: "arm", days: "7" },
    });
  });

  it("brings an id back whatever is in it", () => {
    for (const id of ["20261126-031500-a26f3", "a/b c?d#e%", "50%"]) {
      expect(parseRoute(href("models", id))).toEqual({ view: "models", id, query: {} });
    }
  });

  it("does not fail over an escape that is none", () => {
    expect(parseRoute("#/models/50%").id).toBe("50%");
  });

  it("leaves out what is not asked", () => {
    expect(href("cost", null, { users: 7, items: undefined, eventsPerDay: "" })).toBe("#/cost?users=7");
  });
});
