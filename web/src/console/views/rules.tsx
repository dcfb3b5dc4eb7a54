import { useCallback, useEffect, useId, useState } from "preact/hooks";
import { ApiError } from "../../platform/api";
import { useConsole, useQuery } from "../context";
import type { PublishedRules, RuleCheck, RuleHistory, Rules } from "../contract";
import { plural } from "../format";
import { ChangeForm, Dialog } from "../parts/dialog";
import { Timestamp } from "../parts/elements";
import { Icon } from "../parts/icons";
import { EmptyState, QueryContent } from "../parts/query_content";
import { Table } from "../parts/table";
import { RULES, RULES_CHECK, ruleHistory, rules as rulesQuery, SLOW_MS } from "../queries";
import { type Route, replaceQuery } from "../routing";
import {
  type Draft,
  type Editing,
  edited,
  pinned,
  rebased,
  same,
  undone,
  usesOf,
  withoutRuleSet,
  withPart,
} from "./rule_draft";
import { FiltersEditor, NameForm, RuleSetEditor } from "./rule_editor";
import { RuleForecast } from "./rule_forecast";
import { RulePreview } from "./rule_preview";

/** Time without an edit after which the draft is checked. */
const PAUSE_MS = 400;
const STORED = "alsolike.rules-draft";

export function RulesView({ route }: { route: Route }) {
  const query = useQuery<Rules>(rulesQuery, SLOW_MS);
  return (
    <QueryContent query={query} content="rules">
      {(live) => <RulesEditor live={live} route={route} />}
    </QueryContent>
  );
}

/** Return the draft of this tab and a function that changes it. A reload and a change of the view keep the draft. */
function useStoredDraft() {
  const [editing, setEditing] = useState<Editing | null>(() => {
    const text = globalThis.sessionStorage?.getItem(STORED);
    return text ? { ...(JSON.parse(text) as Editing), past: [], field: "" } : null;
  });
  useEffect(() => {
    if (editing === null) sessionStorage.removeItem(STORED);
    else sessionStorage.setItem(STORED, JSON.stringify({ ...editing, past: [] }));
  }, [editing]);
  return [editing, setEditing] as const;
}

/**
 * Return the server's latest check, which is null without a draft and before the first response. `isCurrent` is true if
 * the check is that of the current draft.
 */
function useCheck(editing: Editing | null) {
  const { api } = useConsole();
  const [check, setCheck] = useState<{ draft: Draft; result: RuleCheck } | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const [again, setAgain] = useState(0);
  useEffect(() => {
    if (editing === null) return;
    let current = true;
    const { version, draft } = editing;
    const ask = async () => {
      try {
        const { body } = await api.post<RuleCheck>(RULES_CHECK, { version, draft });
        if (current) {
          setCheck({ draft, result: body });
          setError(null);
        }
      } catch (failure) {
        if (current) setError(failure as Error);
      }
    };
    const timer = setTimeout(() => void ask(), PAUSE_MS);
    return () => {
      current = false;
      clearTimeout(timer);
    };
  }, [api, editing?.version, editing?.draft, again]);
  const refresh = useCallback(() => setAgain((number) => number + 1), []);
  return {
    check: editing && check?.result ? check.result : null,
    isCurrent: editing !== null && check?.draft === editing.draft,
    error,
    refresh,
  };
}

