"""Request of an erasure. The call stops the use of the user's data and starts the workflow that deletes it."""

from __future__ import annotations

import dataclasses

import orjson

from alsolike.declarations.storage import FORWARDED_ERASURES_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import profile_id
from alsolike.privacy.erasures import ErasureReceipt, ErasureReceiptStore, erasure_id, pending_key
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.privacy.tombstones import add_tombstone, long_key
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import S3Client, StepFunctionsClient
from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.runtime.s3 import S3Object

MAX_RUNS = 1_000
ENDED_AFTER_MS = DAY_MS
"""Age of a completed receipt in milliseconds after which a repeated erasure does not try the name of the ended run.

Step Functions rejects the name of an ended execution only for 90 days. After that, the old name would start a run
without a pending erasure."""


@dataclasses.dataclass(frozen=True, slots=True)
class Erasing:
    s3: S3Client
    states: StepFunctionsClient
    bucket: str
    state_machine_arn: str
    profiles: ProfileStore
    pseudonyms: Pseudonyms


def erase_user(user_id: str, *, erasing: Erasing, now_ms: int) -> ErasureReceipt:
    """Stop the use of a user's data and start its deletion. Return the current receipt.

    While the workflow runs, a repeated call starts no second run. After the workflow has ended, a repeated call starts
    another run. `user_id` is the stored ID. Raise `Unavailable` if a step fails, for example because a service does not
    respond. Completed steps are kept, so the call can be repeated.
    """
    user_hash = erasing.pseudonyms.erased_user(user_id)
    erasure = erasure_id(erasing.pseudonyms, user_id)
    try:
        requested_at_ms = add_tombstone(erasing.s3, erasing.bucket, user_hash, now_ms=now_ms)
        further_hashes = _further_hashes(erasing.pseudonyms, user_id)
        for further_hash in further_hashes:
            add_tombstone(erasing.s3, erasing.bucket, further_hash, now_ms=now_ms)
    except ConcurrentUpdate as error:
        raise Unavailable(f"{error}; repeat the request") from error
    erasing.profiles.erase(profile_id(user_id=user_id, session_id=None), now_ms=now_ms)
    receipts = ErasureReceiptStore(erasing.s3, erasing.bucket)
    for _ in range(MAX_RUNS):
        receipt = receipts.find(erasure) or ErasureReceipt(erasure, user_hash, requested_at_ms)
        ended = receipt.completed_at_ms is not None and now_ms - receipt.completed_at_ms > ENDED_AFTER_MS
        if receipt.runs and not ended and _ensure_running(erasing, erasure, run=receipt.runs):
            return receipt
        # Write the receipt before the run starts, because the run completes the receipt.
        _remember(erasing, erasure, user_id=user_id, requested_at_ms=requested_at_ms)
        started = dataclasses.replace(receipt, runs=receipt.runs + 1, completed_at_ms=None)
        receipts.write(dataclasses.replace(started, further_hashes=further_hashes))
    raise Unavailable(f"erasure {erasure} was started {MAX_RUNS} times")


def forward(user_id: str, *, erasing: Erasing, region: str, now_ms: int) -> None:
    """Write an erasure request, which S3 replicates to the other region, even after an outage of days.

    `region` is the region of this function, which ignores its own requests.
    """
    key = f"{FORWARDED_ERASURES_PREFIX}{erasure_id(erasing.pseudonyms, user_id)}-{now_ms}.json"
    S3Object(erasing.s3, erasing.bucket, key).write(orjson.dumps({"user_id": user_id, "region": region}))


def repeat(key: str, *, erasing: Erasing, region: str, now_ms: int) -> ErasureReceipt | None:
    """Erase the user of a request that the other region wrote.

    Return None if the request is from this region or has expired.
    """
    stored = S3Object(erasing.s3, erasing.bucket, key).read()
    if stored is None:  # The object has expired.
        return None
    request = orjson.loads(stored.body)
    if request["region"] == region:
        return None
    return erase_user(request["user_id"], erasing=erasing, now_ms=now_ms)


def _further_hashes(pseudonyms: Pseudonyms, user_id: str) -> tuple[str, ...]:
    """Return the user's hash in the recommendation log, and the hash of a long ID's partition key."""
    key = long_key(profile_id(user_id=user_id, session_id=None))
    return pseudonyms.shopper(user_id), *(() if key is None else (pseudonyms.erased_user(key),))


def _remember(erasing: Erasing, erasure: str, *, user_id: str, requested_at_ms: int) -> None:
    """Store the user ID for the workflow. An existing object is kept, because it contains the workflow's progress."""
    pending = {"user_id": user_id, "requested_at_ms": requested_at_ms}
    S3Object(erasing.s3, erasing.bucket, pending_key(erasure)).create(orjson.dumps(pending))


def _ensure_running(erasing: Erasing, erasure: str, *, run: int) -> bool:
    """Start a run of the workflow unless it is active. Return false if the run has already ended."""
    try:
        with translate_aws_errors("the erasure's workflow does not start"):
            erasing.states.start_execution(
                stateMachineArn=erasing.state_machine_arn,
                name=f"{erasure}-{run}",
                input=orjson.dumps({"erasure_id": erasure}).decode(),
            )
    except Unavailable as error:
        if error.code == "ExecutionAlreadyExists":
            return False
        raise
    return True
