"""Import of action files into the S3 object that contains all actions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from alsolike.catalogue.actions import ACTIONS, EXPIRES, REPEAT_DAYS, VALUE, Action, ActionStore
from alsolike.configuration.columns import CREATED, as_declared, column_name
from alsolike.configuration.configuration import ColumnType
from operations.client.deployment import Deployment
from operations.ingest.arrow import leave_pandas_out
from operations.ingest.column_inference import infer
from operations.ingest.inputs import DEFAULTS, Options, open_inputs
from operations.ingest.load_metadata import CHUNK_ROWS
from operations.ingest.metadata_checks import open_metadata
from operations.ingest.summary import FileSummary, ImportSummary

_COLUMNS = {
    VALUE: ColumnType.NUMBER,
    EXPIRES: ColumnType.TIMESTAMP,
    REPEAT_DAYS: ColumnType.NUMBER,
    CREATED: ColumnType.TIMESTAMP,
}


def import_actions(
    names: Sequence[str | Path], deployment: Deployment, *, now_ms: int, options: Options = DEFAULTS
) -> ImportSummary:
    """Import actions. Stored actions with the same IDs are replaced, and the last row of an ID counts.

    One write stores all files, so a repeated import needs no journal.
    """
    started = time.monotonic()
    leave_pandas_out()
    inputs = open_inputs(names, deployment, options)
    for source in inputs:
        open_metadata(source.file, ACTIONS, columns=_COLUMNS)  # Check the columns of all files before reading rows.
    own = infer([source.file for source in inputs], without=(column_name(ACTIONS.key.upper()), *_COLUMNS))
    actions: dict[str, Action] = {}
    summaries: list[FileSummary] = []
    for source in inputs:
        file = open_metadata(source.file, ACTIONS, columns={**_COLUMNS, **own})
        imported = 0
        with source.importing() as (step, rejected):
            for chunk in source.file.chunks(rows=CHUNK_ROWS, on_bytes=step.reach):
                rows, bad, reasons = file.check(chunk)
                rejected.add(chunk, bad, reasons)
                for action in rows:
                    actions[action.action_id] = Action(action.action_id, as_declared(action.properties, own))
                imported += len(rows)
        summaries.append(source.summary(imported, rejected))
    if actions and not options.dry_run:
        store = ActionStore(deployment.client("s3"), deployment.names.artefact_bucket)
        store.put(actions.values(), now_ms=now_ms)
    return ImportSummary(tuple(summaries), 0, 0, 0, time.monotonic() - started, dry_run=options.dry_run)
