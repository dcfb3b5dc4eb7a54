import "./style/shell.css";
import "./style/parts.css";
import "./style/tables.css";
import "./style/forms.css";
import "./style/views.css";
import "./style/rules.css";
import { useCallback, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { PageProps } from "../platform/start";
import { ConsoleContext, useConsole, useNow, useQuery } from "./context";
import type { Models } from "./contract";
import { ago, duration, utc } from "./format";
import { Navigation } from "./navigation";
import { Icon } from "./parts/icons";
import { LIVE_MS, models } from "./queries";
import { QueryCache } from "./query_cache";
import { href, useRoute } from "./routing";
import { type Toast, Toasts } from "./toasts";
import { VIEWS } from "./views";

export function Console({ site, api, signIn }: PageProps) {
  const route = useRoute();
  const cache = useMemo(() => new QueryCache(api), [api]);
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const announce = useCallback((message: string, link?: Toast["link"]) => {
    setToasts((before) => [...before.slice(-2), { id: (before.at(-1)?.id ?? 0) + 1, message, link }]);
  }, []);
  const services = useMemo(() => ({ api, cache, cards: site.cards, announce }), [api, cache, site, announce]);
  const view = VIEWS.find(({ name }) => name === route.view);
  const title = !view ? "Not found" : route.id === null ? view.title : (view.titleOf?.(route.id) ?? route.id);
  const heading = useRef<HTMLHeadingElement>(null);
  const address = `${route.view}/${route.id ?? ""}`;
  const shown = useRef(address);

  useEffect(() => {
    document.title = `${title} · Alsolike ${site.environment}`;
    if (shown.current !== address) {
      shown.current = address;
      scrollTo(0, 0);
      heading.current?.focus();
    }
  }, [title, address, site.environment]);

  useEffect(() => {
    const tick = () => {
      if (document.visibilityState === "visible") {
        cache.tick();
      }
    };
    const timer = setInterval(tick, 1000);
    document.addEventListener("visibilitychange", tick);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", tick);
    };
  }, [cache]);

  return (
    <ConsoleContext.Provider value={services}>
      <button type="button" class="skip" onClick={() => heading.current?.focus()}>
        Skip to the content
      </button>
      <div class="console">
        <Navigation
          environment={site.environment}
          consoles={site.consoles ?? {}}
          current={route}
          signOut={() => signIn.signOut()}
        />
        <main>
          <header class="view-head">
            <div>
              {route.id && view && (
                <a class="back" href={href(view.name)}>
                  <Icon name="back" /> {view.title}
                </a>
              )}
              <h1 ref={heading} tabIndex={-1} class={route.id && !view?.titleOf ? "identifier" : undefined}>
                {title}
              </h1>
              {view && !route.id && <p class="lead">{view.lead}</p>}
            </div>
            {view && <LiveControls />}
          </header>
          {view ? (
            <view.View key={address} route={route} />
          ) : (
            <p>
              There is no view “{route.view}”. <a href={href("overview")}>Open the overview</a>
            </p>
          )}
        </main>
      </div>
      <ChampionToasts />
      <Toasts toasts={toasts} dismiss={(id) => setToasts((before) => before.filter((toast) => toast.id !== id))} />
    </ConsoleContext.Provider>
  );
}

/** Announces a new champion in every view, independent of who promoted it. */
function ChampionToasts() {
  const { announce } = useConsole();
  const champion = useQuery<Models>(models, LIVE_MS, true).data?.champion?.version;
  const previous = useRef(champion);
  useEffect(() => {
    if (champion && previous.current && champion !== previous.current) {
      announce(`${champion} is champion; serving follows within a minute.`, {
        href: href("models", champion),
        text: "Details",
      });
    }
    previous.current = champion ?? previous.current;
  }, [champion, announce]);
  return null;
}

function LiveControls() {
  const { cache } = useConsole();
  const [, draw] = useState(0);
  const now = useNow();
  useEffect(() => cache.subscribe(() => draw((n) => n + 1)), [cache]);
  const { loadedMs, everyMs, loading, failed } = cache.status();
  const { paused } = cache;
  if (loadedMs === null && !loading && !failed) return null; // runbooks load nothing
  const state = paused ? "paused" : failed ? "failing" : "live";
  return (
    <section class="live" aria-label="Refreshing">
      <p title={loadedMs === null ? undefined : utc(loadedMs)}>
        <span class={`pulse ${state}`} aria-hidden="true" />
        {paused ? "Paused, " : ""}
        {loadedMs === null ? (loading ? "loading" : "nothing loaded") : `updated ${ago(loadedMs, now)}`}
        {!paused && everyMs !== null && <span class="every">, every {duration(everyMs)}</span>}
      </p>
      <button type="button" class="small" onClick={() => cache.setPaused(!paused)}>
        <Icon name={paused ? "play" : "pause"} /> {paused ? "Resume" : "Pause"}
      </button>
      <button type="button" class="small" onClick={() => void cache.refresh()} disabled={loading}>
        <Icon name="refresh" /> Refresh
      </button>
    </section>
  );
}
