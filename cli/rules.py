"""`alsolike rules`: rule sets of the configuration, their edits, and previews and forecasts of their effect."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer import Argument, Option

from alsolike.configuration_document.reader import Current
from alsolike.configuration_document.rules import numbers_of_rules, rule_set_to_document
from alsolike.experiments import forecasts
from alsolike.recommendations import recommend_invocations as previews
from alsolike.runtime.errors import NotFound
from cli import terminal
from cli.config import read_file
from cli.group import CommandGroup
from cli.options import Context, File, HistoryReason, Latest, Output, Recommender, User
from operations import times
from operations.configuration import rule_drafts
from operations.configuration.deployed_configuration import caller, live_configuration, store_of
from operations.preview_summary import PreviewSummary, some_users, summarize
from operations.progress import counted

if TYPE_CHECKING:
    from operations.forecast.off_policy import Estimate, Outcome

_BEFORE = {True: "live", False: "without rules"}

RuleSetName = Annotated[str, Argument(metavar="NAME", help="Name of a rule set.", show_default=False)]
Rule = Annotated[
    str, Argument(metavar="RULE", help="Rule as in `show`, such as pins.2 or diversity.", show_default=False)
]
Fields = Annotated[
    list[str] | None,
    Argument(metavar="[FIELD=VALUE]...", help="Fields of the rule, such as position=1.", show_default=False),
]

app = CommandGroup(help="Rule sets: promotions, boosts, pins and slate rules.")


@app.command("list")
def list_(context: Context) -> None:
    """List the rule sets with their recommenders and arms.

    Example: alsolike rules list
    """
    configuration, now_ms = live_configuration(context.deployment), times.now_ms()
    found: list[dict[str, Any]] = [
        {
            "name": rules.name,
            "rules": numbers_of_rules(rules),
            "recommenders": configuration.recommenders_with(rules.name),
            "arms": configuration.arms_with(rules.name, now_ms=now_ms),
        }
        for rules in configuration.rules.values()
    ]
    context.print_rows(
        found,
        ["rule set", "rules", "applies to"],
        [
            [
                entry["name"],
                ", ".join(f"{number} {part}" for part, number in entry["rules"].items()),
                ", ".join([*entry["recommenders"], *entry["arms"]]) or "-",
            ]
            for entry in found
        ],
        empty="the configuration has no rules",
    )


@app.command("show")
def show(context: Context, name: RuleSetName) -> None:
    """Print a rule set of the configuration.

    Example: alsolike rules show autumn
    """
    configuration = live_configuration(context.deployment)
    if name not in configuration.rules:
        known = ", ".join(configuration.rules) or "none: the configuration has no rules"
        raise NotFound(f"there are no rules called {name}, expected {known}")
    document = rule_set_to_document(configuration.rules[name])
    recommenders = configuration.recommenders_with(name)
    if not context.printed({"name": name, "rules": document, "recommenders": recommenders}):
        terminal.print_yaml({"rules": {name: document}})


@app.command("add")
def add(
    context: Context,
    name: RuleSetName,
    kind: Annotated[
        str | None,
        Argument(
            metavar="[KIND]", help=f"Kind of the new rule: {', '.join((*rule_drafts.LISTS, *rule_drafts.SINGLE))}."
        ),
    ] = None,
    fields: Fields = None,
    reason: HistoryReason = "",
) -> None:
    """Add a rule to a rule set, or an empty rule set.

    Example: alsolike rules add autumn pins item=4711 position=1 until=2027-03-31
    """
    _change(context, lambda draft: rule_drafts.add(draft, name, kind, fields or ()), reason=reason)


@app.command("edit")
def edit(context: Context, name: RuleSetName, rule: Rule, fields: Fields = None, reason: HistoryReason = "") -> None:
    """Set fields of a rule. An empty VALUE removes a field.

    Example: alsolike rules edit autumn pins.1 until=2027-04-30
    """
    _change(context, lambda draft: rule_drafts.edit(draft, name, rule, fields or ()), reason=reason)


@app.command("move")
def move(
    context: Context,
    name: RuleSetName,
    rule: Rule,
    to: Annotated[int, Argument(metavar="PLACE", min=1, help="New place in the list, or position of a pin.")],
    reason: HistoryReason = "",
) -> None:
    """Move a rule in its list. A pin trades places with the pin at the position.

    Example: alsolike rules move autumn promotions.2 1
    """
    _change(context, lambda draft: rule_drafts.move(draft, name, rule, to), reason=reason)


@app.command("remove")
def remove(
    context: Context,
    name: RuleSetName,
    rule: Annotated[
        str | None, Argument(metavar="[RULE]", help="Rule or kind of rules, such as pins.2.", show_default="all")
    ] = None,
    reason: HistoryReason = "",
) -> None:
    """Remove a rule, all rules of a kind, or a rule set.

    Example: alsolike rules remove autumn pins.1
    """
    _change(context, lambda draft: rule_drafts.remove(draft, name, rule), reason=reason)


@app.command("assign")
def assign(
    context: Context,
    recommender: Annotated[str, Argument(metavar="RECOMMENDER", help="Recommender, such as for-you.")],
    name: Annotated[str | None, Argument(metavar="[NAME]", help="Name of a rule set.", show_default="none")] = None,
    reason: HistoryReason = "",
) -> None:
    """Set the rule set of a recommender.

    Example: alsolike rules assign for-you autumn
    """
    _change(context, lambda draft: rule_drafts.assign(draft, recommender, name), reason=reason)


@app.command("filter")
def set_filter(
    context: Context,
    name: Annotated[str, Argument(metavar="NAME", help="Name of the filter.")],
    expression: Annotated[
        str | None, Argument(metavar="[EXPRESSION]", help="Expression.", show_default="remove the filter")
    ] = None,
    reason: HistoryReason = "",
) -> None:
    """Set or remove a filter.

    Example: alsolike rules filter on-sale 'INCLUDE ItemID WHERE Items.ON_SALE = true'
    """
    _change(context, lambda draft: rule_drafts.set_filter(draft, name, expression), reason=reason)


@app.command("history")
def history(context: Context, limit: Latest = 20) -> None:
    """List the latest changes of rules.

    Example: alsolike rules history --limit 5
    """
    entries = rule_drafts.history(store_of(context.deployment), limit=limit)
    documents = [
        {
            "version": entry.version.version,
            "applied_ms": entry.version.applied_ms,
            "by": entry.version.by,
            "reason": entry.version.reason,
            "changes": [dataclasses.asdict(change) for change in entry.changes],
        }
        for entry in entries
    ]
    context.print_rows(
        documents,
        ["version", "applied (UTC)", "by", "reason", "changes"],
        [
            [
                entry.version.version,
                times.text(entry.version.applied_ms),
                entry.version.by,
                entry.version.reason,
                "\n".join(line for change in entry.changes for line in _lines(change)),
            ]
            for entry in entries
        ],
        empty="no version changed the rules",
    )


@app.command("undo")
def undo(
    context: Context,
    to: Annotated[
        int | None,
        Option(
            min=0, metavar="VERSION", help="Version with the rules to restore.", show_default="before the last change"
        ),
    ] = None,
    reason: HistoryReason = "",
) -> None:
    """Restore the filters, recommenders and rules of an earlier version.

    Other parts of the configuration stay. A second undo restores the undone rules.

    Example: alsolike rules undo
    """
    store = store_of(context.deployment)
    current = store.current()
    earlier = rule_drafts.before_last_change(store, current) if to is None else store.version(to)
    draft = rule_drafts.draft_of(earlier.document)
    _publish(context, current, draft, reason=reason or f"rules of version {earlier.version}")


def _change(context: Context, change: Callable[[rule_drafts.Draft], None], *, reason: str) -> None:
    current = store_of(context.deployment).current()
    draft = rule_drafts.draft_of(current.document)
    change(draft)
    _publish(context, current, draft, reason=reason)


def _publish(context: Context, current: Current, draft: rule_drafts.Draft, *, reason: str) -> None:
    deployment, now_ms = context.deployment, times.now_ms()
    changes = rule_drafts.changes(current.document, draft)
    published = rule_drafts.publish(
        store_of(deployment), draft, version=current.version, by=caller(deployment), reason=reason, now_ms=now_ms
    )
    differences = previews.catalogue_warnings(
        deployment.client("lambda"),
        deployment.names.recommend_function,
        rule_drafts.with_draft(current.document, draft),
    )
    for warning in (*rule_drafts.check(current, draft, now_ms=now_ms).warnings, *differences):
        terminal.say(f"warning: {warning}")
    context.print(
        {"version": published.version, "changes": [dataclasses.asdict(change) for change in changes]},
        *(line for change in changes for line in _lines(change)),
        f"no change: version {current.version} has the same rules"
        if published.version == current.version
        else f"version {published.version} is live; functions follow within a minute",
    )


def _lines(change: rule_drafts.Change) -> list[str]:
    return [
        change.path,
        *(f"  - {text}" for text in change.removed),
        *(f"  + {text}" for text in change.added),
    ]


@app.command("preview")
def preview(
    context: Context,
    user: User = None,
    item: Annotated[str | None, Option(metavar="ID", help="Item of the page, for related items.")] = None,
    recommender: Recommender = None,
    rules: Annotated[
        str | None, Option(metavar="NAME", help="Name of a rule set.", show_default="the recommender's rule set")
    ] = None,
    file: File = None,
    k: Annotated[int, Option("--num-results", "-k", min=1, max=50, help="Number of items.")] = 10,
    exclude: Annotated[list[str] | None, Option(metavar="ID", help="Item to exclude; repeatable.")] = None,
    metadata: Annotated[
        list[str] | None,
        Option(metavar="COLUMN", help="Column to show; repeatable, '' for none.", show_default="TITLE"),
    ] = None,
    users: Annotated[
        int | None, Option(min=1, max=1_000, metavar="N", help="Sum up the effect on N users with a profile.")
    ] = None,
) -> None:
    """Show a user's recommendations before and after rules.

    With --file or --rules, the first list is the live list. Otherwise, the first list has no rules. The output includes
    rules that could not be fulfilled. The command changes nothing and logs no recommendation.

    Example: alsolike rules preview --user 42 --file shop.yaml
    """
    if user is not None and users is not None:
        raise typer.BadParameter("--users does not go with --user")
    document = dict(read_file(file, context).document) if file is not None else None
    deployment = context.deployment
    starts_from_item = user is None and users is None and item is not None
    columns = [column for column in (["TITLE"] if metadata is None else metadata) if column]
    fields = {
        "userId": user,
        "itemId": item,
        "recommender": recommender or ("similar-items" if starts_from_item else None),
        "numResults": k,
        "rules": rules,
        "exclude": exclude or None,
        "metadata": columns or None,
        "configuration": document,
    }

    def ask(**changed: Any) -> dict[str, Any]:
        return previews.ask(deployment.client("lambda"), deployment.names.recommend_function, fields | changed)

    if users is not None:
        _print_summary(
            summarize(lambda user_id: ask(userId=user_id, metadata=None), some_users(deployment, users)), context
        )
        return
    found = ask()
    if context.printed(found):
        return
    before = _BEFORE[found["beforeIsLive"]]
    terminal.print_table(["place", before, "after", "why", "chance"], _rows(found, columns=columns))
    terminal.print_line(f"rules {found['rules'] or 'none'}, {found['recommender']}, model {found['modelVersion']}")
    for label, reasons in (("unsatisfied", found["unmetRules"]), ("degraded", found["degraded"])):
        terminal.print_lines(f"{label}: {reason}" for reason in reasons)


@app.command("forecast")
def forecast(
    context: Context,
    file: File = None,
    rules: Annotated[
        str | None, Option(metavar="NAME", help="Rule set of the live configuration to apply instead of --file.")
    ] = None,
    model: Annotated[
        str | None, Option(metavar="VERSION", help="Version of a canary or of a running experiment on models.")
    ] = None,
    recommender: Annotated[str, Option(metavar="NAME", help="Recommender.")] = forecasts.RECOMMENDER,
    days: Annotated[int, Option(min=1, max=90, help="Number of days of the recommendation log.")] = forecasts.DAYS,
    responses: Annotated[
        int, Option(min=1, max=50_000, help="Maximum number of logged responses.")
    ] = forecasts.RESPONSES,
) -> None:
    """Forecast the effect of a draft or model on clicks and revenue.

    The command answers logged requests again with the live configuration and with the draft. It changes nothing and
    logs no recommendation. It needs responses with neighbours in random order (`swaps` of the recommender).

    Example: alsolike rules forecast --file draft.yaml
    """
    from operations.forecast.deployed import inputs_of  # Imports numpy and pyarrow.
    from operations.forecast.draft_forecast import forecast_draft

    if file is not None and rules is not None:
        raise typer.BadParameter("--file does not go with --rules")
    if (file, rules, model) == (None, None, None):
        raise typer.BadParameter("pass --file, --rules or --model")
    deployment = context.deployment
    document = None
    if file is not None:
        document = dict(read_file(file, context).document)
    elif rules is not None:
        current = store_of(deployment).current()
        draft = rule_drafts.draft_of(current.document)
        rule_drafts.assign(draft, recommender, rules)
        document = {**current.document, **draft}
    found = forecast_draft(
        inputs_of(deployment),
        document,
        model=model,
        recommender=recommender,
        days=days,
        maximum=responses,
        now_ms=times.now_ms(),
    )
    if context.printed(found.document()):
        return
    figures = found.forecast
    terminal.print_table(
        ["per 1,000 responses", "now", "draft", "difference", "95% interval", "self-normalised"],
        [_outcome_row(outcome) for outcome in figures.outcomes],
    )
    lists = f"{counted(figures.responses, 'response')} of {recommender} to {counted(figures.users, 'user')}"
    terminal.print_line(f"{lists} in {counted(days, 'day')}; the draft changes {figures.changed:.0%} of the lists")
    terminal.print_line(
        f"{figures.support:.1%} of the expected attention to the draft's lists is for items that were shown"
    )
    terminal.print_lines(f"{outcome.name}: {outcome.missing}" for outcome in figures.outcomes if outcome.missing)
    terminal.print_lines(
        f"left out: {counted(number, 'response')} ({reason})" for reason, number in found.skipped.items()
    )
    if not found.swaps:
        terminal.print_line(f"hint: set recommenders.{recommender}.swaps, such as 0.1, to measure the effect of places")


def _outcome_row(outcome: Outcome) -> list[object]:
    def text(estimate: Estimate | None) -> str:
        return "" if estimate is None else f"{1_000 * estimate.value:,.1f}"

    if outcome.difference is None:
        return [outcome.name, "", "", "not enough evidence", "", ""]
    low, high = (f"{1_000 * end:+,.1f}" for end in outcome.difference[1:])
    return [
        outcome.name,
        text(outcome.present),
        text(outcome.draft),
        f"{1_000 * outcome.difference.value:+,.1f}",
        f"{low} to {high}",
        f"{1_000 * outcome.self_normalised.value:+,.1f}" if outcome.self_normalised else "",
    ]


def _print_summary(summary: PreviewSummary, output: Output) -> None:
    if output.printed({field.name: getattr(summary, field.name) for field in dataclasses.fields(summary)}):
        return
    terminal.print_table(
        ["why", "positions", "share"],
        [
            [origin, count, f"{count / summary.positions:.1%}"]
            for origin, count in sorted(summary.origins.items(), key=lambda entry: -entry[1])
        ],
        title=f"{summary.positions:,} positions for {counted(summary.users, 'user')}",
    )
    terminal.print_line(
        f"{summary.changed_positions:,} positions have an item that is not in the list "
        f"{_BEFORE[summary.before_is_live]}, for {counted(summary.changed_users, 'user')}"
    )
    for label, reasons in (("unsatisfied", summary.unmet), ("degraded", summary.degraded)):
        terminal.print_lines(f"{label}: {reason}, for {counted(count, 'user')}" for reason, count in reasons.items())


def _rows(found: dict[str, Any], *, columns: Sequence[str]) -> list[list[object]]:
    def shown(item: dict[str, Any] | None) -> str:
        if item is None:
            return ""
        values = item.get("metadata", {})
        return " ".join(
            [item["itemId"], *(str(values[column]) for column in columns if values.get(column) is not None)]
        )

    pairs = itertools.zip_longest(found["before"], found["after"])
    return [
        [place, shown(before), shown(after), after["origin"] if after else "", (after or {}).get("propensity")]
        for place, (before, after) in enumerate(pairs, start=1)
    ]
