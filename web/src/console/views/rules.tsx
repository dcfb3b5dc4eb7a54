import { useId, useState } from "preact/hooks";
import { useDesk, useFeed } from "../context";
import type { Rules, RulesPreview } from "../contract";
import { plural, words } from "../format";
import { Answered, Empty, sentence } from "../parts/answered";
import { Icon } from "../parts/icons";
import { Table } from "../parts/table";
import { RULES_PREVIEW, rules, SLOW_MS } from "../questions";
import { BeforeAndAfter } from "./before_and_after";

const RECOMMENDERS = [
  "for-you",
  "similar-items",
  "bought-together",
  "buy-again",
  "trending",
  "popular",
  "recently-viewed",
];

export function RulesView() {
  const feed = useFeed<Rules>(rules, SLOW_MS);
  return (
    <Answered feed={feed} what="rule sets">
      {({ ruleSets }) => (
        <div class="stack">
          {ruleSets.length === 0 ? (
            <Empty title="The configuration has no rules">
              <p>Define rule sets in the configuration, under “rules”.</p>
            </Empty>
          ) : (
            <Table
              caption="Rule sets"
              rows={ruleSets}
              keyOf={(set) => set.name}
              columns={[
                { name: "Rule set", cell: (set) => <span class="identifier">{set.name}</span> },
                {
                  name: "Rules",
                  cell: (set) =>
                    Object.entries(set.parts)
                      .map(([part, number]) => `${words(part)} ${number}`)
                      .join(", ") || "none",
                },
                { name: "Applies to", cell: (set) => set.recommenders.join(", ") || "no recommender" },
              ]}
            />
          )}
          <Preview names={ruleSets.map((set) => set.name)} />
        </div>
      )}
    </Answered>
  );
}

function Preview({ names }: { names: readonly string[] }) {
  const { api } = useDesk();
  const id = useId();
  const [found, setFound] = useState<RulesPreview | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [going, setGoing] = useState(false);
  const ask = async (event: SubmitEvent) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget as HTMLFormElement);
    const given = [...form.entries()].filter(([, value]) => value !== "");
    const asked = Object.fromEntries(
      given.map(([name, value]) => [name, name === "numResults" ? Number(value) : String(value)]),
    );
    setGoing(true);
    setError(null);
    try {
      setFound((await api.post<RulesPreview>(RULES_PREVIEW, asked)).body);
    } catch (failure) {
      setFound(null);
      setError(failure instanceof Error ? failure : new Error(String(failure)));
    } finally {
      setGoing(false);
    }
  };
  return (
    <section class="card padded">
      <h2>Preview</h2>
      <form class="fields" onSubmit={(event) => void ask(event)}>
        <Field id={`${id}-user`} name="userId" title="User" hint="user ID" />
        <Field id={`${id}-item`} name="itemId" title="Item" hint="ID of the page's item" />
        <div class="field">
          <label for={`${id}-recommender`}>Recommender</label>
          <input
            id={`${id}-recommender`}
            name="recommender"
            list={`${id}-recommenders`}
            placeholder="for-you"
            autocomplete="off"
          />
          <datalist id={`${id}-recommenders`}>
            {RECOMMENDERS.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
        <div class="field">
          <label for={`${id}-rules`}>Rule set</label>
          <select id={`${id}-rules`} name="rules">
            <option value="">the recommender's own</option>
            {names.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div class="field narrow">
          <label for={`${id}-number`}>Items</label>
          <input id={`${id}-number`} name="numResults" type="number" min="1" max="50" defaultValue="10" />
        </div>
        <button type="submit" class="primary" disabled={going}>
          {going ? "Sending…" : "Preview"}
        </button>
      </form>
      <div aria-live="polite">
        {error && (
          <div class="note bad">
            <Icon name="bad" />
            <p>{sentence(error)}</p>
          </div>
        )}
        {found && (
          <>
            <p class="faint">
              {found.recommender} {found.rules ? `with ${found.rules}` : "without a rule set"},{" "}
              {plural(found.after.length, "item")}, from {words(found.source)}, model{" "}
              <span class="identifier">{found.modelVersion}</span>
            </p>
            {found.gave.length > 0 && (
              <div class="note warn">
                <Icon name="warn" />
                <p>These rules could not be applied in full: {found.gave.join(", ")}.</p>
              </div>
            )}
            {found.degraded.length > 0 && (
              <div class="note warn">
                <Icon name="warn" />
                <p>The response is degraded: {found.degraded.join(", ")}.</p>
              </div>
            )}
            <BeforeAndAfter before={found.before} after={found.after} />
          </>
        )}
      </div>
    </section>
  );
}

function Field({ id, name, title, hint }: { id: string; name: string; title: string; hint: string }) {
  return (
    <div class="field">
      <label for={id}>{title}</label>
      <input id={id} name={name} placeholder={hint} autocomplete="off" />
    </div>
  );
}
