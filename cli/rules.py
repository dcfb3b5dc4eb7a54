"""`alsolike rules`: list and show rule sets, and preview their effect on a user's recommendations."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer import Argument, Option

from alsolike.configuration_document.rules import numbers_of_rules, rule_set_to_document
from alsolike.recommendations import preview as previews
from alsolike.runtime.errors import NotFound
from cli import console
from cli.config import read_file
from cli.group import CommandGroup
from cli.options import Context, File, Output, Recommender, User
from operations.configuration.store import live_configuration
from operations.previews import PreviewSummary, some_users, summarize
from operations.progress import counted

_BEFORE = {True: "live", False: "without rules"}

app = CommandGroup(help="Rule sets: promotions, boosts, pins and filters.")


@app.command("list")
def list_(context: Context) -> None:
    """List the rule sets with their rules and recommenders.

    Example: alsolike rules list
    """
    configuration = live_configuration(context.deployment)
    found = [
        (rules, numbers_of_rules(rules), configuration.recommenders_with(rules.name))
        for rules in configuration.rules.values()
    ]
    context.print_rows(
        [{"name": rules.name, "rules": parts, "recommenders": names} for rules, parts, names in found],
        ["rule set", "rules", "applies to"],
        [
            [rules.name, ", ".join(f"{number} {part}" for part, number in parts.items()), ", ".join(names) or "-"]
            for rules, parts, names in found
        ],
        empty="the configuration has no rules",
    )


@app.command("show")
def show(
    context: Context, name: Annotated[str, Argument(metavar="NAME", help="Name of a rule set.", show_default=False)]
) -> None:
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
        console.print_yaml({"rules": {name: document}})


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
    where = context.deployment
    of_item = user is None and users is None and item is not None
    columns = [column for column in (["TITLE"] if metadata is None else metadata) if column]
    fields = {
        "userId": user,
        "itemId": item,
        "recommender": recommender or ("similar-items" if of_item else None),
        "numResults": k,
        "rules": rules,
        "exclude": exclude or None,
        "metadata": columns or None,
        "configuration": document,
    }

    def ask(**changed: Any) -> dict[str, Any]:
        return previews.ask(where.client("lambda"), where.names.recommend_function, fields | changed)

    if users is not None:
        _print_summary(summarize(lambda user_id: ask(userId=user_id, metadata=None), some_users(where, users)), context)
        return
    found = ask()
    if context.printed(found):
        return
    before = _BEFORE[found["beforeIsLive"]]
    console.print_table(["place", before, "after", "why", "chance"], _rows(found, columns=columns))
    console.print_line(f"rules {found['rules'] or 'none'}, {found['recommender']}, model {found['modelVersion']}")
    for what, reasons in (("unsatisfied", found["unmetRules"]), ("degraded", found["degraded"])):
        for reason in reasons:
            console.print_line(f"{what}: {reason}")


def _print_summary(summary: PreviewSummary, output: Output) -> None:
    if output.printed({field.name: getattr(summary, field.name) for field in dataclasses.fields(summary)}):
        return
    console.print_table(
        ["why", "positions", "share"],
        [
            [origin, count, f"{count / summary.positions:.1%}"]
            for origin, count in sorted(summary.origins.items(), key=lambda entry: -entry[1])
        ],
        title=f"{summary.positions:,} positions for {counted(summary.users, 'user')}",
    )
    console.print_line(
        f"{summary.changed_positions:,} positions have an item that is not in the list "
        f"{_BEFORE[summary.before_is_live]}, for {counted(summary.changed_users, 'user')}"
    )
    for what, reasons in (("unsatisfied", summary.unmet), ("degraded", summary.degraded)):
        for reason, count in reasons.items():
            console.print_line(f"{what}: {reason}, for {counted(count, 'user')}")


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
