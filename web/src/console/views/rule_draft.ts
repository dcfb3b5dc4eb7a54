import type { RuleCheck, Rules } from "../contract";

/** The edited rules: filters, settings of recommenders, and rule sets. The server checks the draft. */
export type Draft = Rules["draft"];
export type RuleSet = Draft["rules"][string];
export type ListKind = "pins" | "promotions" | "boosts" | "demotions" | "slate";
export type RuleOf<Kind extends ListKind> = NonNullable<RuleSet[Kind]>[number];
type Pin = RuleOf<"pins">;

/** A draft with the version of the configuration it is based on, and earlier states, the latest last. */
export interface Editing {
  readonly version: number;
  readonly base: Draft;
  readonly draft: Draft;
  readonly past: readonly Draft[];
  /** The field of the last edit. Further edits of this field are undone in one step. */
  readonly field: string;
}

const MAX_STEPS = 100;

/** Return the state after an edit. Successive edits of one field are undone in one step, unless `field` is empty. */
export function edited(editing: Editing, draft: Draft, field = ""): Editing {
  const past = field && field === editing.field ? editing.past : [...editing.past, editing.draft].slice(-MAX_STEPS);
  return { ...editing, draft, past, field };
}

export function undone(editing: Editing): Editing {
  const draft = editing.past.at(-1);
  return draft ? { ...editing, draft, past: editing.past.slice(0, -1), field: "" } : editing;
}

export const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);

/**
 * Return the state with another live version as its base, without earlier states. Filters, recommenders and rule sets
 * that the draft changed keep the draft's values. All others get the live values.
 */
export function rebased({ base, draft }: Editing, live: Pick<Rules, "version" | "draft">): Editing {
  const merged = <T>(
    mine: Readonly<Record<string, T>>,
    before: Readonly<Record<string, T>>,
    theirs: Readonly<Record<string, T>>,
  ): Readonly<Record<string, T>> => {
    const names = [...new Set([...Object.keys(theirs), ...Object.keys(mine)])];
    const chosen = names.map((name) => [name, same(mine[name], before[name]) ? theirs[name] : mine[name]] as const);
    return Object.fromEntries(chosen.filter((entry): entry is readonly [string, T & {}] => entry[1] !== undefined));
  };
  return {
    version: live.version,
    base: live.draft,
    draft: {
      filters: merged(draft.filters, base.filters, live.draft.filters),
      recommenders: merged(draft.recommenders, base.recommenders, live.draft.recommenders),
      rules: merged(draft.rules, base.rules, live.draft.rules),
    },
    past: [],
    field: "",
  };
}

export function withValue<T>(
  record: Readonly<Record<string, T>>,
  name: string,
  value: T | undefined,
): Readonly<Record<string, T>> {
  const { [name]: _, ...others } = record;
  return value === undefined ? others : { ...record, [name]: value };
}

/** Fields to set. A field with the value undefined is removed. */
export type Changes<T> = { readonly [Name in keyof T]?: T[Name] | undefined };

export function withFields<T extends object>(rule: T, fields: Changes<T>): T {
  const entries = Object.entries({ ...rule, ...fields }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
}

/** Return a draft with a part of a rule set, or without the part if `value` is undefined or an empty list. */
export function withPart<Part extends keyof RuleSet>(
  draft: Draft,
  name: string,
  part: Part,
  value: RuleSet[Part],
): Draft {
  const { [part]: _, ...others } = draft.rules[name] ?? {};
  const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
  const rules = isEmpty ? others : { ...draft.rules[name], [part]: value };
  return { ...draft, rules: { ...draft.rules, [name]: rules } };
}

export function assigned(draft: Draft, recommender: string, rules: string | undefined): Draft {
  const settings = withFields(draft.recommenders[recommender] ?? {}, { rules });
  const isEmpty = Object.keys(settings).length === 0;
  return { ...draft, recommenders: withValue(draft.recommenders, recommender, isEmpty ? undefined : settings) };
}

export function withoutRuleSet(draft: Draft, name: string): Draft {
  const users = Object.keys(draft.recommenders).filter(
    (recommender) => draft.recommenders[recommender]?.rules === name,
  );
  const released = users.reduce((before, recommender) => assigned(before, recommender, undefined), draft);
  return { ...released, rules: withValue(released.rules, name, undefined) };
}

export function moved<T>(elements: readonly T[], from: number, to: number): readonly T[] {
  const others = elements.filter((_, at) => at !== from);
  return [...others.slice(0, to), ...elements.slice(from, from + 1), ...others.slice(to)];
}

/**
 * Return the pins ordered by position, with `item` pinned to `position`. A pin that is already there moves to the
 * previous position of `item`, or to the first free position if `item` was not pinned.
 */
export function pinned(pins: readonly Pin[], item: string, position: number): readonly Pin[] {
  const mine = pins.find((pin) => pin.item === item);
  const place = mine?.position ?? firstFree(pins);
  const others = pins.filter((pin) => pin !== mine);
  const traded = others.map((pin) => (pin.position === position ? { ...pin, position: place } : pin));
  const all = [...traded, { ...(mine ?? { item }), position }];
  return all.sort((one, other) => (one.position ?? 0) - (other.position ?? 0));
}

export function firstFree(pins: readonly Pin[]): number {
  const taken = new Set(pins.map(({ position }) => position));
  let position = 1;
  while (taken.has(position)) position += 1;
  return position;
}

export function messagesAt(faults: RuleCheck["errors"], path: string): string[] {
  return faults.filter((fault) => fault.path === path).map(({ message }) => message);
}

export function usesOf({ recommenders }: Draft, arms: Rules["arms"], name: string): string[] {
  const named = Object.entries(recommenders).filter(([, { rules }]) => rules === name);
  return [...named.map(([recommender]) => recommender), ...(arms[name] ?? []).map((arm) => `arm ${arm}`)];
}

/** Return `ended` or `planned` for a rule outside of its period, and null for a current rule. */
export function scheduleState(rule: { from?: string; until?: string }, nowMs: number): "ended" | "planned" | null {
  const day = (text: string) => /^\d{4}-\d\d-\d\d$/.test(text);
  const ms = (text: string, days: number) => Date.parse(text) + (day(text) ? days * 86_400_000 : 0);
  if (rule.until && ms(rule.until, 1) <= nowMs) return "ended";
  return rule.from && ms(rule.from, 0) > nowMs ? "planned" : null;
}
