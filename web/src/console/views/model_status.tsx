import type { ModelVersion } from "../contract";
import type { IconName } from "../parts/icons";
import { Icon } from "../parts/icons";
import { Status, type Tone } from "../parts/status";

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
      {version.pinned && (
        <span class="faint" title="Its files do not expire">
          <Icon name="pin" /> pinned
        </span>
      )}
    </span>
  );
}
