import { useId } from "preact/hooks";
import { useQuery } from "../context";
import type { Cost } from "../contract";
import { count, figure, money, plural, unitPrice } from "../format";
import { Tile, Tiles } from "../parts/elements";
import { QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { cost, SLOW_MS } from "../queries";
import { href, type Route } from "../routing";

const LOAD = {
  users: "Users",
  eventsPerDay: "Events a day",
  requestsPerDay: "Requests a day",
  items: "Items",
} as const;
const NAMES = Object.keys(LOAD) as (keyof typeof LOAD)[];

export function CostView({ route }: { route: Route }) {
  const load = Object.fromEntries(NAMES.map((name) => [name, route.query[name]]));
  const query = useQuery<Cost>(cost(load), SLOW_MS);
  return (
    <QueryContent query={query} content="bill" skeletonLines={5}>
      {(bill) => (
        <div class="stack">
          <LoadForm key={JSON.stringify(bill.load)} load={bill.load} />
          <Tiles>
            <Tile name="A month" value={money(bill.dollars)} note={`${bill.region}, prices of ${bill.pricesOf}`} />
            <Tile name="Fixed" value={money(bill.fixedDollars)} note="independent of the load" />
            <Tile name="By usage" value={money(bill.usageDollars)} note="depends on the load" />
            {bill.personalizeDollars !== null && (
              <Tile name="Amazon Personalize" value={money(bill.personalizeDollars)} note={ratioText(bill)} />
            )}
          </Tiles>
          {bill.personalizeDollars !== null && <CostComparison ours={bill.dollars} theirs={bill.personalizeDollars} />}
          <BillPart
            title={`Fixed costs: ${money(bill.fixedDollars)} a month`}
            lines={bill.lines.filter((line) => line.kind === "fixed")}
          />
          <BillPart
            title={`Costs by usage: ${money(bill.usageDollars)} a month`}
            lines={bill.lines.filter((line) => line.kind === "usage")}
          />
          {bill.savings.length > 0 && (
            <Table
              caption="Possible savings"
              rows={bill.savings}
              keyOf={(saving) => saving.setting}
              columns={[
                { name: "Setting", cell: (saving) => <code>{saving.setting}</code> },
                { name: "Effect", cell: (saving) => <span class="wide">{saving.what}</span> },
                { name: "Saves a month", number: true, cell: (saving) => money(saving.dollars) },
              ]}
            />
          )}
          {bill.remarks.length > 0 && (
            <section class="card padded">
              <h2>Assumptions and gaps</h2>
              <ul class="plain">
                {bill.remarks.map((remark) => (
                  <li key={remark}>{remark}</li>
                ))}
              </ul>
            </section>
          )}
        </div>
      )}
    </QueryContent>
  );
}

function ratioText(bill: Cost): string {
  const ratio = (bill.personalizeDollars ?? 0) / bill.dollars;
  return `for the same load: ${ratio >= 10 ? count(ratio) : ratio.toFixed(1)} times as much`;
}

function LoadForm({ load }: { load: Cost["load"] }) {
  const id = useId();
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    location.hash = href("cost", null, Object.fromEntries(NAMES.map((name) => [name, String(form.get(name) ?? "")])));
  };
  return (
    <section class="card padded">
      <div class="row">
        <h2>Load</h2>
        <span class="faint">{load.measured ? "measured in the last 24 hours" : "as entered here"}</span>
        <span class="grow" />
        {!load.measured && <a href={href("cost")}>Use the last 24 hours</a>}
      </div>
      <form class="fields" onSubmit={submit}>
        {NAMES.map((name) => (
          <div class="field" key={name}>
            <label for={`${id}-${name}`}>{LOAD[name]}</label>
            <input
              id={`${id}-${name}`}
              name={name}
              type="number"
              min="0"
              step="1"
              required
              defaultValue={String(Math.round(load[name]))}
            />
          </div>
        ))}
        <button type="submit" class="primary">
          Calculate
        </button>
      </form>
    </section>
  );
}

function CostComparison({ ours, theirs }: { ours: number; theirs: number }) {
  const max = Math.max(ours, theirs) || 1;
  return (
    <section class="card padded comparison" aria-label="Compared with Amazon Personalize">
      {(
        [
          ["Alsolike", ours, "ours"],
          ["Personalize", theirs, "theirs"],
        ] as const
      ).map(([name, dollars, series]) => (
        <div key={name}>
          <span>{name}</span>
          <span class="track" aria-hidden="true">
            <span class={series} style={{ width: `${Math.max(0.5, (dollars / max) * 100)}%` }} />
          </span>
          <b>{money(dollars)}</b>
        </div>
      ))}
    </section>
  );
}

type Line = Cost["lines"][number];

const HALF_A_CENT = 0.005;

const LINES: Pick<Parameters<typeof Table<Line>>[0], "keyOf" | "columns"> = {
  keyOf: (line) => `${line.service} ${line.what}`,
  columns: [
    {
      name: "Service",
      cell: (line) => (
        <span class="wide">
          {line.service}: {line.what}
        </span>
      ),
    },
    { name: "Quantity", number: true, cell: (line) => `${figure(line.quantity)} ${line.unit}` },
    { name: "Unit price", number: true, cell: (line) => unitPrice(line.unitPrice) },
    { name: "A month", number: true, cell: (line) => <b>{money(line.dollars)}</b> },
  ],
};

/** The lines of one kind, fixed or by usage, the largest first. Lines of less than half a cent are shown on demand. */
function BillPart({ title, lines }: { title: string; lines: readonly Line[] }) {
  const ordered = [...lines].sort((a, b) => b.dollars - a.dollars);
  const small = ordered.filter((line) => line.dollars < HALF_A_CENT);
  const caption = `${title}, lines of less than half a cent`;
  return (
    <section>
      <Table caption={title} rows={ordered.filter((line) => line.dollars >= HALF_A_CENT)} {...LINES} />
      {small.length > 0 && (
        <details class="as-table">
          <summary>{plural(small.length, "line")} of less than half a cent</summary>
          <Table caption={caption} hideCaption rows={small} {...LINES} />
        </details>
      )}
    </section>
  );
}
