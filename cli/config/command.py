"""`alsolike config`: check, compare, apply, show and roll back the configuration."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alsolike.contract.document import InvalidConfiguration, dotted
from alsolike.domain.configuration import DEFAULT, Configuration
from alsolike.filters import parser
from alsolike.filters.tree import ColumnDataset
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput
from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.configuration.store import store_of, who

if TYPE_CHECKING:
    from alsolike.config.reader import Current
    from operations.configuration.configuration_store import Version
    from operations.configuration.file import ConfigurationFile
    from operations.configuration.yaml_document import Finding

DIFFERENT = 2
"""Exit status of `diff` where something differs; 1 is a failure."""

app = typer.Typer(no_args_is_help=True, help="The shop's configuration: one versioned YAML file.")

File = Annotated[Path, typer.Argument(metavar="FILE", help="YAML file; - is standard input.", show_default=False)]


@app.command("check")
def check(file: File, as_json: AsJson = False) -> None:
    """Check a configuration file without a deployment. Exit with 1 if it has errors.

    Example: alsolike config check shop.yaml
    """
    checked = read_file(file, as_json=as_json)
    if as_json:
        console.print_json({"valid": True, "errors": [], "warnings": _listed(checked.warnings)})
    else:
        console.print_line(f"{checked.name} is valid")


@app.command("diff")
def diff(file: File, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show the differences between a file and the live configuration. Exit with 0 if there are none, else with 2.

    Example: alsolike config diff shop.yaml
    """
    from operations.configuration import differences

    checked = read_file(file, as_json=as_json)
    current = store_of(deployment.resolve(stack=stack, state=state)).current()
    live = _live(current)
    changes = differences.changes(live, checked.configuration)
    if current.version:
        _warn_of_new_columns(live, checked.configuration)
    if as_json:
        console.print_json({"version": current.version, "changes": changes})
    else:
        names = (f"version {current.version}", checked.name)
        for line in differences.unified(live, checked.configuration, names=names):
            console.print_line(line)
    if changes:
        raise typer.Exit(DIFFERENT)


