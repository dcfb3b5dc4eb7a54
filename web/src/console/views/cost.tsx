import { useId } from "preact/hooks";
import { useFeed } from "../context";
import type { Cost } from "../contract";
import { count, money } from "../format";
import { Answered } from "../parts/answered";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { cost, SLOW_MS } from "../questions";
import { href, type Route } from "../routing";
import { Bill } from "./bill";

const LOAD = {
  users: "Users",
  eventsPerDay: "Events a day",
  requestsPerDay: "Requests a day",
  items: "Items",
} as const;
const NAMES = Object.keys(LOAD) as (keyof typeof LOAD)[];

export function CostView({ route }: { route: Route }) {
  const load = Object.fromEntries(NAMES.map((name) => [name, route.query[name]]));
  const feed = useFeed<Cost>(cost(load), SLOW_MS);
  return (
    <Answered feed={feed} what="bill" bones={5}>
      {(bill) => (
        <div class="stack">
          <LoadForm key={JSON.stringify(bill.load)} load={bill.load} />
          <Tiles>
            <Tile name="A month" value={money(bill.dollars)} note={`${bill.region}, prices of ${bill.pricesOf}`} />
            <Tile name="Fixed" value={money(bill.fixedDollars)} note="independent of the load" />
            <Tile name="By usage" value={money(bill.usageDollars)} note="depends on the load" />
            {bill.personalizeDollars !== null && (
              <Tile name="Amazon Personalize" value={money(bill.personalizeDollars)} note={times(bill)} />
            )}
          </Tiles>
          {bill.personalizeDollars !== null && <Beside ours={bill.dollars} theirs={bill.personalizeDollars} />}
          <Bill bill={bill} />
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
    </Answered>
  );
}

function times(bill: Cost): string {
  const ratio = (bill.personalizeDollars ?? 0) / bill.dollars;
  return `for the same load: ${ratio >= 10 ? count(ratio) : ratio.toFixed(1)} times as much`;
}

function LoadForm({ load }: { load: Cost["load"] }) {
  const id = useId();
  const ask = (event: SubmitEvent) => {
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
      <form class="fields" onSubmit={ask}>
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

/** Two bills as lengths. */
function Beside({ ours, theirs }: { ours: number; theirs: number }) {
  const most = Math.max(ours, theirs) || 1;
  return (
    <section class="card padded lengths" aria-label="Compared with Amazon Personalize">
      {(
        [
          ["Alsolike", ours, "ours"],
          ["Personalize", theirs, "theirs"],
        ] as const
      ).map(([name, dollars, which]) => (
        <div key={name}>
          <span>{name}</span>
          <span class="track" aria-hidden="true">
            <span class={which} style={{ width: `${Math.max(0.5, (dollars / most) * 100)}%` }} />
          </span>
          <b>{money(dollars)}</b>
        </div>
      ))}
    </section>
  );
}
