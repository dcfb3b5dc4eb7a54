import { useQuery } from "../context";
import type { QuarantineReport } from "../contract";
import { count, plural, words } from "../format";
import { Command, Status, shellQuote, Tile, Tiles, Timestamp } from "../parts/elements";
import { EmptyState, QueryContent } from "../parts/query_content";
import { quarantine, SLOW_MS } from "../queries";

export function QuarantineView() {
  const query = useQuery<QuarantineReport>(quarantine, SLOW_MS);
  return (
    <QueryContent query={query} content="records in quarantine">
      {(held) =>
        held.groups.length === 0 ? (
          <EmptyState title="The quarantine is empty" good>
            <p>Every record was processed.</p>
          </EmptyState>
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
    </QueryContent>
  );
}

function Group({ group }: { group: QuarantineReport["groups"][number] }) {
  return (
    <li class="card padded">
      <header class="row">
        <Status tone="warn">{plural(group.records, "record")}</Status>
        <h2>{group.reason}</h2>
      </header>
      <p class="faint">
        {words(group.kind)}, latest <Timestamp ms={group.latestMs} />, oldest <Timestamp ms={group.oldestMs} />
      </p>
      <div class="commands">
        <Command text={`alsolike quarantine show ${shellQuote(group.exampleId)}`} />
        <Command text={`alsolike quarantine replay --reason ${shellQuote(group.reason)} --dry-run`} />
      </div>
    </li>
  );
}
