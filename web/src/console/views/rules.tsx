import { useId, useState } from "preact/hooks";
import { toError } from "../../platform/api";
import { useConsole, useQuery } from "../context";
import type { PreviewedItem, Rules, RulesPreview } from "../contract";
import { figure, percent, plural, words } from "../format";
import { Icon } from "../parts/icons";
import { EmptyState, errorText, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { RULES_PREVIEW, rules, SLOW_MS } from "../queries";

const RECOMMENDERS = [
  "for-you",
  "similar-items",
  "bought-together",
  "buy-again",
  "trending",
  "popular",
  "recently-viewed",
];
/** Recommenders that need an item. */
const OF_ITEMS = ["similar-items", "bought-together"];
/** Recommenders that need a user. */
const OF_USERS = ["for-you", "buy-again", "recently-viewed"];

export function RulesView() {
  const query = useQuery<Rules>(rules, SLOW_MS);
  return (
    <QueryContent query={query} what="rule sets">
      {({ draft, arms }) => (
        <div class="stack">
          {Object.keys(draft.rules).length === 0 ? (
            <EmptyState title="The configuration has no rules">
              <p>Define rule sets in the configuration, under “rules”.</p>
            </EmptyState>
          ) : (
            <Table
              caption="Rule sets"
              rows={Object.entries(draft.rules)}
              keyOf={([name]) => name}
              columns={[
                { name: "Rule set", cell: ([name]) => <span class="identifier">{name}</span> },
                {
                  name: "Rules",
                  cell: ([, set]) =>
                    Object.entries(set)
                      .map(([part, rules]) => `${words(part)} ${Array.isArray(rules) ? rules.length : 1}`)
                      .join(", ") || "none",
                },
                { name: "Applies to", cell: ([name]) => usesOf(draft, arms, name).join(", ") || "not used" },
              ]}
            />
          )}
          <PreviewForm names={Object.keys(draft.rules)} />
        </div>
      )}
    </QueryContent>
  );
}

/** Return the recommenders and arms of experiments that use a rule set. */
export function usesOf({ recommenders }: Rules["draft"], arms: Rules["arms"], name: string): string[] {
  const named = Object.entries(recommenders).filter(([, { rules }]) => rules === name);
  return [...named.map(([recommender]) => recommender), ...(arms[name] ?? []).map((arm) => `arm ${arm}`)];
}

function PreviewForm({ names }: { names: readonly string[] }) {
  const { api } = useConsole();
  const id = useId();
  const [recommender, setRecommender] = useState("for-you");
  const [preview, setPreview] = useState<RulesPreview | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);
  const submit = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const entries = [...form.entries()].filter(([, value]) => value !== "");
    const request = Object.fromEntries(
      entries.map(([name, value]) => [name, name === "numResults" ? Number(value) : String(value)]),
    );
    setSending(true);
    setError(null);
    try {
      setPreview((await api.post<RulesPreview>(RULES_PREVIEW, request)).body);
    } catch (failure) {
      setPreview(null);
      setError(toError(failure));
    } finally {
      setSending(false);
    }
  };
  return (
    <section class="card padded">
      <h2>Preview</h2>
      <form class="fields" onSubmit={(event) => void submit(event)}>
        <div class="field">
          <label for={`${id}-recommender`}>Recommender</label>
          <select
            id={`${id}-recommender`}
            name="recommender"
            value={recommender}
            onChange={(event) => setRecommender(event.currentTarget.value)}
          >
            {RECOMMENDERS.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        {OF_ITEMS.includes(recommender) && (
          <Field id={`${id}-item`} name="itemId" title="Item" hint="ID of the page's item" required />
        )}
        <Field id={`${id}-user`} name="userId" title="User" hint="user ID" required={OF_USERS.includes(recommender)} />
        <div class="field">
          <label for={`${id}-rules`}>Rule set</label>
          <select id={`${id}-rules`} name="rules">
            <option value="">as configured</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div class="field narrow">
          <label for={`${id}-number`}>Items</label>
          <input id={`${id}-number`} name="numResults" type="number" min="1" max="50" defaultValue="10" />
        </div>
        <button type="submit" class="primary" disabled={sending}>
          {sending ? "Sending…" : "Preview"}
        </button>
      </form>
      <div aria-live="polite">
        {error && (
          <div class="note bad">
            <Icon name="bad" />
            <p>{errorText(error)}</p>
          </div>
        )}
        {preview && (
          <>
            <p class="faint">
              {preview.recommender} {preview.rules ? `with ${preview.rules}` : "without a rule set"},{" "}
              {plural(preview.after.length, "item")}, from {words(preview.source)}, model{" "}
              <span class="identifier">{preview.modelVersion}</span>
            </p>
            {preview.unmetRules.length > 0 && (
              <div class="note warn">
                <Icon name="warn" />
                <p>These rules could not be applied in full: {preview.unmetRules.join(", ")}.</p>
              </div>
            )}
            {preview.degraded.length > 0 && (
              <div class="note warn">
                <Icon name="warn" />
                <p>The response is degraded: {preview.degraded.join(", ")}.</p>
              </div>
            )}
            <PreviewComparison preview={preview} />
          </>
        )}
      </div>
    </section>
  );
}

interface FieldProps {
  readonly id: string;
  readonly name: string;
  readonly title: string;
  readonly hint: string;
  readonly required: boolean;
}

function Field({ id, name, title, hint, required }: FieldProps) {
  return (
    <div class="field">
      <label for={id}>
        {title}
        {!required && " (optional)"}
      </label>
      <input id={id} name={name} placeholder={hint} autocomplete="off" required={required} />
    </div>
  );
}

/** Change of an item's position: 2 is up by 2, -1 is down by 1, 0 is unchanged, and `in` and `out` are other items. */
type Move = number | "in" | "out";

/** Return the moves of all items. */
export function computeMoves(before: readonly PreviewedItem[], after: readonly PreviewedItem[]): Map<string, Move> {
  const oldPositions = new Map(before.map((item, at) => [item.itemId, at]));
  const newPositions = new Map(after.map((item, at) => [item.itemId, at]));
  const moves = new Map<string, Move>();
  for (const [item, at] of newPositions) {
    const from = oldPositions.get(item);
    moves.set(item, from === undefined ? "in" : from - at);
  }
  for (const item of oldPositions.keys()) {
    if (!newPositions.has(item)) {
      moves.set(item, "out");
    }
  }
  return moves;
}

/** The two lists side by side, with the moves. */
function PreviewComparison({ preview: { before, after, beforeIsLive } }: { preview: RulesPreview }) {
  const moves = computeMoves(before, after);
  return (
    <div class="side-by-side">
      <PreviewList
        title={beforeIsLive ? "Live" : "Without the rules"}
        items={before}
        moves={new Map([...moves].filter(([, move]) => move === "out"))}
      />
      <PreviewList title="With the rules" items={after} moves={moves} />
    </div>
  );
}

function PreviewList({
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
            <MoveBadge move={moves.get(item.itemId) ?? 0} />
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

function MoveBadge({ move }: { move: Move }) {
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
