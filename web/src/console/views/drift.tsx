import { useFeed } from "../context";
import type { Drift, DriftAnswer } from "../contract";
import { count, duration, figure, percent, words } from "../format";
import { Answered, Empty } from "../parts/answered";
import { TimeChart } from "../parts/chart";
import { Command } from "../parts/copy";
import { Status } from "../parts/status";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { When } from "../parts/when";
import { drift, SLOW_MS } from "../questions";
import { href } from "../routing";

const HOUR_MS = 3_600_000;

export function DriftView() {
  const feed = useFeed<DriftAnswer>(drift, SLOW_MS);
  return (
    <Answered feed={feed} what="figures of drift" bones={5}>
      {({ looked }) =>
        looked === null ? (
          <Empty title="No drift check has run yet">
            <p>Checks run on a schedule once there is a champion. Run one now:</p>
            <Command text="alsolike drift --refresh" />
          </Empty>
        ) : (
          <Looked drift={looked} />
        )
      }
    </Answered>
  );
}

function Looked({ drift: found }: { drift: Drift }) {
  const hours = (value: number | null) => duration(value === null ? null : value * HOUR_MS);
  return (
    <div class="stack">
      <Tiles>
        <Tile
          name="Last check"
          value={<When ms={found.lookedMs} />}
          note={`${count(found.interactions)} interactions of ${count(found.users)} users`}
        />
        <Tile
          name="Champion's age"
          value={hours(found.championAgeHours)}
          note={found.champion && <a href={href("models", found.champion)}>{found.champion}</a>}
        />
        <Tile name="No events for" value={hours(found.lakeSilentHours)} />
        <Tile
          name="Unknown items"
          value={percent(found.unknownItemShare)}
          note="of interactions, new to the champion"
        />
        <Tile name="Unknown users" value={percent(found.unknownUserShare)} note="of users, new to the champion" />
      </Tiles>
      <section>
        <h2>Population stability index</h2>
        <p class="faint">
          0 means no change from the last week of the training data. The alarm rings after {count(found.hours)} hours
          above {figure(found.threshold)}.
        </p>
        <div class="charts small">
          {found.figures.map((one) => (
            <TimeChart
              key={one.name}
              caption={words(one.name)}
              series={[{ name: "PSI", points: one.history, kind: "area" }]}
              format={figure}
              threshold={{ name: "threshold", value: found.threshold }}
              nothing={one.reason ?? "Not measured yet."}
            />
          ))}
        </div>
        <Table
          caption="Figures of the last check"
          rows={found.figures}
          keyOf={(one) => one.name}
          columns={[
            { name: "Figure", cell: (one) => words(one.name) },
            { name: "State", cell: (one) => <FigureStatus figure={one} threshold={found.threshold} /> },
            { name: "PSI", number: true, cell: (one) => figure(one.value) },
            {
              name: "By chance",
              number: true,
              title: "Value that so few rows produce without drift",
              cell: (one) => figure(one.byChance),
            },
            { name: "Threshold", number: true, cell: () => figure(found.threshold) },
            { name: "Above since", cell: (one) => (one.aboveSinceMs === null ? "–" : <When ms={one.aboveSinceMs} />) },
            { name: "Reason if missing", cell: (one) => one.reason ?? "–" },
          ]}
        />
      </section>
      <Table
        caption="Event checks"
        rows={found.checks}
        keyOf={(check) => check.name}
        columns={[
          { name: "Check", cell: (check) => words(check.name) },
          {
            name: "State",
            cell: (check) =>
              check.failed ? <Status tone="bad">above its limit</Status> : <Status tone="good">passed</Status>,
          },
          { name: "Share", number: true, cell: (check) => percent(check.share) },
          { name: "Limit", number: true, cell: (check) => percent(check.bound) },
          { name: "Rows", number: true, cell: (check) => count(check.rows) },
        ]}
      />
    </div>
  );
}

function FigureStatus({ figure: one, threshold }: { figure: Drift["figures"][number]; threshold: number }) {
  if (one.value === null) {
    return <Status tone="idle">not measured</Status>;
  }
  return one.value > threshold ? <Status tone="warn">above</Status> : <Status tone="good">below</Status>;
}