function RulesEditor({ live, route }: { live: Rules; route: Route }) {
  const { api, cache, announce } = useConsole();
  const id = useId();
  const [editing, setEditing] = useStoredDraft();
  const [dialog, setDialog] = useState<"publish" | "discard" | null>(null);
  const { check, isCurrent, error, refresh } = useCheck(editing);
  const draft = editing?.draft ?? live.draft;
  const names = Object.keys(draft.rules);
  const name = route.query.set !== undefined && names.includes(route.query.set) ? route.query.set : names[0];
  const edit = (changed: Draft, field?: string) =>
    setEditing((before) =>
      edited(
        before ?? { version: live.version, base: live.draft, draft: live.draft, past: [], field: "" },
        changed,
        field,
      ),
    );
  const isChanged = editing !== null && !same(editing.draft, editing.base);
  const isValid = check !== null && isCurrent && check.errors.length === 0;
  const restore = async (version: number) => {
    try {
      const { body } = await api.get<Rules>(RULES, { version });
      edit(body.draft);
      setDialog("publish");
    } catch (failure) {
      announce(`The rules of version ${version} could not be loaded: ${(failure as Error).message}`);
    }
  };
  const props = { rules: live, draft, check: isChanged ? check : null, edit };
  return (
    <div class="stack rules-page">
      {live.readOnly && (
        <div class="note info">
          <Icon name="info" />
          <p>You can read and preview the rules. Your account may not change them.</p>
        </div>
      )}
      {isChanged && (check?.version ?? live.version) !== editing.version && (
        <Conflict editing={editing} check={check} live={live} rebase={setEditing} />
      )}
      <div class="rules-columns">
        <section class="card padded" aria-labelledby={`${id}-set`}>
          <h2 id={`${id}-set`}>Rule set</h2>
          {name === undefined ? (
            <EmptyState title="The configuration has no rules">
              <p>Add a rule set, then pin and promote items.</p>
            </EmptyState>
          ) : (
            <fieldset class="set-picker">
              <legend class="visually-hidden">Rule sets</legend>
              {names.map((other) => (
                <button
                  key={other}
                  type="button"
                  aria-pressed={other === name}
                  onClick={() => replaceQuery(route, { set: other })}
                >
                  <b>{other}</b>
                  <small>{usesOf(draft, live.arms, other).join(", ") || "not used"}</small>
                </button>
              ))}
            </fieldset>
          )}
          <fieldset class="plain" disabled={live.readOnly}>
            <div class="row">
              <NameForm
                verb="Add a rule set"
                title="Name of the new rule set"
                taken={names}
                create={(added) => {
                  edit({ ...draft, rules: { ...draft.rules, [added]: {} } });
                  replaceQuery(route, { set: added });
                }}
              />
              {name !== undefined && (
                <button type="button" class="small" onClick={() => edit(withoutRuleSet(draft, name))}>
                  Delete {name}
                </button>
              )}
            </div>
            {name !== undefined && <RuleSetEditor key={name} {...props} name={name} />}
          </fieldset>
        </section>
        <RulePreview
          recommenders={live.recommenders}
          rules={name}
          initial={recommenderOf(live, draft, name)}
          draft={draft}
          changed={isChanged}
          ready={!isChanged || isValid}
          pin={
            live.readOnly || name === undefined
              ? undefined
              : (item, position) => {
                  edit(withPart(draft, name, "pins", pinned(draft.rules[name]?.pins ?? [], item, position)));
                  announce(`Pinned to position ${position} in the draft.`);
                }
          }
        />
      </div>
      <RuleForecast
        recommenders={live.recommenders}
        rules={name}
        initial={recommenderOf(live, draft, name)}
        draft={draft}
        blocked={
          live.readOnly
            ? "Your account may not start a forecast."
            : isChanged
              ? isValid
                ? undefined
                : "The draft has errors or is being checked."
              : "Change the rules to forecast the effect of the draft."
        }
      />
      <fieldset class="plain" disabled={live.readOnly}>
        <FiltersEditor {...props} />
      </fieldset>
      <History restore={live.readOnly ? undefined : (version) => void restore(version)} />
      {isChanged && (
        <section class="draft-bar card" aria-label="Draft">
          <p class="grow" role="status">
            <b>Draft, not live.</b> {draftState(check, isCurrent, error)}
          </p>
          <button type="button" disabled={editing.past.length === 0} onClick={() => setEditing(undone(editing))}>
            Undo edit
          </button>
          <button type="button" onClick={() => setDialog("discard")}>
            Discard
          </button>
          <button type="button" class="primary" onClick={() => setDialog("publish")}>
            Review and publish
          </button>
        </section>
      )}
      {dialog === "publish" && editing && (
        <Dialog title="Publish the rules" close={() => setDialog(null)}>
          <ChangeForm
            verb="Publish"
            ready={isValid && check.version === editing.version && check.changes.length > 0}
            cancel={() => setDialog(null)}
            submit={async (reason) => {
              try {
                const request = { version: editing.version, draft: editing.draft, reason };
                const { body } = await api.post<PublishedRules>(RULES, request);
                const published = { version: body.version, draft: editing.draft };
                cache.update<Rules>(rulesQuery, (before) => ({ ...before, ...published }));
                setDialog(null);
                setEditing(null);
                announce(`Version ${body.version} is live; serving follows within a minute.`);
                void cache.refresh(rulesQuery);
                void cache.refresh(ruleHistory);
              } catch (failure) {
                if (failure instanceof ApiError && failure.status === 409) {
                  refresh();
                  void cache.refresh(rulesQuery);
                }
                throw failure;
              }
            }}
          >
            {(check?.version ?? live.version) !== editing.version ? (
              <Conflict editing={editing} check={check} live={live} rebase={setEditing} />
            ) : check === null || !isCurrent ? (
              <p role="status">{error ? error.message : "Checking the draft…"}</p>
            ) : (
              <Review check={check} />
            )}
          </ChangeForm>
        </Dialog>
      )}
      {dialog === "discard" && (
        <Dialog title="Discard the draft" close={() => setDialog(null)}>
          <form
            onSubmit={(event) => {
              event.preventDefault();
              setDialog(null);
              setEditing(null);
            }}
          >
            <p>All changes since the live version are lost.</p>
            <footer>
              <button type="button" onClick={() => setDialog(null)}>
                Keep the draft
              </button>
              <button type="submit" class="primary">
                Discard
              </button>
            </footer>
          </form>
        </Dialog>
      )}
    </div>
  );
}

