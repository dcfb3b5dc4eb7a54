"""Import of item and user files into their tables, and of inferred columns into the configuration."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Sequence
from pathlib import Path

from alsolike.catalogue.items import ITEMS, CatalogueStore
from alsolike.catalogue.row_store import RowStore
from alsolike.catalogue.rows import R, RowKind
from alsolike.catalogue.users import USERS, UserStore
from alsolike.configuration.columns import column_name
from alsolike.filters.parser import is_name
from operations import progress
from operations.client.deployment import Deployment
from operations.client.erased_users import ErasedUsers
from operations.client.stored_ids import stored_ids
from operations.configuration.deployed_configuration import own_names, store_of
from operations.ingest.arrow import leave_pandas_out
from operations.ingest.column_inference import declarable, declared, declared_text, infer, notes
from operations.ingest.files import DataFile
from operations.ingest.inputs import DEFAULTS, Input, Options, open_inputs
from operations.ingest.journal import Journal, name_of_rows
from operations.ingest.metadata_checks import MetadataFile, UserRules, open_metadata, put_rows
from operations.ingest.summary import FileSummary, ImportSummary

CHUNK_ROWS = 50_000


def import_items(
    names: Sequence[str | Path], deployment: Deployment, *, now_ms: int, options: Options = DEFAULTS
) -> ImportSummary:
    """Import items into the catalogue. The last row of an ID counts."""
    store = CatalogueStore(deployment.client("dynamodb"), deployment.names.catalogue_table)
    return _import(names, deployment, ITEMS, store, now_ms=now_ms, options=options)


def import_users(
    names: Sequence[str | Path], deployment: Deployment, *, now_ms: int, options: Options = DEFAULTS
) -> ImportSummary:
    store = UserStore(deployment.client("dynamodb"), deployment.names.users_table)
    user_rules = UserRules(stored_ids(deployment), ErasedUsers(deployment).mask)
    return _import(names, deployment, USERS, store, now_ms=now_ms, options=options, user_rules=user_rules)


def _import(
    names: Sequence[str | Path],
    deployment: Deployment,
    kind: RowKind[R],
    store: RowStore[R],
    *,
    now_ms: int,
    options: Options,
    user_rules: UserRules | None = None,
) -> ImportSummary:
    started = time.monotonic()
    leave_pandas_out()
    inputs = open_inputs(names, deployment, options)
    configurations = store_of(deployment)
    current = configurations.current()
    configuration = current.configuration()
    if options.is_personalize:
        configuration = own_names(deployment).added_to(configuration)
    types = configuration.item_columns if kind.key == ITEMS.key else configuration.user_columns
    for source in inputs:
        # Check the columns of all files before reading rows.
        open_metadata(source.file, kind, columns=types, user_rules=user_rules)
        _say_unusable_names(source.file)
    columns_inferred = infer([source.file for source in inputs], without=(column_name(kind.key.upper()), *types))
    inferred = declarable(columns_inferred) if options.declares else {}
    if inferred and not options.dry_run:
        document = declared(current.document, inferred, dataset=kind.list_field)
        reason = f"columns of {', '.join(source.file.name for source in inputs)}"
        text = configurations.version(current.version).text
        text = declared_text(text, document, inferred, dataset=kind.list_field)
        configurations.apply(current, document, text=text, by="alsolike import", reason=reason[:200], now_ms=now_ms)
    files = [
        open_metadata(source.file, kind, columns={**types, **columns_inferred}, user_rules=user_rules)
        for source in inputs
    ]
    summaries = tuple(
        _take(source, file, store, deployment, now_ms=now_ms) for source, file in zip(inputs, files, strict=True)
    )
    return ImportSummary(
        summaries, 0, 0, 0, time.monotonic() - started, dry_run=options.dry_run,
        inferred={name: type_.value for name, type_ in inferred.items()},
        notes=tuple(
            notes([source.file for source in inputs], columns_inferred, known=types, creation=kind.key == ITEMS.key)
            if options.declares else ()
        ),
    )  # fmt: skip


def _say_unusable_names(file: DataFile) -> None:
    """Report the columns that a filter cannot reference, each with an option to rename it."""
    for theirs, ours in zip(file.header, file.schema.names, strict=True):
        if not is_name(ours):
            proposed = re.sub(r"\W+", "_", ours, flags=re.ASCII).strip("_") or "NAME"
            progress.say(
                f"{file.name}: filters cannot name the column {theirs!r}. "
                f"Rename it with `--map {shlex.quote(f'{theirs}={proposed}')}`"
            )


def _take(
    source: Input, file: MetadataFile[R], store: RowStore[R], deployment: Deployment, *, now_ms: int
) -> FileSummary:
    journal = Journal(
        deployment.client("s3"),
        deployment.names.artefact_bucket,
        name_of_rows(file.kind.list_field, source.file.source.content_id()),
        options={"columns": source.file.schema.names, "types": dict(file.types), **source.file.form.differences},
        now_ms=now_ms,
        read_only=source.dry_run,
    )
    imported, began = 0, time.monotonic()

    def clock_ms() -> int:
        return now_ms + round((time.monotonic() - began) * 1000)

    with source.importing() as (step, rejected), journal.saving():
        for chunk in source.chunks(step, rows=CHUNK_ROWS, stored="the rows before are stored"):
            rows, bad, reasons = file.check(chunk)
            rejected.add(chunk, bad, reasons)
            if source.dry_run or journal.counted(f"chunk {chunk.index}") is not None:
                imported += len(rows)
            else:
                for count in put_rows(rows, file.kind, store, clock_ms=clock_ms):
                    imported += count
                    step.note(progress.counted(imported, "row"))
                journal.record(f"chunk {chunk.index}", len(rows))
            step.note(progress.counted(imported, "row"))
    journal.forget()  # The table may change later, so a repeated import of the same file must write all rows.
    return source.summary(imported, rejected)
