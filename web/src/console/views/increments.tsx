import { useQuery } from "../context";
import type { Cost, IncrementReport, Increments } from "../contract";
import { count, figure, money, percent, plural, sentence } from "../format";
import { Command, Status, Tile, Tiles, Timestamp } from "../parts/elements";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { cost, engagement, increments, SLOW_MS } from "../queries";
import { href } from "../routing";
import { RefreshButton } from "./refresh_button";

const START =
  "alsolike experiments start holdout --layer holdout --arm recommended=0.98 --arm popular=0.02:recommender=popular";
const MONTH_HOURS = 730;

type Increment = IncrementReport["increments"][number];

export function IncrementalSales() {
  const query = useQuery<Increments>(increments, 300_000);
  return (
    <section class="stack" aria-labelledby="incremental-sales">
      <h2 id="incremental-sales">Incremental sales</h2>
      <QueryContent query={query} content="incremental sales" skeletonLines={2}>
        {({ holdout }) =>
          holdout === null ? (
            <EmptyState title="No holdout is configured">
              <p>
                A holdout shows popular items to 2% of the users. The difference in all purchases of both groups is due
                to recommendations. It costs a part of the sales to these users.
              </p>
              <Command text={START} />
            </EmptyState>
          ) : holdout.report === null ? (
            <EmptyState title="No report yet">
              <p>
                The holdout <span class="identifier">{holdout.name}</span> started <Timestamp ms={holdout.startMs} />.
                Attribution writes its report once a day.
              </p>
              <RefreshButton
                verb="Count the holdout now"
                query={engagement(14, "all")}
                shows={increments}
                started="Attribution has started. The report follows within some minutes."
              />
            </EmptyState>
          ) : (
            <Report name={holdout.name} report={holdout.report} />
          )
        }
      </QueryContent>
    </section>
  );
}

function Report({ name, report }: { name: string; report: IncrementReport }) {
  const bill = useQuery<Cost>(cost({}), SLOW_MS);
  const days = plural(Math.round(report.days), "day");
  return (
    <>
      <Tiles>
        {report.increments.map((increment) => (
          <Tile
            key={increment.metric}
            name={`Added ${increment.metric}`}
            value={increment.total === null ? "too early" : signed(increment.total)}
            note={
              increment.total === null ? tooEarly(increment, report) : interval(increment.totalLow, increment.totalHigh)
            }
          />
        ))}
        <Tile
          name="Attributed revenue"
          value={figure(report.attributedRevenue)}
          note={`in ${days}, of the same users`}
        />
        <Tile
          name="Bill"
          href={href("cost")}
          value={bill.data ? `about ${money((bill.data.dollars * report.days * 24) / MONTH_HOURS)}` : "–"}
          note={
            bill.data
              ? `of ${days}, estimated from the load of the last day`
              : bill.error
                ? "The bill could not be loaded."
                : "Loading"
          }
        />
      </Tiles>
      <Table
        caption={`${name}: ${count(report.users)} users with recommendations, ${count(report.heldOutUsers)} held out`}
        rows={report.increments}
        keyOf={(increment) => increment.metric}
        columns={[
          { name: "Per user", cell: (increment) => sentence(increment.metric) },
          { name: "Recommended", number: true, cell: (increment) => figure(increment.withRecommendations) },
          { name: "Held out", number: true, cell: (increment) => figure(increment.heldOut) },
          { name: "Difference", number: true, cell: (increment) => signed(increment.perUser) },
          {
            name: "95% interval",
            title: "Valid at any time, for any number of looks",
            cell: (increment) => <Verdict increment={increment} />,
          },
          { name: "Precision", cell: (increment) => <Waits increment={increment} report={report} /> },
        ]}
      />
      <p class="faint">
        Counted <Timestamp ms={report.computedMs} />. Revenue is in the shop's currency, the bill in US dollars.
      </p>
    </>
  );
}

function Verdict({ increment: { low, high } }: { increment: Increment }) {
  if (low === null || high === null) {
    return <Status tone="idle">too early</Status>;
  }
  const [tone, word] =
    low > 0
      ? (["good", "more than without"] as const)
      : high < 0
        ? (["bad", "less than without"] as const)
        : (["idle", "no difference shown yet"] as const);
  return (
    <span>
      {signed(low)} to {signed(high)}
      <small class="below">
        <Status tone={tone}>{word}</Status>
      </small>
    </span>
  );
}

/** The remaining time until each precision of the interval, or until the first interval. */
function Waits({ increment, report }: { increment: Increment; report: IncrementReport }) {
  if (increment.low === null) {
    return <span>{tooEarly(increment, report)}</span>;
  }
  return (
    <span>
      {increment.waits.map(({ precision, days }) => (
        <span class="below" key={precision}>
          ±{percent(precision)}: {days === null ? "unknown without orders" : left(days - report.days)}
        </span>
      ))}
    </span>
  );
}

function tooEarly({ daysUntilInterval }: Increment, report: IncrementReport): string {
  const needs = "Each arm needs 100 users, 10 of them with an order";
  return daysUntilInterval === null ? `${needs}.` : `${needs}: ${left(daysUntilInterval - report.days)}.`;
}

const left = (days: number): string => (days <= 0 ? "reached" : `in about ${plural(Math.ceil(days), "day")}`);
const signed = (value: number | null): string =>
  value === null ? "–" : `${value > 0 ? "+" : value < 0 ? "−" : ""}${figure(Math.abs(value))}`;
const interval = (low: number | null, high: number | null): string => `95% interval ${signed(low)} to ${signed(high)}`;
