from alsolike.declarations.manifest import HASH_KEY, LIST, READ, SIGNING_KEYS, WRITE, Access, Manifest, below
from alsolike.declarations.storage import (
    ERASURE_RECEIPTS_PREFIX,
    FORWARDED_ERASURES_PREFIX,
    PENDING_ERASURES_PREFIX,
    TOMBSTONES_KEY,
)

_EACH = "The objects are named after erasures, datasets and batches"

MANIFEST = Manifest(
    description="Stops using a user's data, and starts its removal",
    memory_mb=512,
    timeout_s=29,  # The API waits 30 s.
    reserved="reserved_operators",
    access=(
        *SIGNING_KEYS,
        Access("artefacts", LIST),
        Access("artefacts", READ + WRITE, keys=(TOMBSTONES_KEY,)),
        below("artefacts", WRITE, PENDING_ERASURES_PREFIX, reason=_EACH),
        below("artefacts", READ + WRITE, ERASURE_RECEIPTS_PREFIX, reason=_EACH),
        Access("profiles", ("dynamodb:BatchWriteItem",)),
        Access("state_machine_arn", ("states:StartExecution",)),
        HASH_KEY,
        Access(
            "artefacts",
            READ + WRITE,
            keys=(f"{FORWARDED_ERASURES_PREFIX}*",),
            reason="Forwarded erasures are named after erasures and times",
            needs_function=True,  # Granted only in deployments with two regions.
        ),
    ),
)