function recommenderOf(live: Rules, draft: Draft, name: string | undefined): string {
  return live.recommenders.find((each) => draft.recommenders[each]?.rules === name) ?? "for-you";
}

function draftState(check: RuleCheck | null, isCurrent: boolean, error: Error | null): string {
  if (error) return `It could not be checked: ${error.message}.`;
  if (check === null || !isCurrent) return "Checking…";
  if (check.errors.length > 0) return `${plural(check.errors.length, "error")}: see the fields in red.`;
  return `${plural(check.changes.length, "change")}.`;
}

interface ConflictProps {
  readonly editing: Editing;
  readonly check: RuleCheck | null;
  readonly live: Rules;
  readonly rebase: (editing: Editing) => void;
}

/**
 * A note that others have published changes since the draft was made, with a button that adds the changes to the draft.
 */
function Conflict({ editing, check, live, rebase }: ConflictProps) {
  const isLoaded = live.version !== editing.version;
  return (
    <div class="note warn" role="alert">
      <Icon name="warn" />
      <div>
        <p>
          Your draft is based on version {editing.version}. Version {check?.version ?? live.version} was published
          meanwhile, with these changes of rules:
        </p>
        <ChangeList changes={check?.meanwhile ?? []} />
        <button type="button" disabled={!isLoaded} onClick={() => rebase(rebased(editing, live))}>
          Add them to my draft
        </button>
        <p class="hint">Filters, recommenders and rule sets that you changed keep your values.</p>
      </div>
    </div>
  );
}

function Review({ check: { errors, warnings, changes } }: { check: RuleCheck }) {
  return (
    <>
      {errors.length > 0 && (
        <div class="note bad" role="alert">
          <Icon name="bad" />
          <div>
            <p>The draft has errors and cannot be published:</p>
            <FaultList faults={errors} />
          </div>
        </div>
      )}
      {warnings.length > 0 && (
        <div class="note warn">
          <Icon name="warn" />
          <FaultList faults={warnings} />
        </div>
      )}
      {errors.length === 0 && <ChangeList changes={changes} />}
    </>
  );
}

const FaultList = ({ faults }: { faults: RuleCheck["errors"] }) => (
  <ul>
    {faults.map(({ path, message }) => (
      <li key={`${path} ${message}`}>
        <span class="identifier">{path}</span> {message}
      </li>
    ))}
  </ul>
);

function ChangeList({ changes }: { changes: RuleCheck["changes"] }) {
  if (changes.length === 0) return <p>None: the rules are equal.</p>;
  return (
    <dl class="diff">
      {changes.map(({ path, removed, added }) => (
        <div key={path}>
          <dt class="identifier">{path}</dt>
          {removed.map((text) => (
            <dd key={`- ${text}`}>
              <del>{text}</del>
            </dd>
          ))}
          {added.map((text) => (
            <dd key={`+ ${text}`}>
              <ins>{text}</ins>
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}

function History({ restore }: { restore: ((version: number) => void) | undefined }) {
  const query = useQuery<RuleHistory>(ruleHistory, null);
  return (
    <QueryContent query={query} content="changes">
      {({ versions }) =>
        versions.length > 0 && (
          <Table
            caption="History"
            rows={versions}
            keyOf={({ version }) => String(version)}
            columns={[
              { name: "Version", cell: ({ version }) => version },
              { name: "Published", cell: ({ appliedMs }) => <Timestamp ms={appliedMs} /> },
              { name: "By", cell: ({ by }) => <span class="identifier">{by}</span> },
              { name: "Reason", cell: ({ reason }) => reason || "–" },
              { name: "Changes", cell: ({ changes }) => <ChangeList changes={changes} /> },
              {
                name: "Restore",
                cell: ({ version, previous }) =>
                  restore &&
                  (version === versions[0]?.version ? (
                    <button type="button" class="small" onClick={() => restore(previous)}>
                      Undo
                    </button>
                  ) : (
                    <button type="button" class="small" onClick={() => restore(version)}>
                      Restore {version}
                    </button>
                  )),
              },
            ]}
          />
        )
      }
    </QueryContent>
  );
}
