import { useQuery } from "../context";
import type { Drift, DriftReport } from "../contract";
import { count, duration, measure, percent, sentence, words } from "../format";
import { TimeChart } from "../parts/chart";
import { Status, Tile, Tiles, Timestamp } from "../parts/elements";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { drift, SLOW_MS } from "../queries";
import { href } from "../routing";
import { RefreshButton } from "./refresh_button";

const HOUR_MS = 3_600_000;

export function DriftView() {
  const query = useQuery<DriftReport>(drift, SLOW_MS);
  return (
    <QueryContent query={query} content="figures of drift" skeletonLines={5}>
      {({ looked }) =>
        looked === null ? (
          <EmptyState title="No drift check has run yet">
            <p>Checks run on a schedule once there is a champion, or now:</p>
            <CheckButton primary />
          </EmptyState>
        ) : (
          <DriftDetails drift={looked} />
        )
      }
    </QueryContent>
  );
}

function CheckButton({ primary = false }: { primary?: boolean }) {
  return (
    <RefreshButton
      verb="Check now"
      query={drift}
      started="The drift check has started. The figures follow within some minutes."
      primary={primary}
    />
  );
}

function DriftDetails({ drift: report }: { drift: Drift }) {
  const hours = (value: number | null) => duration(value === null ? null : value * HOUR_MS);
  return (
    <div class="stack">
      <Tiles>
        <Tile
          name="Last check"
          value={<Timestamp ms={report.lookedMs} />}
          note={`${count(report.interactions)} interactions of ${count(report.users)} users`}
        />
        <Tile
          name="Champion's age"
          value={hours(report.championAgeHours)}
          note={report.champion && <a href={href("models", report.champion)}>{report.champion}</a>}
        />
        <Tile name="No events for" value={hours(report.lakeSilentHours)} />
        <Tile
          name="Unknown items"
          value={percent(report.unknownItemShare)}
          note="of interactions, new to the champion"
        />
        <Tile name="Unknown users" value={percent(report.unknownUserShare)} note="of users, new to the champion" />
      </Tiles>
      <section>
        <div class="row">
          <h2>Population stability index</h2>
          <span class="grow" />
          <CheckButton />
        </div>
        <p class="faint">
          0 means no change from the last week of the training data. The alarm starts after {count(report.hours)} hours
          above a figure's threshold.
        </p>
        <div class="charts small">
          {report.figures.map((metric) => (
            <TimeChart
              key={metric.name}
              caption={sentence(words(metric.name))}
              series={[{ name: "PSI", points: metric.history, kind: "area" }]}
              format={measure}
              {...(metric.threshold === null ? {} : { threshold: { name: "threshold", value: metric.threshold } })}
              emptyText={metric.reason ?? "Not measured yet."}
            />
          ))}
        </div>
        <Table
          caption="Figures of the last check"
          rows={report.figures}
          keyOf={(metric) => metric.name}
          columns={[
            { name: "Figure", cell: (metric) => sentence(words(metric.name)) },
            { name: "State", cell: (metric) => <FigureStatus figure={metric} /> },
            { name: "PSI", number: true, cell: (metric) => measure(metric.value) },
            {
              name: "By chance",
              number: true,
              title: "Value that so few rows produce without drift",
              cell: (metric) => measure(metric.byChance),
            },
            { name: "Threshold", number: true, cell: (metric) => measure(metric.threshold) },
            {
              name: "Above since",
              cell: (metric) => (metric.aboveSinceMs === null ? "–" : <Timestamp ms={metric.aboveSinceMs} />),
            },
            { name: "Reason if missing", cell: (metric) => <span class="wide">{metric.reason ?? "–"}</span> },
          ]}
        />
      </section>
      <Table
        caption="Event checks"
        rows={report.checks}
        keyOf={(check) => check.name}
        columns={[
          { name: "Check", cell: (check) => sentence(words(check.name)) },
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

function FigureStatus({ figure: metric }: { figure: Drift["figures"][number] }) {
  if (metric.value === null || metric.threshold === null) {
    return <Status tone="idle">not measured</Status>;
  }
  return metric.value > metric.threshold ? <Status tone="warn">above</Status> : <Status tone="good">below</Status>;
}
