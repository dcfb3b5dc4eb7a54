import type { ComponentChildren } from "preact";
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { ApiError } from "../../platform/api";
import { Picture } from "../../storefront/picture";
import { fromItem } from "../../storefront/product";
import { useConsole, useNow, useQuery } from "../context";
import type { Item, ItemPage, RuleCheck, Rules } from "../contract";
import { Icon } from "../parts/icons";
import { item as itemQuery, someItems } from "../queries";
import {
  assigned,
  type Changes,
  type Draft,
  firstFree,
  type ListKind,
  messagesAt,
  moved,
  pinned,
  type RuleOf,
  type RuleSet,
  scheduleState,
  withFields,
  withPart,
  withValue,
} from "./rule_draft";

/** Changes the draft. Edits of one field are undone in one step. */
type Edit = (draft: Draft, field?: string) => void;

interface EditorProps {
  readonly rules: Rules;
  readonly draft: Draft;
  readonly check: RuleCheck | null;
  readonly edit: Edit;
}

interface SetProps extends EditorProps {
  readonly name: string;
}

interface KindProps<Kind extends ListKind> {
  readonly title: string;
  readonly one: string;
  readonly about: string;
  readonly create: (props: SetProps, set: RuleSet) => RuleOf<Kind>;
}

const KINDS: { readonly [Kind in ListKind]: KindProps<Kind> } = {
  pins: {
    title: "Pins",
    one: "pin",
    about: "Items with a fixed position in the list.",
    create: (_, set) => ({ item: "", position: firstFree(set.pins ?? []) }),
  },
  promotions: {
    title: "Promotions",
    one: "promotion",
    about: "A share of the positions for items that pass a filter. The first promotion chooses first.",
    create: ({ draft }) => ({ filter: firstFilter(draft), share: 0.1 }),
  },
  boosts: {
    title: "Boosts",
    one: "boost",
    about: "A factor above 1 for the scores of items that pass a filter.",
    create: ({ draft }) => ({ filter: firstFilter(draft), factor: 1.5 }),
  },
  demotions: {
    title: "Demotions",
    one: "demotion",
    about: "A factor below 1 for the scores of items that pass a filter.",
    create: ({ draft }) => ({ filter: firstFilter(draft), factor: 0.5 }),
  },
  slate: {
    title: "Slate rules",
    one: "slate rule",
    about: "Limits for the whole list, such as three items of a brand.",
    create: ({ rules }) => ({ column: countable(rules)[0] ?? "", at_most: 3 }),
  },
};

const firstFilter = (draft: Draft): string => Object.keys(draft.filters)[0] ?? "";

/** Columns in which items can have equal values: strings, lists and booleans. */
const countable = ({ columns }: Rules): string[] =>
  Object.keys(columns).filter((name) => ["string", "list", "boolean"].includes(columns[name] ?? ""));

const numeric = ({ columns }: Rules): string[] => Object.keys(columns).filter((name) => columns[name] === "number");

export function RuleSetEditor(props: SetProps) {
  const { name, rules, draft, check, edit } = props;
  const id = useId();
  const path = `rules.${name}`;
  const arms = rules.arms[name] ?? [];
  const focus = useLaterFocus();
  return (
    <>
      <Faults messages={messagesAt(check?.errors ?? [], path)} />
      <Faults messages={messagesAt(check?.warnings ?? [], path)} warning />
      <fieldset class="field uses">
        <legend>Applies to</legend>
        <div class="checks">
          {rules.recommenders.map((recommender) => {
            const current = draft.recommenders[recommender]?.rules ?? null;
            return (
              <label key={recommender}>
                <input
                  type="checkbox"
                  checked={current === name}
                  onChange={(event) =>
                    edit(assigned(draft, recommender, event.currentTarget.checked ? name : undefined))
                  }
                />
                <span>
                  {recommender}
                  {current && current !== name && <small class="faint"> instead of {current}</small>}
                </span>
              </label>
            );
          })}
        </div>
        {arms.length > 0 && <p class="hint">Also used by the arm {arms.join(", ")} of an experiment.</p>}
      </fieldset>
      {(Object.keys(KINDS) as ListKind[]).map((kind) => (
        <RuleList key={kind} {...props} kind={kind} id={id} focus={focus} />
      ))}
      <Single {...props} part="diversity" />
      <Single {...props} part="exploration" />
    </>
  );
}

