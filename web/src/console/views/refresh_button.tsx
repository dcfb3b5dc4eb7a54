import { useState } from "preact/hooks";
import { toError } from "../../platform/api";
import { useConsole } from "../context";
import { Icon } from "../parts/icons";
import { errorText } from "../parts/query_content";
import type { Query } from "../query_cache";

interface Props {
  readonly verb: string;
  /** The query of the figures. A `POST` to the query's path computes the figures again. */
  readonly query: Query;
  /** The query that is loaded again after the computation has started. Default: `query`. */
  readonly shows?: Query;
  readonly started: string;
  readonly primary?: boolean;
}

/** Delays of requests for new figures, because the function runs for seconds or minutes after its start. */
const RELOAD_DELAYS_MS = [3_000, 10_000, 30_000, 90_000];

/**
 * A button that computes figures now instead of at the next scheduled time. The button shows the error of a rejected
 * start.
 */
export function RefreshButton({ verb, query, shows = query, started, primary = false }: Props) {
  const { api, cache, announce } = useConsole();
  const [error, setError] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);
  const send = async () => {
    setSending(true);
    setError(null);
    try {
      await api.post(query.path, {});
      announce(started);
      for (const ms of RELOAD_DELAYS_MS) setTimeout(() => void cache.refresh(shows), ms);
    } catch (failure) {
      setError(toError(failure));
    } finally {
      setSending(false);
    }
  };
  return (
    <span class="with-mark">
      <button type="button" class={primary ? "primary" : "small"} disabled={sending} onClick={() => void send()}>
        <Icon name="refresh" /> {verb}
      </button>
      {error && (
        <span class="refusal" role="alert">
          {errorText(error)}
        </span>
      )}
    </span>
  );
}
