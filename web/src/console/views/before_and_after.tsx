import type { PreviewedItem } from "../contract";
import { figure, percent, words } from "../format";
import { Icon } from "../parts/icons";

/** Change of an item's place: up by 2, down by 1, `in`, `out`; 0 if it stayed. */
export type Move = number | "in" | "out";

/** Moves of all items: up is positive. */
export function movesOf(before: readonly PreviewedItem[], after: readonly PreviewedItem[]): Map<string, Move> {
  const was = new Map(before.map((item, at) => [item.itemId, at]));
  const is = new Map(after.map((item, at) => [item.itemId, at]));
  const moves = new Map<string, Move>();
  for (const [item, at] of is) {
    const from = was.get(item);
    moves.set(item, from === undefined ? "in" : from - at);
  }
  for (const item of was.keys()) {
    if (!is.has(item)) {
      moves.set(item, "out");
    }
  }
  return moves;
}

/** Two lists side by side, with what moved. */
export function BeforeAndAfter({
  before,
  after,
}: {
  before: readonly PreviewedItem[];
  after: readonly PreviewedItem[];
}) {
  const moves = movesOf(before, after);
  return (
    <div class="side-by-side">
      <List title="Without the rules" items={before} moves={new Map([...moves].filter(([, move]) => move === "out"))} />
      <List title="With the rules" items={after} moves={moves} />
    </div>
  );
}

function List({
  title,
  items,
  moves,
}: {
  title: string;
  items: readonly PreviewedItem[];
  moves: ReadonlyMap<string, Move>;
}) {
  return (
    <section>
      <h3>{title}</h3>
      {items.length === 0 && <p class="faint">No items.</p>}
      <ol class="items">
        {items.map((item) => (
          <li key={item.itemId}>
            <div>
              <b class="identifier">{item.itemId}</b>
              <small>{Object.values(item.metadata ?? {}).join(", ")}</small>
            </div>
            <Moved move={moves.get(item.itemId) ?? 0} />
            <small class="number">
              {figure(item.score)}
              <small class="below">
                {words(item.origin)}
                {item.propensity !== undefined && `, chance ${percent(item.propensity)}`}
              </small>
            </small>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Moved({ move }: { move: Move }) {
  if (move === 0) {
    return <span />;
  }
  if (move === "in" || move === "out") {
    return <span class={`move ${move}`}>{move === "in" ? "new here" : "left out"}</span>;
  }
  return (
    <span class={`move ${move > 0 ? "up" : "down"}`}>
      <Icon name={move > 0 ? "up" : "down"} />
      <span class="visually-hidden">{move > 0 ? "up by " : "down by "}</span>
      {Math.abs(move)}
    </span>
  );
}
