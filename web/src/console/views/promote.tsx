import { useState } from "preact/hooks";
import { movedTo, wasChampion } from "../champion";
import { useDesk, useFeed } from "../context";
import type { ModelStory, Models, ModelVersion, Promotion } from "../contract";
import { ChangeForm } from "../parts/change_form";
import { Dialog } from "../parts/dialog";
import { model, models, promotion, trainings } from "../questions";
import { href } from "../routing";
import { Checks } from "./checks";
import { Moved } from "./moved";

interface Props {
  readonly version: ModelVersion;
  /** Current models; the request uses the pointer with which the dialog was opened. */
  readonly models: Models;
  readonly close: () => void;
}

/** Make a version champion, at once or after a trial. */
export function PromoteDialog({ version: chosen, models: { champion: now, trialSharePercent }, close }: Props) {
  const { api, feeds, announce } = useDesk();
  const [version] = useState(chosen);
  const [champion] = useState(now);
  const moved = movedTo(champion, now);
  const [canary, setCanary] = useState(false);
  const [force, setForce] = useState(false);
  const rejected = version.status === "rejected";
  const story = useFeed<ModelStory>(rejected ? model(version.version) : null, null).data;
  const failed = story?.decision?.checks.filter((check) => !check.passed) ?? [];

  const submit = async (reason: string) => {
    const change = {
      reason,
      ...(canary ? { canary } : {}),
      ...(force ? { force } : {}),
      ...(champion ? { etag: champion.etag } : {}),
    };
    const { body } = await api.post<Promotion>(promotion(version.version), change);
    const now = body.champion;
    if (now) {
      feeds.put<Models>(models, (before) => ({ ...before, champion: now }));
    }
    if (body.runId !== null) {
      announce(`${version.version} starts a canary trial.`, {
        href: href("trainings"),
        text: "See the run",
      });
    }
    if (body.warnings.length > 0) {
      announce(body.warnings.join(" "));
    }
    close();
    void feeds.refresh(models);
    void feeds.refresh(model(version.version));
    void feeds.refresh(trainings);
  };
  return (
    <Dialog title="Promote a version" close={close}>
      <ChangeForm
        verb={canary ? "Start trial" : "Promote"}
        ready={moved === null && (!rejected || force)}
        cancel={close}
        submit={submit}
      >
        <Moved to={moved} />
        <Change from={champion?.version ?? null} to={version.version} />
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
              <Checks checks={failed} />
            </div>
          </div>
        )}
        <div class="field checks">
          {trialSharePercent > 0 && (
            <label>
              <input type="checkbox" checked={canary} onChange={(event) => setCanary(event.currentTarget.checked)} />
              Run a canary trial first
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

/** The serving version before and after. */
export function Change({ from, to }: { from: string | null; to: string | null }) {
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
