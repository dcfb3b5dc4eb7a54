"""Command `alsolike quarantine`: unreadable records and failed batches, with reasons, and their replay."""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer
from typer import Argument, Option

from alsolike.runtime.errors import NotFound
from cli import terminal
from cli.group import CommandGroup
from cli.options import Context, DryRun, Latest, Output, Yes
from operations.progress import Step, counted

if TYPE_CHECKING:
    from alsolike.lake.quarantine import DeadLetter
    from operations.quarantine.store import Entry, QuarantineStore, Selection

_SHOWN_CHARACTERS = 80

app = CommandGroup(help="Quarantine: unreadable records and failed batches.")

Reason: TypeAlias = Annotated[
    str | None,
    Option(metavar="TEXT", help="Select reasons that contain this text, ignoring case; … stands for a value."),
]
Since: TypeAlias = Annotated[
    str | None,
    Option(metavar="TIME", help="Select later records: ISO 8601 with a zone, or an age such as 90m, 6h or 3d."),
]


@dataclasses.dataclass(frozen=True)
class Criteria:
    """Options that select the records to change."""

    names: Annotated[list[str] | None, Argument(metavar="[ID]...", help="IDs or keys of records.")] = None
    everything: Annotated[bool, Option("--all", help="Select all records.")] = False
    reason: Reason = None
    since: Since = None

    def selection(self) -> Selection:
        from operations.quarantine.store import from_arguments

        names = self.names or ()
        return from_arguments(names=names, everything=self.everything, reason=self.reason, since_text=self.since)


@app.command("list")
def list_held(
    context: Context,
    reason: Reason = None,
    since: Since = None,
    limit: Latest = 20,
    totals: Annotated[bool, Option("--totals", help="Count records by reason, without the values.")] = False,
) -> None:
    """List the latest records in quarantine with their reasons.

    Example: alsolike quarantine list --totals
    """
    from operations.quarantine.store import QuarantineStore, Selection, milliseconds_since

    store = QuarantineStore(context.deployment)
    wanted = Selection(reason=reason, since_ms=milliseconds_since(since))
    entries = wanted.entries(store)
    if totals:
        with terminal.step("quarantine", total=len(entries)) as step:
            _print_totals(_advancing(wanted, store, entries, step), context)
        return
    found = list(itertools.islice((letter for letter in wanted.read(store, entries) if letter is not None), limit))
    context.print_rows(
        [letter.document() for letter in found],
        ["id", "since (UTC)", "what", "reason", "data"],
        [[letter.id, letter.time, _describe(letter), letter.reason, _shown(letter)] for letter in found],
        empty="nothing is in quarantine" if not entries else "no quarantined record matches",
    )
    if found and len(entries) > len(found) and not context.as_json:
        terminal.say(f"{len(entries):,} are in quarantine; see --limit, --totals")


@app.command()
def show(
    context: Context, name: Annotated[str, Argument(metavar="ID", help="ID, the beginning of an ID, or key.")]
) -> None:
    """Show a whole record with its reason.

    Example: alsolike quarantine show 3f9c
    """
    from operations.quarantine.store import QuarantineStore

    store = QuarantineStore(context.deployment)
    letter = next(store.read([store.find(name)]), None)
    if letter is None:
        raise NotFound(f"{name!r} has just left quarantine")
    if context.printed(letter.document()):
        return
    values = {
        "id": letter.id,
        "what": _describe(letter),
        "since (UTC)": letter.time,
        "reason": letter.reason,
        "key": letter.key,
    }
    terminal.print_values(values, width=12)
    for record in letter.records:
        terminal.print_line()
        partition_key = terminal.visible(record.partition_key or "unknown")
        terminal.print_line(f"{record.stream} {record.shard_id} {record.sequence}, partition key {partition_key}")
        terminal.print_line(record.data.decode(errors="backslashreplace"))


