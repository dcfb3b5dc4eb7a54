import { useEffect, useState } from "preact/hooks";
import { useDesk, useNow } from "./context";
import { ago, duration, utc } from "./format";
import { Icon } from "./parts/icons";

/** Since when the view is as it is, and whether it goes on by itself. */
export function LiveControls() {
  const { feeds } = useDesk();
  const [, draw] = useState(0);
  const now = useNow();
  useEffect(() => feeds.listen(() => draw((n) => n + 1)), [feeds]);
  const { loadedMs, everyMs, loading, failed } = feeds.overall();
  const { paused } = feeds;
  const state = paused ? "paused" : failed ? "failing" : "live";
  return (
    <section class="live" aria-label="Refreshing">
      <p title={loadedMs === null ? undefined : utc(loadedMs)}>
        <span class={`pulse ${state}`} aria-hidden="true" />
        {paused ? "Paused, " : ""}
        {loadedMs === null ? (loading ? "loading" : "nothing loaded") : `updated ${ago(loadedMs, now)}`}
        {!paused && everyMs !== null && <span class="every">, every {duration(everyMs)}</span>}
      </p>
      <button type="button" class="small" onClick={() => feeds.setPaused(!paused)}>
        <Icon name={paused ? "play" : "pause"} /> {paused ? "Resume" : "Pause"}
      </button>
      <button type="button" class="small" onClick={() => void feeds.refresh()} disabled={loading}>
        <Icon name="refresh" /> Refresh
      </button>
    </section>
  );
}
