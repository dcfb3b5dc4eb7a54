import { useId, useState } from "preact/hooks";
import { pointerChange, wasChampion } from "../champion";
import { useConsole, useQuery } from "../context";
import type { Champion, ModelStory, Models, ModelVersion, PromoteModel, Promotion, RollBack } from "../contract";
import { ChangeForm, Dialog } from "../parts/dialog";
import { Icon } from "../parts/icons";
import { model, models, promotion, ROLLBACKS, trainings } from "../queries";
import { href } from "../routing";
import { GateChecks } from "./model_parts";

interface PromoteProps {
  readonly version: ModelVersion;
  /**
   * The current models. The request has the etag from the dialog's start, so the API rejects a request after a change.
   */
  readonly models: Models;
  readonly close: () => void;
}

export function PromoteDialog({
  version: initialVersion,
  models: { champion: current, trialSharePercent },
  close,
}: PromoteProps) {
  const { api, cache, announce } = useConsole();
  const [version] = useState(initialVersion);
  const [champion] = useState(current);
  const change = pointerChange(champion, current);
  const [canary, setCanary] = useState(false);
  const [force, setForce] = useState(false);
  const rejected = version.status === "rejected";
  const details = useQuery<ModelStory>(rejected ? model(version.version) : null, null).data;
  const failed = details?.decision?.checks.filter((check) => !check.passed) ?? [];

  const submit = async (reason: string) => {
    const body: PromoteModel = {
      reason,
      ...(canary ? { canary } : {}),
      ...(force ? { force } : {}),
      ...(champion ? { etag: champion.etag } : {}),
    };
    const response = (await api.post<Promotion>(promotion(version.version), body)).body;
    const promoted = response.champion;
    if (promoted) {
      cache.update<Models>(models, (before) => ({ ...before, champion: promoted }));
    }
    if (response.runId !== null) {
      announce(`${version.version} starts a canary.`, {
        href: href("trainings"),
        text: "See the run",
      });
    }
    if (response.warnings.length > 0) {
      announce(response.warnings.join(" "));
    }
    close();
    void cache.refresh(models);
    void cache.refresh(model(version.version));
    void cache.refresh(trainings);
  };
  return (
    <Dialog title="Promote a version" close={close}>
      <ChangeForm
        verb={canary ? "Start canary" : "Promote"}
        ready={change === null && (!rejected || force)}
        cancel={close}
        submit={submit}
      >
        <PointerChanged change={change} />
        <ServingChange from={champion?.version ?? null} to={version.version} />
        <p>
          {canary
            ? `A workflow run sends it ${trialSharePercent}% of the users and compares it with the champion. It becomes champion if it is no worse; otherwise it is rolled back.`
            : `It serves all users within a minute, without a deployment.${
                wasChampion(champion, version.version) ? "" : " A rollback restores the current champion."
              }`}
        </p>
        {rejected && (
          <div class="note warn">
            <div>
              <p>
                <b>The gate rejected this version.</b> It can be promoted only by force.
              </p>
              <GateChecks checks={failed} />
            </div>
          </div>
        )}
        <div class="field checks">
          {trialSharePercent > 0 && (
            <label>
              <input type="checkbox" checked={canary} onChange={(event) => setCanary(event.currentTarget.checked)} />
              Run a canary first
            </label>
          )}
          {rejected && (
            <label>
              <input type="checkbox" checked={force} onChange={(event) => setForce(event.currentTarget.checked)} />
              Promote it although the gate rejected it
            </label>
          )}
        </div>
      </ChangeForm>
    </Dialog>
  );
}

function ServingChange({ from, to }: { from: string | null; to: string | null }) {
  return (
    <dl class="change">
      <div>
        <dt>Serves now</dt>
        <dd class="identifier">{from ?? "no model"}</dd>
      </div>
      <div>
        <dt>Serves after</dt>
        <dd class="identifier">{to ?? "no model"}</dd>
      </div>
    </dl>
  );
}

interface RollbackProps {
  /**
   * The current pointer. The request has the etag from the dialog's start, so the API rejects a request after a change.
   */
  readonly champion: Champion | null;
  readonly close: () => void;
}

export function RollbackDialog({ champion: current, close }: RollbackProps) {
  const [champion] = useState(current);
  return champion && <RollbackForm champion={champion} change={pointerChange(champion, current)} close={close} />;
}

/** Return the request of a rollback. The request always names its target, because the shown canary may have ended. */
export const rollbackRequest = (champion: Champion, target: "canary" | "champion", reason: string): RollBack => ({
  reason,
  etag: champion.etag,
  ...(target === "canary" ? { canary: true } : { champion: true }),
});

function RollbackForm({ champion, change, close }: { champion: Champion; change: string | null; close: () => void }) {
  const { api, cache, announce } = useConsole();
  const id = useId();
  const { canary } = champion;
  const [target, setTarget] = useState<"canary" | "champion">(canary ? "canary" : "champion");
  const submit = async (reason: string) => {
    const { body } = await api.post<Champion>(ROLLBACKS, rollbackRequest(champion, target, reason));
    cache.update<Models>(models, (before) => ({ ...before, champion: body }));
    if (body.version === champion.version) {
      announce(`The canary of ${canary?.version} has ended; ${body.version} stays champion.`);
    }
    close();
    void cache.refresh(models);
  };
  return (
    <Dialog title="Roll back" close={close}>
      <ChangeForm verb="Roll back" ready={change === null} cancel={close} submit={submit}>
        <PointerChanged change={change} />
        {canary && (
          <fieldset class="field checks">
            <legend>Version to roll back</legend>
            <label>
              <input type="radio" name={id} checked={target === "canary"} onChange={() => setTarget("canary")} />
              The canary, {canary.version}
            </label>
            <label>
              <input
                type="radio"
                name={id}
                checked={target === "champion"}
                onChange={() => setTarget("champion")}
                disabled={champion.previous === null}
              />
              The champion, {champion.version}
            </label>
          </fieldset>
        )}
        <ServingChange from={champion.version} to={target === "canary" ? champion.version : champion.previous} />
        <p>
          {target === "canary"
            ? "The canary ends. The champion serves all users within a minute."
            : "The previous version serves within a minute, without a deployment. Automatic promotion pauses until you resume it."}
        </p>
      </ChangeForm>
    </Dialog>
  );
}

function PointerChanged({ change }: { change: string | null }) {
  return (
    change && (
      <div class="note warn" role="alert">
        <Icon name="warn" />
        <p>The champion has changed since you opened this dialog: {change}. Close it and start again.</p>
      </div>
    )
  );
}
