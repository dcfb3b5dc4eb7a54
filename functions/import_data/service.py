"""Import job, which imports files of interactions, items, users, actions or action interactions."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from alsolike.privacy.tombstones import TombstoneReader
from alsolike.runtime.errors import InvalidInput
from functions.import_data.quarantine import quarantine_rows
from operations.client.deployment import Deployment
from operations.client.stored_ids import pseudonyms
from operations.ingest.inputs import Options
from operations.ingest.load_actions import import_actions
from operations.ingest.load_interactions import import_interactions
from operations.ingest.load_metadata import import_items, import_users
from operations.ingest.summary import ImportSummary

DEFAULT_EVENT_TYPE = "view"

_SHOWN_REASONS = 3
_IMPORTS: Mapping[str, Callable[..., ImportSummary]] = {
    "INTERACTIONS": functools.partial(import_interactions, default_event_type=DEFAULT_EVENT_TYPE),
    "ITEMS": import_items,
    "USERS": import_users,
    "ACTIONS": import_actions,
    "ACTION_INTERACTIONS": functools.partial(import_interactions, default_event_type=DEFAULT_EVENT_TYPE, actions=True),
}


def import_dataset(job: str, dataset: str, location: str, where: Deployment, *, now_ms: int) -> dict[str, Any]:
    """Import the files at a location on S3. Return the number of rows by result, and the most frequent `reasons`.

    A repeated call continues an interrupted import, and files that were imported before are skipped. The first rejected
    rows of a file are quarantined. Pseudonymised deployments quarantine no rows, because the rows contain original IDs.
    The location is `s3://bucket/key`, or a prefix that ends with a slash. Raise `InvalidInput` if a file does not have
    the type of the dataset, or there are no valid rows.
    """
    summary = _IMPORTS[dataset]([location], where, now_ms=now_ms, options=Options(is_personalize=True))
    quarantined = _quarantined(job, summary, where, now_ms=now_ms)
    for file in summary.files:
        if file.rejected_file is not None:  # Lambda keeps the disk for later calls.
            Path(file.rejected_file).unlink(missing_ok=True)
    stored = summary.imported + summary.imported_before
    rows_by_reason: Counter[str] = Counter()
    for file in summary.files:
        rows_by_reason.update(file.rejected)
    reasons = "; ".join(f"{reason} ({rows:,})" for reason, rows in rows_by_reason.most_common(_SHOWN_REASONS))
    if not stored:
        raise InvalidInput(f"{location} has no valid row: {reasons or 'it is empty'}")
    return {"imported": stored, "rejected": summary.rejected, "quarantined": quarantined, "reasons": reasons}


def _quarantined(job: str, summary: ImportSummary, where: Deployment, *, now_ms: int) -> int:
    if where.names.pseudonymise_ids == "1" or not summary.rejected:
        return 0
    s3 = where.client("s3")
    tombstones = TombstoneReader(s3, where.names.artefact_bucket, lambda: pseudonyms(where))
    return sum(
        quarantine_rows(
            file,
            job=job,
            client=s3,
            bucket=where.names.lake_bucket,
            erased=functools.partial(tombstones.erased, now_ms=now_ms),
            now_ms=now_ms,
        )
        for file in summary.files
    )
