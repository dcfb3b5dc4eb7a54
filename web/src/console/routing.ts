import { useEffect, useState } from "preact/hooks";

/** The current view: `#/engagement?by=arm` or `#/models/VERSION`. */
export interface Route {
  readonly view: string;
  readonly id: string | null;
  readonly query: Readonly<Record<string, string>>;
}

export function parseRoute(hash: string): Route {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [view, ...rest] = path.split("/");
  const id = rest.join("/");
  return {
    view: view || "overview",
    id: id ? decoded(id) : null,
    query: Object.fromEntries(new URLSearchParams(search)),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Return the address of a view without undefined and empty parameters. */
export function href(
  view: string,
  id?: string | null,
  query: Record<string, string | number | undefined> = {},
): string {
  const parameters = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const search = new URLSearchParams(parameters.map(([name, value]) => [name, String(value)])).toString();
  return `#/${view}${id ? `/${encodeURIComponent(id)}` : ""}${search ? `?${search}` : ""}`;
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const update = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", update);
    return () => removeEventListener("hashchange", update);
  }, []);
  return route;
}

/** Change the parameters of the current view without a new history entry. */
export function replaceQuery(route: Route, query: Record<string, string | number | undefined>): void {
  location.replace(href(route.view, route.id, { ...route.query, ...query }));
}
