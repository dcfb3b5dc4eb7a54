"""Purge of a user. Each pass searches all stores, until a pass finds no data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Literal

from alsolike.declarations.tables import OUTCOMES_TABLE, SERVED_TABLE
from alsolike.events.interactions import profile_id
from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore, Purged
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import add_session_tombstones, long_key
from alsolike.runtime.client_protocols import DynamoDbClient, S3Client
from alsolike.runtime.errors import ConcurrentUpdate
from functions.purge_user.datasets import purge_datasets
from functions.purge_user.deployment import Deployment
from functions.purge_user.documents import (
    USER_CHANGES,
    find_sessions,
    purge_failed_batches,
    purge_quarantine,
    purge_user_changes,
)
from functions.purge_user.dynamodb_rows import PROFILES, USERS, find_joined_sessions, purge_profiles, purge_user_row
from functions.purge_user.expiry import expiring, trained_models
from functions.purge_user.lake_rows import STORE as LAKE
from functions.purge_user.lake_rows import find_logins, find_rivals, purge_session_rows, purge_user_rows
from functions.purge_user.progress import Progress, ProgressStore
from functions.purge_user.purge_context import DATASETS, FAILED_BATCHES, QUARANTINE, PurgeContext
from functions.purge_user.served_rows import purge_outcomes, purge_served

Outcome = Literal["more", "again", "done"]
"""State after a call: more work in this pass, another pass is required, or finished."""

SESSIONS = "sessions"


def stop_sessions(work: PurgeContext) -> Iterator[None]:
    """Write tombstones of the user's sessions, so that later events and responses are not stored.

    New tombstones count as hits, so that another pass follows after all processes have read the tombstones.
    """
    new = sorted(set(work.progress.own_sessions()).difference(work.progress.stopped_sessions))
    work.progress.stopped_sessions += new
    if new:
        work.record(SESSIONS, {work.pseudonyms.shopper(session): 1 for session in new})
    if work.progress.stopped_sessions:
        add_session_tombstones(work.s3, work.places.artefact_bucket, _session_hashes(work), now_ms=work.clock_ms())
    return iter(())


def _session_hashes(work: PurgeContext) -> tuple[str, ...]:
    """Return the hashes of stopped sessions, and of the partition keys of sessions with long IDs."""
    sessions = work.progress.stopped_sessions
    keys = [long_key(profile_id(user_id=None, session_id=session)) for session in sessions]
    return tuple(work.pseudonyms.shopper(name) for name in (*sessions, *keys) if name is not None)


STEPS: tuple[Callable[[PurgeContext], Iterator[None]], ...] = (
    find_logins,
    find_joined_sessions,
    find_sessions,
    find_rivals,
    stop_sessions,
    purge_session_rows,
    purge_served,
    purge_outcomes,
    purge_profiles,
    purge_user_row,
    purge_user_changes,
    purge_quarantine,
    purge_failed_batches,
    purge_datasets,
    purge_user_rows,
)
"""Steps of a pass, in order. A step yields between objects, so that `purge` can stop there. Logins are removed after
the rows of their sessions, because logins identify the sessions."""

STORES = {
    SESSIONS: "sessions of the user: their later events and responses without a user are not stored",
    PROFILES: "live profiles of the user and of sessions that joined it: deleted",
    USERS: "columns of the user: deleted",
    LAKE: "interactions: objects rewritten without the user's rows",
    SERVED_TABLE: "recommendation log: objects rewritten without the user's rows",
    OUTCOMES_TABLE: "outcomes: objects rewritten without the user's rows",
    USER_CHANGES: "change log of users: objects rewritten without the user's rows",
    QUARANTINE: "quarantined records of the user, and those in which no user can be read: deleted",
    FAILED_BATCHES: "batches that failed after all retries: rewritten without the user's and unreadable records",
    DATASETS: "training datasets: files rewritten without the user's rows",
}
RESERVE_MS = 60_000
"""Time in milliseconds for one more object and the response, reserved at the end of a call."""

MAX_PASSES = 20


def purge(
    erasure_id: str,
    *,
    s3: S3Client,
    dynamodb: DynamoDbClient,
    places: Deployment,
    pseudonyms: Pseudonyms,
    clock_ms: Callable[[], int],
    remaining_ms: Callable[[], float],
) -> Outcome:
    """Continue an erasure until the pass or the time ends.

    Raise `ConcurrentUpdate` if each of `MAX_PASSES` passes found new data. Another writer then probably restores the
    user.
    """
    receipts = ErasureReceiptStore(s3, places.artefact_bucket)
    receipt = receipts.read(erasure_id)
    store = ProgressStore(s3, places.artefact_bucket, erasure_id)
    progress = store.load()
    if progress is None or receipt.completed_at_ms is not None:
        store.forget()  # The call that finished the erasure may have been interrupted before or during the deletion.
        return "done"
    work = PurgeContext(s3, dynamodb, places, progress, store, clock_ms, pseudonyms)
    while progress.step < len(STEPS):
        for _ in STEPS[progress.step](work):
            if remaining_ms() < RESERVE_MS:
                store.save(progress)
                return "more"
        progress.step += 1
        work.advance({})
        store.save(progress)
    progress.passes += 1
    if progress.found:
        if progress.passes >= MAX_PASSES:
            raise ConcurrentUpdate(f"erasure {erasure_id}: {MAX_PASSES} passes each found the user in a store")
        progress.begin_pass()
        store.save(progress)
        return "again"
    receipts.write(_completed(receipt, work))
    store.forget()
    return "done"


def _completed(receipt: ErasureReceipt, work: PurgeContext) -> ErasureReceipt:
    now_ms, progress = work.clock_ms(), work.progress
    return dataclasses.replace(
        receipt,
        completed_at_ms=now_ms,
        session_hashes=tuple(dict.fromkeys((*receipt.session_hashes, *_session_hashes(work)))),
        purged=tuple(_purged(receipt, progress, store, now_ms=now_ms) for store in STORES),
        expiring=expiring(work.places, requested_at_ms=receipt.requested_at_ms, completed_at_ms=now_ms),
        models=trained_models(
            work.s3,
            work.places,
            datasets=[*progress.datasets, *(m.version for m in receipt.models if m.trained_with_user == "yes")],
            requested_at_ms=receipt.requested_at_ms,
        ),
    )


def _purged(receipt: ErasureReceipt, progress: Progress, store: str, *, now_ms: int) -> Purged:
    """Return the findings of this run and of earlier runs in a store."""
    earlier = next((purged for purged in receipt.purged if purged.store == store), None)
    objects, records, at_ms = progress.purged.get(store, [0, 0, earlier.at_ms if earlier else now_ms])
    if earlier is not None:
        objects, records = objects + earlier.objects, records + earlier.records
    return Purged(store, STORES[store], objects, records, at_ms)