/** Return a function that focuses the element with an ID after the next update, such as a moved rule's button. */
function useLaterFocus(): (id: string) => void {
  const next = useRef<string | null>(null);
  useLayoutEffect(() => {
    const element = next.current === null ? null : document.getElementById(next.current);
    next.current = null;
    element?.focus();
  });
  return (id) => {
    next.current = id;
  };
}

interface ListProps extends SetProps {
  readonly kind: ListKind;
  readonly id: string;
  readonly focus: (id: string) => void;
}

function RuleList(props: ListProps) {
  const { kind, name, draft, check, edit, id, focus } = props;
  const { title, one, about, create } = KINDS[kind] as KindProps<ListKind>;
  const set = draft.rules[name] ?? {};
  const listed: readonly RuleOf<ListKind>[] = set[kind] ?? [];
  const path = `rules.${name}.${kind}`;
  const ordered = kind === "pins" || kind === "promotions";
  const put = (rules: readonly RuleOf<ListKind>[], field?: string) =>
    edit(withPart(draft, name, kind, rules as never), field);
  const add = () => {
    put([...listed, create(props, set)]);
    focus(`${id}-${kind}-${listed.length}-first`);
  };
  const remove = (at: number) => {
    put(listed.filter((_, index) => index !== at));
    focus(listed.length > 1 ? `${id}-${kind}-${Math.min(at, listed.length - 2)}-first` : `${id}-${kind}-add`);
  };
  const move = (at: number, by: -1 | 1) => {
    if (kind === "pins") {
      const pin = listed[at] as RuleOf<"pins">;
      const pins = pinned(set.pins ?? [], pin.item, Math.max(1, (pin.position ?? 0) + by));
      put(pins);
      focus(`${id}-${kind}-${pins.findIndex(({ item }) => item === pin.item)}-${by < 0 ? "up" : "down"}`);
    } else {
      put(moved(listed, at, at + by));
      focus(`${id}-${kind}-${at + by}-${by < 0 ? "up" : "down"}`);
    }
  };
  return (
    <section class="rules" aria-labelledby={`${id}-${kind}`}>
      <div class="row">
        <h3 id={`${id}-${kind}`}>{title}</h3>
        <p class="faint grow">{about}</p>
        <button type="button" class="small" id={`${id}-${kind}-add`} onClick={add}>
          Add a {one}
        </button>
      </div>
      <Faults messages={messagesAt(check?.errors ?? [], path)} />
      {listed.length > 0 && (
        <ol>
          {listed.map((rule, at) => (
            // Rules have no ID, so the key is the place. The focus moves with a moved rule.
            <li key={at}>
              <div class="rule">
                <RuleFields
                  {...props}
                  rule={rule}
                  id={`${id}-${kind}-${at}`}
                  path={`${path}[${at}]`}
                  put={(fields, field) =>
                    put(
                      listed.map((other, index) =>
                        index === at ? withFields<RuleOf<ListKind>>(other, fields as object) : other,
                      ),
                      `${path}[${at}].${field}`,
                    )
                  }
                />
                <Faults messages={messagesAt(check?.errors ?? [], `${path}[${at}]`)} />
              </div>
              <div class="actions">
                {ordered &&
                  ([-1, 1] as const).map((by) => (
                    <button
                      key={by}
                      type="button"
                      class="quiet small"
                      id={`${id}-${kind}-${at}-${by < 0 ? "up" : "down"}`}
                      aria-label={`Move ${one} ${at + 1} ${by < 0 ? "up" : "down"}`}
                      aria-disabled={isAtEnd(kind, rule, at, by, listed.length)}
                      onClick={() => !isAtEnd(kind, rule, at, by, listed.length) && move(at, by)}
                    >
                      <Icon name={by < 0 ? "up" : "down"} />
                    </button>
                  ))}
                <button
                  type="button"
                  class="quiet small"
                  aria-label={`Delete ${one} ${at + 1}`}
                  onClick={() => remove(at)}
                >
                  <Icon name="close" />
                </button>
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** Return true if a rule cannot move. A pin moves by its position, all other rules move in their list. */
function isAtEnd(kind: ListKind, rule: RuleOf<ListKind>, at: number, by: -1 | 1, length: number): boolean {
  if (kind === "pins") return by < 0 && ((rule as RuleOf<"pins">).position ?? 0) <= 1;
  return by < 0 ? at === 0 : at === length - 1;
}

interface RuleProps extends ListProps {
  readonly rule: RuleOf<ListKind>;
  readonly path: string;
  readonly put: (fields: Changes<Record<string, unknown>>, field: string) => void;
}

function RuleFields(props: RuleProps) {
  const { kind, rule, rules, draft, id, path, check, put } = props;
  const errors = check?.errors ?? [];
  const warnings = check?.warnings ?? [];
  const field = (name: string, as = name) => ({
    id: `${id}-${as}`,
    messages: messagesAt(errors, `${path}.${name}`),
    warnings: messagesAt(warnings, `${path}.${name}`),
  });
  const first = { id: `${id}-first` };
  const filter = "filter" in rule && (
    <ChoiceField
      {...field("filter", "first")}
      title="Filter"
      value={rule.filter}
      options={Object.keys(draft.filters)}
      empty="no filter exists: add one below"
      put={(value) => put({ filter: value }, "filter")}
    />
  );
  return (
    <>
      {kind === "pins" && (
        <ItemField
          {...field("item", "first")}
          value={(rule as RuleOf<"pins">).item}
          put={(value) => put({ item: value }, "item")}
        />
      )}
      {kind === "pins" && (
        <NumberField
          {...field("position")}
          title="Position"
          min={1}
          max={500}
          step={1}
          value={(rule as RuleOf<"pins">).position}
          put={(value) => put({ position: value }, "position")}
        />
      )}
      {filter}
      {"share" in rule && (
        <NumberField
          {...field("share")}
          title="Share, %"
          min={0}
          max={100}
          value={fromShare(rule.share)}
          put={(value) => put({ share: toShare(value) }, "share")}
        />
      )}
      {"factor" in rule && (
        <NumberField
          {...field("factor")}
          title="Factor"
          min={0}
          max={100}
          value={rule.factor}
          put={(value) => put({ factor: value }, "factor")}
        />
      )}
      {kind === "promotions" && (
        <TextField
          {...field("name")}
          title="Name (optional)"
          value={(rule as RuleOf<"promotions">).name ?? ""}
          put={(value) => put({ name: value || undefined }, "name")}
        />
      )}
      {kind === "slate" && (
        <SlateFields
          rule={rule as RuleOf<"slate">}
          rules={rules}
          first={first.id}
          path={path}
          errors={errors}
          put={put}
        />
      )}
      <DateField {...field("from")} title="From" value={rule.from} put={(value) => put({ from: value }, "from")} />
      <DateField {...field("until")} title="Until" value={rule.until} put={(value) => put({ until: value }, "until")} />
      <Schedule rule={rule} />
    </>
  );
}

function Schedule({ rule }: { rule: RuleOf<ListKind> }) {
  const state = scheduleState(rule, useNow());
  return state === "planned" ? <p class="hint">Planned: the preview shows today, so without this rule.</p> : null;
}

interface SlateProps {
  readonly rule: RuleOf<"slate">;
  readonly rules: Rules;
  readonly first: string;
  readonly path: string;
  readonly errors: RuleCheck["errors"];
  readonly put: RuleProps["put"];
}

function SlateFields({ rule, rules, first, path, errors, put }: SlateProps) {
  const bound = "spread" in rule ? "spread" : "at_most";
  const columns = bound === "spread" ? numeric(rules) : countable(rules);
  return (
    <>
      <ChoiceField
        id={first}
        title="Limit"
        messages={[]}
        value={bound}
        options={["at_most", "spread"]}
        titles={{ at_most: "equal values", spread: "range of numbers" }}
        put={(value) =>
          put(
            value === "spread"
              ? { at_most: undefined, spread: 5, column: numeric(rules)[0] ?? "" }
              : { spread: undefined, at_most: 3, column: countable(rules)[0] ?? "" },
            "bound",
          )
        }
      />
      <ChoiceField
        id={`${first}-column`}
        title="Column"
        messages={messagesAt(errors, `${path}.column`)}
        value={rule.column}
        options={columns}
        empty="the configuration declares no such column"
        put={(value) => put({ column: value }, "column")}
      />
      <NumberField
        id={`${first}-bound`}
        title={bound === "spread" ? "At most, times" : "At most"}
        messages={messagesAt(errors, `${path}.${bound}`)}
        min={1}
        max={bound === "spread" ? 1000 : 500}
        {...(bound === "spread" ? {} : { step: 1 })}
        value={rule[bound] ?? null}
        put={(value) => put({ [bound]: value }, bound)}
      />
    </>
  );
}

const SINGLES = {
  diversity: { title: "Diversity", about: "Avoids items that resemble earlier ones of the list." },
  exploration: { title: "Exploration", about: "Gives some positions to new items, at random." },
} as const;

/** The editor of a rule set's diversity or exploration. A rule set has at most one diversity and one exploration. */
function Single(props: SetProps & { readonly part: keyof typeof SINGLES }) {
  const { name, rules, draft, check, edit, part } = props;
  const id = useId();
  const { title, about } = SINGLES[part];
  const rule = draft.rules[name]?.[part] ?? null;
  const path = `rules.${name}.${part}`;
  const errors = check?.errors ?? [];
  const put = (fields: object, field: string) =>
    edit(withPart(draft, name, part, { ...rule, ...fields } as never), `${path}.${field}`);
  const add = () =>
    edit(
      part === "diversity"
        ? withPart(draft, name, "diversity", { dial: 0.2, columns: countable(rules).slice(0, 1) })
        : withPart(draft, name, "exploration", { share: 0.05, new_for_days: 14 }),
    );
  return (
    <section class="rules" aria-labelledby={id}>
      <div class="row">
        <h3 id={id}>{title}</h3>
        <p class="faint grow">{about}</p>
        {rule === null ? (
          <button type="button" class="small" onClick={add}>
            Add {part}
          </button>
        ) : (
          <button type="button" class="small" onClick={() => edit(withPart(draft, name, part, undefined as never))}>
            Delete {part}
          </button>
        )}
      </div>
      <Faults messages={messagesAt(errors, path)} />
      {rule && (
        <div class="rule">
          {"dial" in rule ? (
            <>
              <NumberField
                id={`${id}-dial`}
                title="Strength, 0 to 1"
                messages={messagesAt(errors, `${path}.dial`)}
                min={0}
                max={1}
                value={rule.dial}
                put={(value) => put({ dial: value }, "dial")}
              />
              <fieldset class="field">
                <legend>Items resemble each other in</legend>
                <div class="checks">
                  {[...new Set([...countable(rules), ...rule.columns])].map((column) => (
                    <label key={column}>
                      <input
                        type="checkbox"
                        checked={rule.columns.includes(column)}
                        onChange={(event) =>
                          put(
                            {
                              columns: event.currentTarget.checked
                                ? [...rule.columns, column]
                                : rule.columns.filter((other) => other !== column),
                            },
                            "",
                          )
                        }
                      />
                      {column}
                    </label>
                  ))}
                </div>
                <Faults messages={messagesAt(errors, `${path}.columns`)} />
              </fieldset>
            </>
          ) : (
            <>
              <NumberField
                id={`${id}-share`}
                title="Share, %"
                messages={messagesAt(errors, `${path}.share`)}
                min={0}
                max={100}
                value={fromShare(rule.share)}
                put={(value) => put({ share: toShare(value) }, "share")}
              />
              <NumberField
                id={`${id}-days`}
                title="New for, days"
                messages={messagesAt(errors, `${path}.new_for_days`)}
                min={1}
                max={3650}
                step={1}
                value={rule.new_for_days}
                put={(value) => put({ new_for_days: value }, "new_for_days")}
              />
            </>
          )}
        </div>
      )}
    </section>
  );
}

export function FiltersEditor({ draft, check, edit }: EditorProps) {
  const id = useId();
  const errors = check?.errors ?? [];
  const put = (name: string, expression: string | undefined, field = "") =>
    edit({ ...draft, filters: withValue(draft.filters, name, expression) }, field);
  return (
    <section class="card padded" aria-labelledby={id}>
      <h2 id={id}>Filters</h2>
      <p class="faint">
        Expressions that promotions, boosts and demotions refer to, such as{" "}
        <code>INCLUDE ItemID WHERE Items.BRAND = "Orchard"</code>. All rule sets share them.
      </p>
      <ul class="filter-list">
        {Object.entries(draft.filters).map(([name, expression]) => (
          <li key={name}>
            <div class="field">
              <label for={`${id}-${name}`}>{name}</label>
              <textarea
                id={`${id}-${name}`}
                rows={2}
                value={expression}
                spellcheck={false}
                aria-invalid={messagesAt(errors, `filters.${name}`).length > 0}
                aria-describedby={`${id}-${name}-faults`}
                onInput={(event) => put(name, event.currentTarget.value, `filters.${name}`)}
              />
              <div id={`${id}-${name}-faults`}>
                <Faults messages={messagesAt(errors, `filters.${name}`)} />
                <Faults messages={messagesAt(check?.warnings ?? [], `filters.${name}`)} warning />
              </div>
            </div>
            <button
              type="button"
              class="quiet small"
              aria-label={`Delete the filter ${name}`}
              onClick={() => put(name, undefined)}
            >
              <Icon name="close" />
            </button>
          </li>
        ))}
      </ul>
      <NameForm
        verb="Add a filter"
        title="Name of the new filter"
        taken={Object.keys(draft.filters)}
        create={(name) => put(name, "INCLUDE ItemID WHERE Items.")}
      />
    </section>
  );
}

interface NameProps {
  readonly verb: string;
  readonly title: string;
  readonly taken: readonly string[];
  readonly create: (name: string) => void;
}

export function NameForm({ verb, title, taken, create }: NameProps) {
  const id = useId();
  const [name, setName] = useState("");
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    create(name);
    setName("");
  };
  const clash = taken.includes(name);
  return (
    <form class="row name-form" onSubmit={submit}>
      <label for={id}>{title}</label>
      <input
        id={id}
        value={name}
        required
        pattern="[A-Za-z0-9_\-]{1,63}"
        title="up to 63 letters, digits, - and _"
        autocomplete="off"
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit" class="small" disabled={clash}>
        {verb}
      </button>
      {clash && <p class="hint bad">{name} exists already.</p>}
    </form>
  );
}

interface FieldProps {
  readonly id: string;
  readonly title: string;
  readonly messages: readonly string[];
  readonly warnings?: readonly string[];
}

function Field({ id, title, messages, warnings = [], children }: FieldProps & { children: ComponentChildren }) {
  return (
    <div class="field">
      <label for={id}>{title}</label>
      {children}
      <div id={`${id}-faults`}>
        <Faults messages={messages.map((message) => `${title.replace(/[,(].*/, "").trim()} ${message}`)} />
        <Faults messages={warnings.map((message) => `${title.replace(/[,(].*/, "").trim()} ${message}`)} warning />
      </div>
    </div>
  );
}

function Faults({ messages, warning = false }: { messages: readonly string[]; warning?: boolean }) {
  return (
    <>
      {messages.map((message) => (
        <p key={message} class={warning ? "hint warn" : "hint bad"}>
          {message}
        </p>
      ))}
    </>
  );
}

const described = ({ id, messages }: FieldProps) => ({
  id,
  "aria-invalid": messages.length > 0,
  "aria-describedby": `${id}-faults`,
});

function TextField({ value, put, ...field }: FieldProps & { value: string; put: (value: string) => void }) {
  return (
    <Field {...field}>
      <input
        {...described(field)}
        value={value}
        autocomplete="off"
        onInput={(event) => put(event.currentTarget.value)}
      />
    </Field>
  );
}

interface NumberProps extends FieldProps {
  readonly value: number | null;
  readonly min: number;
  readonly max: number;
  readonly step?: number;
  readonly put: (value: number | null) => void;
}

function NumberField({ value, min, max, step, put, ...field }: NumberProps) {
  return (
    <Field {...field}>
      <input
        {...described(field)}
        class="short"
        type="number"
        min={min}
        max={max}
        step={step ?? "any"}
        value={value ?? ""}
        onInput={(event) => {
          const number = event.currentTarget.valueAsNumber;
          put(Number.isNaN(number) ? null : number);
        }}
      />
    </Field>
  );
}

interface DateProps extends FieldProps {
  readonly value: string | undefined;
  readonly put: (value: string | undefined) => void;
}

/** A field for a day. A time from the configuration file is edited as text, because a browser's field has no zone. */
function DateField({ value, put, ...field }: DateProps) {
  const isDay = value === undefined || /^(\d{4}-\d\d-\d\d)?$/.test(value);
  const properties = {
    ...described(field),
    class: "date",
    value: value ?? "",
    onInput: (event: { readonly currentTarget: HTMLInputElement }) => put(event.currentTarget.value || undefined),
  };
  return (
    <Field {...field}>
      {isDay ? <input type="date" title="A day in UTC" {...properties} /> : <input type="text" {...properties} />}
    </Field>
  );
}

interface ChoiceProps extends FieldProps {
  readonly value: string;
  readonly options: readonly string[];
  readonly titles?: Readonly<Record<string, string>>;
  readonly empty?: string;
  readonly put: (value: string) => void;
}

function ChoiceField({ value, options, titles = {}, empty = "", put, ...field }: ChoiceProps) {
  const all = options.includes(value) ? options : [value, ...options];
  return (
    <Field {...field}>
      <select {...described(field)} value={value} onChange={(event) => put(event.currentTarget.value)}>
        {all.map((option) => (
          <option key={option} value={option}>
            {titles[option] ?? (option || empty)}
          </option>
        ))}
      </select>
    </Field>
  );
}

function ItemField({
  value,
  put,
  ...field
}: Omit<FieldProps, "title"> & { value: string; put: (value: string) => void }) {
  const { cards } = useConsole();
  const [opened, setOpened] = useState(false);
  const suggested = useQuery<ItemPage>(opened ? someItems : null, null, true);
  return (
    <Field {...field} title="Item">
      <div class="item-field">
        <input
          {...described({ ...field, title: "Item" })}
          value={value}
          placeholder="ID, or part of the title"
          list={`${field.id}-items`}
          autocomplete="off"
          onFocus={() => setOpened(true)}
          onInput={(event) => put(event.currentTarget.value)}
        />
        {opened && (
          <datalist id={`${field.id}-items`}>
            {suggested.data?.items.map((item) => (
              <option key={item.itemId} value={item.itemId}>
                {fromItem(item, cards).title}
              </option>
            ))}
          </datalist>
        )}
        <ItemTitle id={value} />
      </div>
    </Field>
  );
}

/** Time without a key press after which an item is looked up. */
const PAUSE_MS = 400;

function ItemTitle({ id }: { id: string }) {
  const { cards } = useConsole();
  const [known, setKnown] = useState(id);
  useEffect(() => {
    const timer = setTimeout(() => setKnown(id), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [id]);
  const { data, error } = useQuery<Item>(known ? itemQuery(known) : null, null, true);
  if (!known || known !== id) return null;
  if (data) {
    const product = fromItem(data, cards);
    return (
      <span class="item-title">
        <Picture product={product} />
        <span>{product.title}</span>
      </span>
    );
  }
  // The check of the draft warns of an item that does not exist.
  const isMissing = error instanceof ApiError && error.status === 404;
  return error && !isMissing && <p class="hint warn">{error.message}</p>;
}

/** A share as a percentage, without the rounding errors of binary fractions. */
const fromShare = (share: number | null): number | null => (share === null ? null : Number((share * 100).toFixed(6)));
const toShare = (value: number | null): number | null => (value === null ? null : Number((value / 100).toFixed(8)));
