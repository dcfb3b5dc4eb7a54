import { useId, useState } from "preact/hooks";
import { movedTo } from "../champion";
import { useDesk } from "../context";
import type { Champion, Models } from "../contract";
import { ChangeForm } from "../parts/change_form";
import { Dialog } from "../parts/dialog";
import { models, ROLLBACKS } from "../questions";
import { Moved } from "./moved";
import { Change } from "./promote";

interface Props {
  /** The current pointer; the request uses the one with which the dialog was opened. */
  readonly champion: Champion | null;
  readonly close: () => void;
}

/** Bring back the champion of before, or end a trial. */
export function RollbackDialog({ champion: now, close }: Props) {
  const [champion] = useState(now);
  return champion && <Rollback champion={champion} moved={movedTo(champion, now)} close={close} />;
}

/** The request names its target also without a trial, because the trial that the reader saw may have ended. */
export const rollbackOf = (champion: Champion, what: "canary" | "champion", reason: string) => ({
  reason,
  etag: champion.etag,
  [what]: true,
});

function Rollback({ champion, moved, close }: { champion: Champion; moved: string | null; close: () => void }) {
  const { api, feeds, announce } = useDesk();
  const id = useId();
  const { canary } = champion;
  const [what, setWhat] = useState<"canary" | "champion">(canary ? "canary" : "champion");
  const submit = async (reason: string) => {
    const { body } = await api.post<Champion>(ROLLBACKS, rollbackOf(champion, what, reason));
    feeds.put<Models>(models, (before) => ({ ...before, champion: body }));
    if (body.version === champion.version) {
      announce(`The trial of ${canary?.version} has ended; ${body.version} stays champion.`);
    }
    close();
    void feeds.refresh(models);
  };
  return (
    <Dialog title="Roll back" close={close}>
      <ChangeForm verb="Roll back" ready={moved === null} cancel={close} submit={submit}>
        <Moved to={moved} />
        {canary && (
          <fieldset class="field checks">
            <legend>Version to roll back</legend>
            <label>
              <input type="radio" name={id} checked={what === "canary"} onChange={() => setWhat("canary")} />
              The version on trial, {canary.version}
            </label>
            <label>
              <input
                type="radio"
                name={id}
                checked={what === "champion"}
                onChange={() => setWhat("champion")}
                disabled={champion.previous === null}
              />
              The champion, {champion.version}
            </label>
          </fieldset>
        )}
        <Change from={champion.version} to={what === "canary" ? champion.version : champion.previous} />
        <p>
          {what === "canary"
            ? "The trial ends. The champion serves all users within a minute."
            : "The previous version serves within a minute, without a deployment. Automatic promotion pauses until you resume it."}
        </p>
      </ChangeForm>
    </Dialog>
  );
}
