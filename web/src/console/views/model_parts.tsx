import { useState } from "preact/hooks";
import { toError } from "../../platform/api";
import { useConsole } from "../context";
import type { Champion, ChangeModels, GateDecision, Models, ModelVersion } from "../contract";
import { measure, words } from "../format";
import { Status, type Tone } from "../parts/elements";
import { Icon, type IconName } from "../parts/icons";
import { errorText } from "../parts/query_content";
import { model, models } from "../queries";

interface Props {
  readonly verb: string;
  readonly path: string;
  readonly etag: string;
  readonly done: string;
  /** The version whose details the change affects. */
  readonly version?: string;
}

/** A button that changes the champion pointer without a reason. The button shows the error of a rejected change. */
export function ChangeButton({ verb, path, etag, done, version }: Props) {
  const { api, cache, announce } = useConsole();
  const [error, setError] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);
  const send = async () => {
    setSending(true);
    setError(null);
    try {
      const { body } = await api.post<Champion>(path, { etag } satisfies ChangeModels);
      cache.update<Models>(models, (before) => ({ ...before, champion: body }));
      announce(done);
      await Promise.all([models, ...(version ? [model(version)] : [])].map((query) => cache.refresh(query)));
    } catch (failure) {
      setError(toError(failure));
    } finally {
      setSending(false);
    }
  };
  return (
    <span class="with-mark">
      <button type="button" class="small" disabled={sending} onClick={() => void send()}>
        {verb}
      </button>
      {error && (
        <span class="refusal" role="alert">
          {errorText(error)}
        </span>
      )}
    </span>
  );
}

export function GateChecks({ checks }: { checks: GateDecision["checks"] }) {
  const ordered = [...checks].sort((a, b) => Number(a.passed) - Number(b.passed));
  return (
    <ul class="gate">
      {ordered.map((check) => (
        <li key={check.name}>
          {check.passed ? <Status tone="good">passed</Status> : <Status tone="bad">failed</Status>}
          <div>
            <b>{words(check.name)}</b>
            <span>{check.figures}</span>
          </div>
        </li>
      ))}
    </ul>
  );
}

const SHOWN: Record<ModelVersion["status"], [Tone, IconName]> = {
  champion: ["good", "star"],
  canary: ["going", "going"],
  previous: ["info", "back"],
  rejected: ["bad", "bad"],
  retired: ["idle", "idle"],
  kept: ["idle", "check"],
};

export function ModelStatus({ version }: { version: ModelVersion }) {
  const [tone, icon] = SHOWN[version.status];
  return (
    <span class="with-mark">
      <Status tone={tone} icon={icon}>
        {version.status}
      </Status>
      {version.forced && (
        <span class="faint" title="An operator promoted it although the gate rejected it">
          forced
        </span>
      )}
      {version.damaged.length > 0 && (
        <span title={version.damaged.join(", ")}>
          <Status tone="bad">damaged</Status>
        </span>
      )}
      {version.pinned && (
        <span class="faint" title="Its files do not expire">
          <Icon name="pin" /> pinned
        </span>
      )}
    </span>
  );
}

export const canPromote = (version: ModelVersion): boolean =>
  version.status !== "champion" && version.status !== "retired";

export function MetricBar({ value, max }: { value: number | null; max: number }) {
  return (
    <span class="bar">
      {measure(value)}
      <span class="track" aria-hidden="true">
        <span style={{ width: `${max > 0 ? ((value ?? 0) / max) * 100 : 0}%` }} />
      </span>
    </span>
  );
}
