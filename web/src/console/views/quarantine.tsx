import { useFeed } from "../context";
import type { Quarantine } from "../contract";
import { count, plural } from "../format";
import { Answered, Empty } from "../parts/answered";
import { Command, shellWord } from "../parts/copy";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { When } from "../parts/when";
import { quarantine, SLOW_MS } from "../questions";

export function QuarantineView() {
  const feed = useFeed<Quarantine>(quarantine, SLOW_MS);
  return (
    <Answered feed={feed} what="records in quarantine">
      {(held) =>
        held.groups.length === 0 ? (
          <Empty title="Nothing is held back" good>
            <p>Every record that came could be read.</p>
          </Empty>
        ) : (
          <div class="stack">
            <Tiles>
              <Tile
                name="Records held back"
                value={`${count(held.records)}${held.truncated ? "+" : ""}`}
                note={`in ${plural(held.objects, "object")}${held.truncated ? ", and more that were not read" : ""}`}
              />
              <Tile name="Reasons" value={count(held.groups.length)} note="the most frequent first" />
            </Tiles>
            <Table
              caption="By reason"
              rows={held.groups}
              keyOf={(group) => `${group.kind} ${group.reason}`}
              columns={[
                {
                  name: "Reason",
                  cell: (group) => (
                    <span class="wide">
                      {group.reason}
                      <small class="below">{group.kind}</small>
                    </span>
                  ),
                },
                { name: "Records", number: true, cell: (group) => count(group.records) },
                { name: "Latest", cell: (group) => <When ms={group.latestMs} /> },
                { name: "Oldest", cell: (group) => <When ms={group.oldestMs} /> },
                {
                  name: "Commands",
                  cell: (group) => (
                    <div class="commands">
                      <Command text={`alsolike quarantine show ${shellWord(group.exampleId)}`} />
                      <Command text={`alsolike quarantine replay --reason ${shellWord(group.reason)} --dry-run`} />
                    </div>
                  ),
                },
              ]}
            />
            <p class="faint">
              Mend the cause first. Without <code>--dry-run</code>, replay puts the records on the stream again; what
              had been stored already is stored once.
            </p>
          </div>
        )
      }
    </Answered>
  );
}