@app.command("apply")
def apply(
    file: File,
    reason: Annotated[str, typer.Option(help="Reason for the history.", show_default=False)] = "",
    expect: Annotated[
        int | None,
        typer.Option(min=0, metavar="VERSION", help="Refuse unless this version is live."),
    ] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Apply a file as the live configuration. Functions use it within a minute.

    Stored values that are not of a newly declared type are counted on stderr.

    Example: alsolike config apply shop.yaml --reason "autumn rules"
    """
    from operations.configuration import differences
    from operations.experiments import statement

    checked = read_file(file, as_json=as_json)
    where = deployment.resolve(stack=stack, state=state)
    statement.check_models(checked.configuration, where, now_ms=_now_ms())
    store = store_of(where)
    current = store.current()
    if expect is not None and expect != current.version:
        raise ConcurrentUpdate(f"version {current.version} of the configuration is live, expected {expect}")
    live = _live(current)
    changes = differences.changes(live, checked.configuration)
    statement.check_running(live, checked.configuration, now_ms=_now_ms())
    applied = store.apply(current, checked.document, text=checked.text, by=who(where), reason=reason, now_ms=_now_ms())
    if current.version:
        _warn_of_new_columns(live, checked.configuration)
    contradictions = [] if applied is current else _contradictions(where, live, checked.configuration)
    for sentence in contradictions:
        console.say(f"warning: {sentence}")
    if as_json:
        console.print_json(
            {
                "version": applied.version,
                "previous": current.version,
                "changes": changes,
                "contradictions": contradictions,
            }
        )
    elif applied is current:
        console.print_line(f"no change: version {current.version} has the same values")
    else:
        console.print_line(f"version {applied.version} is live; functions follow within a minute")


@app.command("show")
def show(
    version: Annotated[
        int | None,
        typer.Option(min=0, help="Version to print, by default the live one. 0: the built-in configuration."),
    ] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Print the configuration as it was applied.

    Example: alsolike config show > shop.yaml
    """
    store = store_of(deployment.resolve(stack=stack, state=state))
    found = store.version(store.current().version if version is None else version)
    if as_json:
        console.print_json(_document(found) | {"document": found.document})
        return
    console.say(f"version {found.version}{_origin(found)}")
    console.print_line(_yaml(found).rstrip("\n"))


@app.command("history")
def history(
    limit: Annotated[int, typer.Option(min=1, help="Maximum number of rows, the latest first.")] = 20,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """List the applied versions, the latest first. The first line is live.

    Example: alsolike config history --limit 5
    """
    found = store_of(deployment.resolve(stack=stack, state=state)).history(limit=limit)
    if as_json:
        console.print_json([_document(version) for version in found])
    elif found:
        console.print_table(
            ["version", "applied (UTC)", "by", "reason", "brings back"],
            [[entry.version, _time(entry.applied_ms), entry.by, entry.reason, entry.restores] for entry in found],
        )
    else:
        console.print_line("no configuration was applied yet; the built-in one is active")


@app.command("rollback")
def rollback(
    to: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="VERSION",
            help="Version to apply, by default the previous one. 0: the built-in configuration.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option(help="Reason for the history.")] = "rolled back by hand",
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Apply an earlier version again, as a new version.

    Example: alsolike config rollback --to 3
    """
    from operations.experiments import statement

    where = deployment.resolve(stack=stack, state=state)
    store = store_of(where)
    current = store.current()
    before, now_ms = _live(current), _now_ms()
    applied = store.roll_back(current, to=to, by=who(where), reason=reason, now_ms=now_ms)
    for disturbance in statement.disturbances(before, _live(applied), now_ms=now_ms):
        console.say(f"warning: {disturbance}")
    entry = store.version(applied.version)
    if as_json:
        console.print_json(_document(entry))
    else:
        back = f"version {entry.restores}" if entry.restores else "what is built in"
        console.print_line(f"version {entry.version} is live and brings back {back}; functions follow within a minute")


@app.command("schema")
def schema(
    file: Annotated[Path, typer.Argument(metavar="FILE.avsc", help="Amazon Personalize's schema.", show_default=False)],
    dataset: Annotated[str, typer.Option(metavar="items|users", help="Dataset of the columns.", show_default=False)],
    lists: Annotated[
        list[str] | None,
        typer.Option("--list", metavar="FIELD", help="Field whose text holds several values joined by |; repeatable."),
    ] = None,
) -> None:
    """Print the columns of a Personalize schema as YAML.

    Example: alsolike config schema items.avsc --dataset items
    """
    from operations.configuration import avro_schema, yaml_document

    if dataset not in avro_schema.DATASETS:
        raise InvalidInput(f"--dataset is {dataset!r}, expected {' or '.join(avro_schema.DATASETS)}")
    read = avro_schema.read_schema(file, dataset=dataset, lists=lists or ())
    columns = {name: column.value for name, column in read.columns.items()}
    console.print_line(yaml_document.dump({dataset: {"columns": columns}}).rstrip("\n"))
    if read.categorical:
        console.say(
            f"{', '.join(read.categorical)}: categorical, declared as one text; where it holds several joined by |, "
            "name it with --list"
        )


@app.command("infer")
def infer(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV or Parquet file.", show_default=False)],
    dataset: Annotated[str, typer.Option(metavar="items|users", help="Dataset of the file.")] = "items",
) -> None:
    """Print the inferred types of a file's columns as YAML.

    Example: alsolike config infer products.csv
    """
    from operations.configuration import avro_schema, yaml_document
    from operations.ingest.files import open_file
    from operations.ingest.inference import declared
    from operations.ingest.inference import infer as infer_types
    from operations.ingest.sources import find

    if dataset not in avro_schema.DATASETS:
        raise InvalidInput(f"--dataset is {dataset!r}, expected {' or '.join(avro_schema.DATASETS)}")
    (source,) = find([file], s3=lambda: None)
    types = infer_types([open_file(source)], without=("itemId" if dataset == "items" else "userId",))
    console.print_line(yaml_document.dump(declared({}, types, dataset=dataset)).rstrip("\n"))


def read_file(path: Path, *, as_json: bool = False) -> ConfigurationFile:
    """Read a file with its warnings on stderr; print what is wrong in it, one finding a line, and end."""
    from operations.configuration import file

    try:
        checked = file.read(path, now_ms=_now_ms())
    except file.InvalidFile as error:
        if as_json:
            console.print_json({"valid": False, "errors": _listed(error.findings), "warnings": []})
        else:
            console.say(str(error))
        raise typer.Exit(1) from error
    for warning in checked.warnings:
        console.say(f"warning: {file.place(checked.name, warning)}")
    return checked


def _warn_of_new_columns(before: Configuration, after: Configuration) -> None:
    """Warn of filters that read columns that the catalogue does not have until it is published with them."""
    new = dict(after.item_columns.items() - before.item_columns.items())
    read: dict[str, list[str]] = {}
    for name, expression in after.filters.items():
        for column in parser.parse(expression).columns:
            if column.dataset is ColumnDataset.ITEMS and column.key in new:
                read.setdefault(column.name, []).append(name)
    for column_name, names in read.items():
        filters = ", ".join(dict.fromkeys(names))
        console.say(
            f"warning: {column_name} is new: for up to two minutes, the filters {filters} find no value of it; "
            "apply columns first, and then filters that read them"
        )


def _contradictions(where: Deployment, before: Configuration, after: Configuration) -> list[str]:
    """Return a sentence for each column with a new type and stored values that are not of it."""
    from alsolike.catalogue.users import UserStore
    from operations.filters import catalogue

    items = dict(after.item_columns.items() - before.item_columns.items())
    users = dict(after.user_columns.items() - before.user_columns.items())
    sentences: list[str] = []
    if items:
        rows = (properties for _, properties in catalogue.read_snapshot(where).items())
        sentences += catalogue.contradictions(rows, items, noun="item")
    if users:
        stored = UserStore(where.client("dynamodb"), where.names.users_table).scan()
        sentences += catalogue.contradictions((user.properties for user in stored), users, noun="user")
    return sentences


def _listed(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"line": finding.line, "column": finding.column, "path": dotted(finding.path), "message": finding.message}
        for finding in findings
    ]


def _live(current: Current) -> Configuration:
    """Return what is live; where this release does not understand it, what is built in, so that it can be replaced."""
    try:
        return current.configuration()
    except InvalidConfiguration as error:
        console.say(f"warning: version {current.version} is live and cannot be read by this release: {error}")
        return DEFAULT


def _document(version: Version) -> dict[str, Any]:
    return {
        "version": version.version,
        "applied_ms": version.applied_ms,
        "by": version.by,
        "reason": version.reason,
        "restores": version.restores,
    }


def _yaml(version: Version) -> str:
    if version.text:
        return version.text
    from alsolike.config.document import parse, to_document
    from operations.configuration.yaml_document import dump

    return dump(to_document(parse(version.document)))


def _origin(version: Version) -> str:
    if not version.version:
        return " is what is built in"
    reason = f": {version.reason}" if version.reason else ""
    return f", applied {_time(version.applied_ms)} UTC by {version.by}{reason}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S}"