@app.command()
def replay(context: Context, criteria: Criteria, dry_run: DryRun = False) -> None:
    """Send records to the stream again.

    Fix the cause of the failures first. You may repeat the command, because each event counts once. A record that is
    still invalid returns to quarantine.

    Example: alsolike quarantine replay --reason "unknown event type"
    """
    from operations.quarantine.replay import Replayer
    from operations.quarantine.store import QuarantineStore

    wanted = criteria.selection()
    deployment = context.deployment
    store = QuarantineStore(deployment)
    replayer = Replayer(deployment, store)
    entries = wanted.entries(store)
    try:
        with terminal.step("replay", total=len(entries)) as step:
            replayer.replay(_advancing(wanted, store, entries, step), dry_run=dry_run)
    finally:  # Report completed replays also after Ctrl-C and errors, because they cannot be undone.
        counts = replayer.counts
        if not context.printed({**dataclasses.asdict(counts), "dry_run": dry_run}):
            records, objects = counted(counts.records, "record"), counted(counts.objects, "object")
            terminal.print_line(f"{'would put' if dry_run else 'put'} {records} of {objects} on the stream")
            if counts.not_replayable:
                terminal.say(f"{counts.not_replayable:,} contain no replayable records and stay")
    if not (criteria.everything or counts.objects or counts.not_replayable):
        raise wanted.no_match(store)
    if counts.records and not dry_run and not context.as_json:
        terminal.say("records that are still invalid return within a minute: see `alsolike quarantine list`")


@app.command()
def drop(context: Context, criteria: Criteria, yes: Yes = False, dry_run: DryRun = False) -> None:
    """Delete records from quarantine, and print the reason of each.

    Example: alsolike quarantine drop --since 6h --dry-run
    """
    from operations.quarantine.store import QuarantineStore

    wanted = criteria.selection()
    store = QuarantineStore(context.deployment)
    entries = wanted.entries(store)
    selected, records = [], 0
    with terminal.step("quarantine", total=len(entries)) as step:
        for letter in _advancing(wanted, store, entries, step):
            records += len(letter.records)
            selected.append(dataclasses.replace(letter, records=()))  # Keep no records in memory.
    if not (criteria.everything or selected):
        raise wanted.no_match(store)
    question = f"Delete {counted(len(selected), 'object')} with {counted(records, 'record')} for good?"
    if selected and not (yes or dry_run) and not typer.confirm(question, err=True):
        raise typer.Exit(1)
    for start in range(0, len(selected), 1_000):
        batch = selected[start : start + 1_000]
        if not dry_run:
            store.delete(batch)
        if not context.as_json:
            for letter in batch:
                terminal.print_line(f"{letter.id} {letter.key}: {terminal.visible(letter.reason)}")
    document = {
        "objects": len(selected),
        "records": records,
        "dropped": [{"id": letter.id, "key": letter.key, "reason": letter.reason} for letter in selected],
        "dry_run": dry_run,
    }
    verb = "would be dropped" if dry_run else "dropped"
    context.print(document, f"{verb}: {counted(len(selected), 'object')} with {counted(records, 'record')}")


def _advancing(wanted: Selection, store: QuarantineStore, entries: list[Entry], step: Step) -> Iterator[DeadLetter]:
    for letter in wanted.read(store, entries):
        step.advance()
        if letter is not None:
            yield letter


def _print_totals(selected: Iterator[DeadLetter], output: Output) -> None:
    objects: Counter[tuple[str, str]] = Counter()
    records: Counter[tuple[str, str]] = Counter()
    for letter in selected:
        objects[letter.kind, letter.reason_class] += 1
        records[letter.kind, letter.reason_class] += len(letter.records)
    rows = [[count, records[key], *key] for key, count in objects.most_common()]
    columns = ["objects", "records", "kind", "reason"]
    document = [dict(zip(columns, row, strict=True)) for row in rows]
    output.print_rows(document, columns, rows, empty="nothing is in quarantine")


def _describe(letter: DeadLetter) -> str:
    return f"{letter.kind} of {len(letter.records):,}" if letter.kind == "failed batch" else letter.kind.value


def _shown(letter: DeadLetter) -> str:
    if not letter.records:
        return ""
    data = letter.records[0].data.decode(errors="replace")
    return data if len(data) <= _SHOWN_CHARACTERS else f"{data[:_SHOWN_CHARACTERS]}…"
