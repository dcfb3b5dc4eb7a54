"""`alsolike config`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from typer import Argument, Option

from alsolike.configuration.configuration import DEFAULT, Configuration
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, InvalidSnapshot, NotFound, Unavailable
from alsolike.schema.document import InvalidConfiguration, dotted
from cli import terminal
from cli.group import CommandGroup
from cli.options import Context, Csv, HistoryReason, Latest, Output
from operations import times
from operations.configuration.deployed_configuration import caller, store_of

if TYPE_CHECKING:
    from alsolike.configuration_document.reader import Current
    from operations.configuration.catalogue_comparison import Comparison
    from operations.configuration.configuration_versions import Version
    from operations.configuration.file import ConfigurationFile
    from operations.configuration.yaml_document import Finding

DIFFERENT = 3
"""Exit status of `diff` if there are differences. 1 is a failure, and 2 an error in the arguments."""

app = CommandGroup(help="The shop's configuration: one versioned YAML file.")

File = Annotated[Path, Argument(metavar="FILE", help="YAML file; - is standard input.", show_default=False)]


@app.command("check")
def check(context: Context, file: File) -> None:
    """Check a configuration file. Exit with 1 if it has errors.

    If there is a deployment, also compare filters, pins and columns with its published catalogue. A filter of a
    recommender or alias that no item passes is an error. Other differences are warnings.

    Example: alsolike config check shop.yaml
    """
    checked = _parsed(file, context)
    warnings = _examined(checked, context)
    context.print({"valid": True, "errors": [], "warnings": _listed(warnings)}, f"{checked.name} is valid")


@app.command("diff")
def diff(context: Context, file: File) -> None:
    """Show the differences between a file and the live configuration. The exit status is 0 if there
    are none, 3 if there are some, and 1 after a failure.

    Example: alsolike config diff shop.yaml
    """
    from operations.configuration import differences

    checked = read_file(file, context)
    current = store_of(context.deployment).current()
    live = _live(current)
    changes = differences.changes(live, checked.configuration)
    if current.version:
        _warn(differences.new_columns(live, checked.configuration))
    names = (f"version {current.version}", checked.name)
    lines = differences.unified(live, checked.configuration, names=names)
    context.print({"version": current.version, "changes": changes}, *lines)
    if changes:
        raise typer.Exit(DIFFERENT)


@app.command("apply")
def apply(
    context: Context,
    file: File,
    reason: HistoryReason = "",
    expect: Annotated[int | None, Option(min=0, metavar="VERSION", help="Apply only if this version is live.")] = None,
    force: Annotated[
        bool, Option("--force", help="Also apply filters with undeclared names, and filters that no item passes.")
    ] = False,
) -> None:
    """Apply a file as the live configuration. Functions use it within a minute.

    The command refuses filters with an undeclared column or event type. It also refuses a filter of a recommender or
    alias that no item passes, because lists would be empty. --force applies such filters.

    Warnings on stderr count the stored values that do not fit a newly declared type. They also list values, columns and
    items that are not in the published catalogue.

    Example: alsolike config apply shop.yaml --reason "autumn rules"
    """
    from operations.configuration import differences
    from operations.experiments import stored_experiments

    checked = _parsed(file, context)
    deployment, now_ms = context.deployment, times.now_ms()
    warnings = _examined(checked, context, force=force)
    stored_experiments.check_models(checked.configuration, deployment, now_ms=now_ms)
    store = store_of(deployment)
    current = store.current()
    if expect is not None and expect != current.version:
        raise ConcurrentUpdate(f"version {current.version} of the configuration is live, expected {expect}")
    live = _live(current)
    stored_experiments.check_running(live, checked.configuration, now_ms=now_ms)
    applied = store.apply(
        current, checked.document, text=checked.text, by=caller(deployment), reason=reason, now_ms=now_ms
    )
    if current.version:
        _warn(differences.new_columns(live, checked.configuration))
    contradictions = []
    if applied is not current:
        try:
            contradictions = differences.contradictions(deployment, live, checked.configuration)
        except (InvalidSnapshot, Unavailable) as error:  # not fatal, because the configuration is live already
            terminal.say(f"note: stored values were not compared with the new columns: {error}")
    _warn(contradictions)
    context.print(
        {
            "version": applied.version,
            "previous": current.version,
            "changes": differences.changes(live, checked.configuration),
            "contradictions": contradictions,
            "warnings": _listed(warnings),
        },
        f"no change: version {current.version} has the same values"
        if applied is current
        else f"version {applied.version} is live; functions follow within a minute",
    )


@app.command("show")
def show(
    context: Context,
    version: Annotated[
        int | None, Option(min=0, help="Version to print. Default: the live version. 0 is the built-in configuration.")
    ] = None,
) -> None:
    """Print the configuration as it was applied.

    Example: alsolike config show > shop.yaml
    """
    store = store_of(context.deployment)
    found = store.version(store.current().version if version is None else version)
    if not context.as_json:
        terminal.say(f"version {found.version}{_origin(found)}")
    context.print(_document(found) | {"document": found.document}, _yaml(found).rstrip("\n"))


@app.command("history")
def history(context: Context, limit: Latest = 20) -> None:
    """List the applied versions, the latest first. The first line is the live version.

    Example: alsolike config history --limit 5
    """
    found = store_of(context.deployment).history(limit=limit)
    context.print_rows(
        [_document(version) for version in found],
        ["version", "applied (UTC)", "by", "reason", "brings back"],
        [[entry.version, times.text(entry.applied_ms), entry.by, entry.reason, entry.restores] for entry in found],
        empty="no configuration was applied yet; the built-in one is active",
    )


@app.command("rollback")
def rollback(
    context: Context,
    to: Annotated[
        int | None,
        Option(
            min=0,
            metavar="VERSION",
            help="Version to apply. Default: the previous version. 0 is the built-in configuration.",
        ),
    ] = None,
    reason: HistoryReason = "rolled back by hand",
) -> None:
    """Apply an earlier version again, as a new version.

    Example: alsolike config rollback --to 3
    """
    from operations.experiments import stored_experiments

    deployment, now_ms = context.deployment, times.now_ms()
    store = store_of(deployment)
    current = store.current()
    before = _live(current)
    applied = store.roll_back(current, to=to, by=caller(deployment), reason=reason, now_ms=now_ms)
    _warn(stored_experiments.disturbances(before, _live(applied), now_ms=now_ms))
    entry = store.version(applied.version)
    restored = f"version {entry.restores}" if entry.restores else "what is built in"
    context.print(
        _document(entry),
        f"version {entry.version} is live and brings back {restored}; functions follow within a minute",
    )


@app.command("schema")
def schema(
    file: Annotated[Path, Argument(metavar="FILE.avsc", help="Amazon Personalize's schema.", show_default=False)],
    dataset: Annotated[str, Option(metavar="items|users", help="Dataset of the columns.", show_default=False)],
    lists: Annotated[
        list[str] | None,
        Option("--list", metavar="FIELD", help="Field with texts of several values, joined by |; repeatable."),
    ] = None,
) -> None:
    """Print the columns of a Personalize schema as YAML.

    Example: alsolike config schema items.avsc --dataset items
    """
    from operations.configuration import avro_schema

    _check_dataset(dataset)
    read = avro_schema.read_schema(file, dataset=dataset, lists=lists or ())
    terminal.print_yaml({dataset: {"columns": {name: column.value for name, column in read.columns.items()}}})
    if read.categorical:
        terminal.say(
            f"{', '.join(read.categorical)}: categorical, declared as one text; where it holds several joined by |, "
            "name it with --list"
        )


@app.command("infer")
def infer(
    csv: Csv,
    file: Annotated[
        str, Argument(metavar="FILE", help="A CSV or Parquet file, or an address on S3.", show_default=False)
    ],
    dataset: Annotated[str, Option(metavar="items|users", help="Dataset of the file.")] = "items",
) -> None:
    """Print the inferred types of a file's columns as YAML.

    Example: alsolike config infer products.csv
    """
    from operations.client.aws import session_clients
    from operations.ingest import column_inference
    from operations.ingest.files import open_file
    from operations.ingest.sources import find

    _check_dataset(dataset)
    files = [open_file(source, form=csv.form) for source in find([file], s3=lambda: session_clients()("s3"))]
    types = column_inference.infer(files, without=("itemId" if dataset == "items" else "userId",))
    terminal.print_yaml(column_inference.declared({}, types, dataset=dataset))
    for note in column_inference.notes(files, types, creation=dataset == "items"):
        terminal.say(f"note: {note}")


def _check_dataset(dataset: str) -> None:
    from operations.configuration.avro_schema import DATASETS

    if dataset not in DATASETS:
        raise InvalidInput(f"--dataset is {dataset!r}, expected {' or '.join(DATASETS)}")


def read_file(path: Path, output: Output) -> ConfigurationFile:
    """Read a file and print its warnings on stderr. If it has errors, print them and exit with 1."""
    checked = _parsed(path, output)
    _warn_of(sorted([*checked.undeclared, *checked.warnings]), checked.name)
    return checked


def _parsed(path: Path, output: Output) -> ConfigurationFile:
    from operations.configuration import file

    try:
        return file.read(path, now_ms=times.now_ms())
    except file.InvalidFile as error:
        _refuse(error.name, error.findings, output)


def _examined(checked: ConfigurationFile, context: Context, *, force: bool = False) -> list[Finding]:
    """Compare a file with the published catalogue. Print and return the warnings.

    Without `force`, exit with 1 if filters have undeclared names or would empty lists.
    """
    compared = _compared(checked, context)
    refused = sorted([*checked.undeclared, *compared.empty])
    warnings = sorted([*checked.warnings, *compared.hints, *(refused if force else ())])
    _warn_of(warnings, checked.name)
    if refused and not force:
        _refuse(checked.name, refused, context, warnings=warnings)
    return warnings


def _compared(checked: ConfigurationFile, context: Context) -> Comparison:
    """Compare a file with the published catalogue.

    If there is no deployment or no readable catalogue, print a note and return no differences, so that a repaired
    configuration can be applied. If the deployment of --env cannot be resolved, the error is raised.
    """
    from operations.configuration import catalogue_comparison

    if not catalogue_comparison.reads_catalogue(checked.configuration):
        return catalogue_comparison.Comparison()
    try:
        deployment = context.deployment
    except (NotFound, Unavailable) as error:
        if context.stack:
            raise
        reason = str(error)
    else:
        try:
            return catalogue_comparison.compare(checked, deployment)
        except (InvalidSnapshot, Unavailable) as error:
            reason = str(error)
    terminal.say(f"note: {checked.name} was not compared with a catalogue: {reason}")
    return catalogue_comparison.Comparison()


def _refuse(name: str, findings: Sequence[Finding], output: Output, *, warnings: Sequence[Finding] = ()) -> NoReturn:
    from operations.configuration.file import place

    if not output.printed({"valid": False, "errors": _listed(findings), "warnings": _listed(warnings)}):
        for finding in findings:
            terminal.say(place(name, finding))
    raise typer.Exit(1)


def _warn_of(findings: Iterable[Finding], name: str) -> None:
    from operations.configuration.file import place

    _warn(place(name, finding) for finding in findings)


def _warn(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        terminal.say(f"warning: {sentence}")


def _listed(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [
        {"line": finding.line, "column": finding.column, "path": dotted(finding.path), "message": finding.message}
        for finding in findings
    ]


def _live(current: Current) -> Configuration:
    """Return the live configuration.

    If this release cannot read it, return the built-in configuration, so that a new configuration can be applied.
    """
    try:
        return current.configuration()
    except InvalidConfiguration as error:
        terminal.say(f"warning: version {current.version} is live and cannot be read by this release: {error}")
        return DEFAULT


def _document(version: Version) -> dict[str, Any]:
    return {name: getattr(version, name) for name in ("version", "applied_ms", "by", "reason", "restores")}


def _yaml(version: Version) -> str:
    if version.text:
        return version.text
    from alsolike.configuration_document.document import parse, to_document
    from operations.configuration.yaml_document import dump

    return dump(version.document if version.version else to_document(parse(version.document)))


def _origin(version: Version) -> str:
    if not version.version:
        return " is what is built in"
    reason = f": {version.reason}" if version.reason else ""
    return f", applied {times.text(version.applied_ms)} UTC by {version.by}{reason}"
