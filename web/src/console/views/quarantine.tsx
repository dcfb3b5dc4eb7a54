import { useFeed } from "../context";
import type { Quarantine } from "../contract";
import { count, plural, words } from "../format";
import { Answered, Empty } from "../parts/answered";
import { Command, shellWord } from "../parts/copy";
import { Status } from "../parts/status";
import { Tile, Tiles } from "../parts/tile";
import { When } from "../parts/when";
import { quarantine, SLOW_MS } from "../questions";

export function QuarantineView() {
  const feed = useFeed<Quarantine>(quarantine, SLOW_MS);
  return (
    <Answered feed={feed} what="records in quarantine">
      {(held) =>
        held.groups.length === 0 ? (
          <Empty title="The quarantine is empty" good>
            <p>Every record was processed.</p>
          </Empty>
        ) : (
          <div class="stack">
            <Tiles>
              <Tile
                name="Quarantined records"
                value={`${count(held.records)}${held.truncated ? "+" : ""}`}
                note={`in ${plural(held.objects, "object")}${held.truncated ? ", more were not read" : ""}`}
              />
              <Tile name="Reasons" value={count(held.groups.length)} note="the most frequent first" />
            </Tiles>
            <ul class="runs" aria-label="By reason, the most frequent first">
              {held.groups.map((group) => (
                <Group key={`${group.kind} ${group.reason}`} group={group} />
              ))}
            </ul>
            <p class="faint">
              Fix the cause first. Without <code>--dry-run</code>, replay sends the records to the stream again; records
              that were already stored are not stored twice.
            </p>
          </div>
        )
      }
    </Answered>
  );
}

function Group({ group }: { group: Quarantine["groups"][number] }) {
  return (
    <li class="card padded">
      <header class="row">
        <Status tone="warn">{plural(group.records, "record")}</Status>
        <h2>{group.reason}</h2>
      </header>
      <p class="faint">
        {words(group.kind)}, latest <When ms={group.latestMs} />, oldest <When ms={group.oldestMs} />
      </p>
      <div class="commands">
        <Command text={`alsolike quarantine show ${shellWord(group.exampleId)}`} />
        <Command text={`alsolike quarantine replay --reason ${shellWord(group.reason)} --dry-run`} />
      </div>
    </li>
  );
}
