import { useId, useState } from "preact/hooks";
import { useDesk } from "../context";
import type { Champion, Models } from "../contract";
import { ChangeForm } from "../parts/change_form";
import { Dialog } from "../parts/dialog";
import { models, ROLLBACKS } from "../questions";
import { Change } from "./promote";

/** Bring back the champion of before, or end a trial. */
export function RollbackDialog({ champion, close }: { champion: Champion; close: () => void }) {
  const { api, feeds, announce } = useDesk();
  const id = useId();
  const { canary } = champion;
  const [what, setWhat] = useState<"canary" | "champion">(canary ? "canary" : "champion");
  const submit = async (reason: string) => {
    const { body } = await api.post<Champion>(ROLLBACKS, {
      reason,
      etag: champion.etag,
      ...(canary ? { [what]: true } : {}),
    });
    feeds.put<Models>(models, (before) => ({ ...before, champion: body }));
    if (body.version === champion.version) {
      announce(`The trial of ${canary?.version} is ended; ${body.version} stays champion.`);
    }
    close();
    void feeds.refresh(models);
  };
  return (
    <Dialog title="Roll back" close={close}>
      <ChangeForm verb="Roll back" cancel={close} submit={submit}>
        {canary && (
          <fieldset class="field checks">
            <legend>What to take back</legend>
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
            ? "The trial ends and the champion answers all users again, within a minute."
            : "The version of before answers within a minute, without a deploy. New versions do not become champion by themselves until that is allowed again."}
        </p>
      </ChangeForm>
    </Dialog>
  );
}
