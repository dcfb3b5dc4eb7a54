import { useState } from "preact/hooks";
import { useDesk } from "../context";
import type { Champion, Models } from "../contract";
import { sentence } from "../parts/answered";
import { model, models } from "../questions";

interface Props {
  readonly verb: string;
  readonly path: string;
  readonly etag: string;
  /** The message after success. */
  readonly done: string;
  /** The version whose story it changes. */
  readonly version?: string;
}

/** A button that changes the champion pointer without a reason, with the refusal next to it. */
export function Act({ verb, path, etag, done, version }: Props) {
  const { api, feeds, announce } = useDesk();
  const [error, setError] = useState<Error | null>(null);
  const [going, setGoing] = useState(false);
  const act = async () => {
    setGoing(true);
    setError(null);
    try {
      const { body } = await api.post<Champion>(path, { etag });
      feeds.put<Models>(models, (before) => ({ ...before, champion: body }));
      announce(done);
      await Promise.all([models, ...(version ? [model(version)] : [])].map((question) => feeds.refresh(question)));
    } catch (failure) {
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      setGoing(false);
    }
  };
  return (
    <span class="with-mark">
      <button type="button" class="small" disabled={going} onClick={() => void act()}>
        {verb}
      </button>
      {error && (
        <span class="refusal" role="alert">
          {sentence(error)}
        </span>
      )}
    </span>
  );
}
