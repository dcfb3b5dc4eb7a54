import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageProps } from "../platform/start";
import { ChampionWatch } from "./champion_watch";
import { DeskContext } from "./context";
import { Feeds } from "./feeds";
import { LiveControls } from "./live_controls";
import { Navigation } from "./navigation";
import { Icon } from "./parts/icons";
import { href, useRoute } from "./routing";
import { type Said, Sayings } from "./sayings";
import "./style/index.css";
import { VIEWS } from "./views";

/** The operator's console: navigation, the view that the address names, and what is said to the reader. */
export function Console({ site, api, signIn }: PageProps) {
  const route = useRoute();
  const feeds = useMemo(() => new Feeds(api), [api]);
  const [said, setSaid] = useState<readonly Said[]>([]);
  const announce = useCallback((message: string, link?: Said["link"]) => {
    setSaid((before) => [...before.slice(-2), { id: (before.at(-1)?.id ?? 0) + 1, message, link }]);
  }, []);
  const desk = useMemo(() => ({ api, feeds, announce }), [api, feeds, announce]);
  const view = VIEWS.find((one) => one.name === route.view);
  const title = view ? (route.id ?? view.title) : "Not found";
  const heading = useRef<HTMLHeadingElement>(null);
  const place = `${route.view}/${route.id ?? ""}`;
  const shown = useRef(place);

  useEffect(() => {
    document.title = `${title} · Alsolike ${site.environment}`;
    if (shown.current !== place) {
      shown.current = place;
      scrollTo(0, 0);
      heading.current?.focus();
    }
  }, [title, place, site.environment]);

  useEffect(() => {
    const tick = () => {
      if (document.visibilityState === "visible") {
        feeds.tick();
      }
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [feeds]);

  return (
    <DeskContext.Provider value={desk}>
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <div class="console">
        <Navigation environment={site.environment} current={route} signOut={() => signIn.signOut()} />
        <main>
          <header class="view-head">
            <div>
              {route.id && view && (
                <a class="back" href={href(view.name)}>
                  <Icon name="back" /> {view.title}
                </a>
              )}
              <h1 ref={heading} tabIndex={-1} class={route.id ? "identifier" : undefined}>
                {title}
              </h1>
              {view && !route.id && <p class="lead">{view.lead}</p>}
            </div>
            {view && <LiveControls />}
          </header>
          {view ? (
            <view.View key={place} route={route} />
          ) : (
            <p>
              There is no view “{route.view}”. <a href={href("overview")}>Open the overview</a>
            </p>
          )}
        </main>
      </div>
      <ChampionWatch />
      <Sayings said={said} forget={(id) => setSaid((before) => before.filter((one) => one.id !== id))} />
    </DeskContext.Provider>
  );
}
