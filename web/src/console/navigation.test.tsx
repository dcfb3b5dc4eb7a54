import { render } from "preact-render-to-string";
import { describe, expect, it } from "vitest";
import { Api } from "../platform/api";
import { ConsoleContext } from "./context";
import { Navigation } from "./navigation";
import { QueryCache } from "./query_cache";
import { parseRoute } from "./routing";

function navigation(consoles: Readonly<Record<string, string>>): string {
  const api = new Api("/api", async () => "");
  return render(
    <ConsoleContext.Provider value={{ api, cache: new QueryCache(api), announce: () => {} }}>
      <Navigation environment="shop-a" consoles={consoles} current={parseRoute("#/overview")} signOut={() => {}} />
    </ConsoleContext.Provider>,
  );
}

describe("the environment in the menu", () => {
  it("is a name without other consoles", () => {
    expect(navigation({})).toContain(">shop-a</span>");
  });

  it("is a list of all consoles in the order of their names", () => {
    const html = navigation({ "shop-c": "https://c.example", "shop-b": "https://b.example" });
    const names = [...html.matchAll(/<option[^>]*>([^<]*)</g)].map(([, name]) => name);
    expect(names).toEqual(["shop-a", "shop-b", "shop-c"]);
  });
});
