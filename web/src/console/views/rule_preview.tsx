import { useEffect, useId, useRef, useState } from "preact/hooks";
import { toError } from "../../platform/api";
import { Picture } from "../../storefront/picture";
import { fromMetadata, requestedColumns } from "../../storefront/product";
import { useConsole } from "../context";
import type { PreviewedItem, PreviewRules, RulesPreview } from "../contract";
import { percent, plural, words } from "../format";
import { Icon } from "../parts/icons";
import { errorText } from "../parts/query_content";
import { RULES_PREVIEW } from "../queries";
import type { Draft } from "./rule_draft";

/** Recommenders that need an item, or a cart. */
const ITEM_RECOMMENDERS = ["similar-items", "bought-together"];
/** Recommenders that need a user. */
const USER_RECOMMENDERS = ["for-you", "buy-again", "recently-viewed"];
/** Time without an edit after which the list is requested again. */
const PAUSE_MS = 500;

interface Props {
  readonly recommenders: readonly string[];
  /** The rule set to preview. Undefined stands for each recommender's own rule set. */
  readonly rules: string | undefined;
  readonly initial: string;
  readonly draft: Draft;
  /** True if the draft has edits. */
  readonly changed: boolean;
  /** False while the draft is checked or has errors. The lists are requested only if `ready` is true. */
  readonly ready: boolean;
  /** Pins an item of the list to a position; undefined for read-only rules, or without a rule set. */
  readonly pin: ((item: string, position: number) => void) | undefined;
}

type Subject = Pick<PreviewRules, "recommender" | "userId" | "itemId" | "cart">;

/** Today's list and the draft's list for a user, an item or a cart. Each valid edit of the draft updates both. */
export function RulePreview({ recommenders, rules, initial, draft, changed, ready, pin }: Props) {
  const { api, cards } = useConsole();
  const id = useId();
  const [recommender, setRecommender] = useState(initial);
  const [subject, setSubject] = useState<Subject | null>(null);
  const [preview, setPreview] = useState<RulesPreview | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [sending, setSending] = useState(false);
  const latest = useRef(0);
  const isOwn = draft.recommenders[subject?.recommender ?? ""]?.rules === rules;
  const request = subject &&
    ready && {
      ...subject,
      numResults: 10,
      metadata: requestedColumns(cards),
      // If the recommender does not use the rule set, the draft is sent too, because the API may not have read a new
      // set yet.
      ...(changed || (rules !== undefined && !isOwn) ? { draft, ...(rules === undefined ? {} : { rules }) } : {}),
    };
  const key = JSON.stringify(request);
  useEffect(() => {
    if (!request) return;
    latest.current += 1;
    const number = latest.current;
    const ask = async () => {
      setSending(true);
      try {
        const { body } = await api.post<RulesPreview>(RULES_PREVIEW, request);
        if (number === latest.current) {
          setPreview(body);
          setError(null);
        }
      } catch (failure) {
        if (number === latest.current) {
          setPreview(null);
          setError(toError(failure));
        }
      } finally {
        if (number === latest.current) setSending(false);
      }
    };
    const timer = setTimeout(() => void ask(), preview ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [api, key]);
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const text = (name: string) => String(form.get(name) ?? "").trim();
    const cart = text("cart")
      .split(",")
      .map((item) => item.trim())
      .filter(Boolean);
    setSubject({
      recommender: recommender as NonNullable<Subject["recommender"]>,
      ...(text("userId") ? { userId: text("userId") } : {}),
      ...(text("itemId") ? { itemId: text("itemId") } : {}),
      ...(cart.length > 0 ? { cart } : {}),
    });
  };
  const hasCart = recommender === "bought-together";
  return (
    <section class="card padded preview" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>Preview</h2>
      <form class="fields" onSubmit={submit}>
        <div class="field">
          <label for={`${id}-recommender`}>Recommender</label>
          <select
            id={`${id}-recommender`}
            value={recommender}
            onChange={(event) => setRecommender(event.currentTarget.value)}
          >
            {recommenders.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        {hasCart ? (
          <Field id={`${id}-cart`} name="cart" title="Cart" hint="item IDs, with commas" required />
        ) : (
          ITEM_RECOMMENDERS.includes(recommender) && (
            <Field id={`${id}-item`} name="itemId" title="Item" hint="ID of the page's item" required />
          )
        )}
        <Field
          id={`${id}-user`}
          name="userId"
          title="User"
          hint="user ID"
          required={USER_RECOMMENDERS.includes(recommender)}
        />
        <button type="submit" class="primary" disabled={sending}>
          {sending ? "Sending…" : "Preview"}
        </button>
      </form>
      <div aria-live="polite" aria-busy={sending}>
        {!preview && !error && (
          <p class="faint">
            {subject && !ready
              ? "The draft has errors or is being checked."
              : "Choose a recommender and a user to see the list that they get."}
          </p>
        )}
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
            <PreviewComparison preview={preview} changed={changed} pin={pin} />
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

/** Change of an item's position: 2 is up by 2, -1 is down by 1, 0 is none. `in` is a new item, `out` a removed one. */
type Move = number | "in" | "out";

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

interface ComparisonProps {
  readonly preview: RulesPreview;
  readonly changed: boolean;
  readonly pin: Props["pin"];
}

function PreviewComparison({ preview: { before, after, beforeIsLive }, changed, pin }: ComparisonProps) {
  const moves = computeMoves(before, after);
  return (
    <div class="side-by-side">
      <PreviewList
        title={beforeIsLive ? "Today" : "Without the rules"}
        items={before}
        moves={new Map([...moves].filter(([, move]) => move === "out"))}
      />
      <PreviewList title={changed ? "With the draft" : "With the rules"} items={after} moves={moves} pin={pin} />
    </div>
  );
}

interface ListProps {
  readonly title: string;
  readonly items: readonly PreviewedItem[];
  readonly moves: ReadonlyMap<string, Move>;
  readonly pin?: Props["pin"];
}

function PreviewList({ title, items, moves, pin }: ListProps) {
  const { cards } = useConsole();
  const id = useId();
  return (
    <section aria-labelledby={id}>
      <h3 id={id}>{title}</h3>
      {items.length === 0 && <p class="faint">No items.</p>}
      <ol class="items">
        {items.map((item, at) => {
          const product = fromMetadata(item.itemId, item.metadata, cards);
          return (
            <li key={item.itemId}>
              <Picture product={product} />
              <div>
                <b>{product.title}</b>
                <small>
                  <span class="identifier">{item.itemId}</span> · {words(item.origin)}
                  {item.propensity !== undefined && `, chance ${percent(item.propensity)}`}
                </small>
                <MoveBadge move={moves.get(item.itemId) ?? 0} />
              </div>
              {pin && item.origin !== "pinned" && (
                <button
                  type="button"
                  class="quiet small"
                  aria-label={`Pin ${product.title} to position ${at + 1}`}
                  title={`Pin to position ${at + 1}`}
                  onClick={() => pin(item.itemId, at + 1)}
                >
                  <Icon name="pin" />
                </button>
              )}
            </li>
          );
        })}
      </ol>
    </section>
  );
}

function MoveBadge({ move }: { move: Move }) {
  if (move === 0) {
    return null;
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
