"""`alsolike rules`: list and show rule sets, and preview their effect on a user's recommendations."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from alsolike.config.rules import numbers_of_rules, rule_set_to_document
from alsolike.domain.configuration import Configuration
from alsolike.recommendations import preview as previews
from alsolike.runtime.errors import NotFound
from cli import console
from cli.config.command import read_file
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.previews import PreviewSummary, some_users, summarize
from operations.progress import counted

app = typer.Typer(no_args_is_help=True, help="Rule sets: promotions, boosts, pins and filters.")


@app.command("list")
def list_(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """List the rule sets with their rules and recommenders.

    Example: alsolike rules list
    """
    configuration = _configuration(deployment.resolve(stack=stack, state=state))
    found = [
        (rules, numbers_of_rules(rules), configuration.recommenders_with(rules.name))
        for rules in configuration.rules.values()
    ]
    if as_json:
        console.print_json(
            [{"name": rules.name, "rules": parts, "recommenders": names} for rules, parts, names in found]
        )
    elif found:
        console.print_table(
            ["rule set", "rules", "applies to"],
            [
                [rules.name, ", ".join(f"{number} {part}" for part, number in parts.items()), ", ".join(names) or "-"]
                for rules, parts, names in found
            ],
        )
    else:
        console.print_line("the configuration has no rules")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a rule set.", show_default=False)],
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Print a rule set of the configuration.

    Example: alsolike rules show autumn
    """
    from operations.configuration.yaml_document import dump

    configuration = _configuration(deployment.resolve(stack=stack, state=state))
    if name not in configuration.rules:
        known = ", ".join(configuration.rules) or "none: the configuration has no rules"
        raise NotFound(f"there are no rules called {name}, expected {known}")
    document = rule_set_to_document(configuration.rules[name])
    if as_json:
        console.print_json({"name": name, "rules": document, "recommenders": configuration.recommenders_with(name)})
    else:
        console.print_line(dump({"rules": {name: document}}).rstrip("\n"))


@app.command("preview")
def preview(
    user: Annotated[str | None, typer.Option("--user", metavar="ID", help="User ID.")] = None,
    item: Annotated[
        str | None, typer.Option("--item", metavar="ID", help="Item of the page, for related items.")
    ] = None,
    recommender: Annotated[
        str | None, typer.Option(metavar="NAME", help="Recommender, such as similar-items.", show_default="for-you")
    ] = None,
    rules: Annotated[
        str | None,
        typer.Option("--rules", metavar="NAME", help="Name of a rule set.", show_default="that of the recommender"),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Configuration file to try; - is standard input."),
    ] = None,
    k: Annotated[int, typer.Option("--num-results", "-k", min=1, max=50, help="Number of items.")] = 10,
    exclude: Annotated[list[str] | None, typer.Option(metavar="ID", help="Item to exclude; repeatable.")] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN", help="Column to show; repeatable, '' for none.", show_default="TITLE"),
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(min=1, max=1_000, metavar="N", help="Sum up the effect on N users with a profile."),
    ] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show a user's recommendations before and after rules.

    With --file or --rules, the list before is the live one; otherwise it has no rules. Unmet rules are listed. The
    command changes nothing and logs no recommendation.

    Example: alsolike rules preview --user 42 --file shop.yaml
    """
    if user is not None and users is not None:
        raise typer.BadParameter("--users does not go with --user")
    document = dict(read_file(file, as_json=as_json).document) if file is not None else None
    where = deployment.resolve(stack=stack, state=state)
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
        _print_summary(
            summarize(lambda user_id: ask(userId=user_id, metadata=None), some_users(where, users)), as_json=as_json
        )
        return
    found = ask()
    if as_json:
        console.print_json(found)
        return
    before = _before(is_live=found["beforeIsLive"])
    console.print_table(["place", before, "after", "why", "chance"], _rows(found, columns=columns))
    console.print_line(f"rules {found['rules'] or 'none'}, {found['recommender']}, model {found['modelVersion']}")
    for what, reasons in (("unsatisfied", found["unmetRules"]), ("degraded", found["degraded"])):
        for reason in reasons:
            console.print_line(f"{what}: {reason}")


def _before(*, is_live: bool) -> str:
    return "live" if is_live else "without rules"


def _print_summary(summary: PreviewSummary, *, as_json: bool) -> None:
    if as_json:
        console.print_json({field.name: getattr(summary, field.name) for field in dataclasses.fields(summary)})
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
        f"{_before(is_live=summary.before_is_live)}, for {counted(summary.changed_users, 'user')}"
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


def _configuration(where: Deployment) -> Configuration:
    from operations.configuration.configuration_store import ConfigurationStore

    return ConfigurationStore(where.client("s3"), where.names.artefact_bucket).current().configuration()
