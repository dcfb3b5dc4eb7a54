"""`alsolike rules`: list and show rule sets, and preview their effect on a user's recommendations."""

from __future__ import annotations

import itertools
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
    metadata: Annotated[str, typer.Option(metavar="COLUMN", help="Column to show; '' for none.")] = "TITLE",
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show a user's recommendations with and without rules.

    Unmet rules are listed. The command changes nothing and logs no recommendation.

    Example: alsolike rules preview --user 42 --file shop.yaml
    """
    document = dict(read_file(file, as_json=as_json).document) if file is not None else None
    where = deployment.resolve(stack=stack, state=state)
    found = previews.ask(
        where.client("lambda"),
        where.names.recommend_function,
        {
            "userId": user,
            "itemId": item,
            "recommender": recommender or ("similar-items" if user is None and item is not None else None),
            "numResults": k,
            "rules": rules,
            "exclude": exclude or None,
            "metadata": [metadata] if metadata else None,
            "configuration": document,
        },
    )
    if as_json:
        console.print_json(found)
        return
    console.print_table(["place", "before", "after", "why", "chance"], _rows(found, column=metadata))
    console.print_line(f"rules {found['rules'] or 'none'}, {found['recommender']}, model {found['modelVersion']}")
    for what, reasons in (("unsatisfied", found["gave"]), ("degraded", found["degraded"])):
        for reason in reasons:
            console.print_line(f"{what}: {reason}")


def _rows(found: dict[str, Any], *, column: str) -> list[list[object]]:
    def shown(item: dict[str, Any] | None) -> str:
        if item is None:
            return ""
        title = item.get("metadata", {}).get(column)
        return f"{item['itemId']} {title}" if title else item["itemId"]

    pairs = itertools.zip_longest(found["before"], found["after"])
    return [
        [place, shown(before), shown(after), after["origin"] if after else "", (after or {}).get("propensity")]
        for place, (before, after) in enumerate(pairs, start=1)
    ]


def _configuration(where: Deployment) -> Configuration:
    from operations.configuration.configuration_store import ConfigurationStore

    return ConfigurationStore(where.client("s3"), where.names.artefact_bucket).current().configuration()
