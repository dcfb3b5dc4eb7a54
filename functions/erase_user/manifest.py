from alsolike.declarations import storage
from alsolike.declarations.manifest import HASH_KEY, LIST, READ, SIGNING_KEYS, WRITE, Access, Manifest, below

MANIFEST = Manifest(
    description="Stops using a user's data, and starts its removal",
    memory_mb=512,
    timeout_s=29,  # The API waits 30 s.
    reserved="reserved_operators",
    access=(
        *SIGNING_KEYS,
        Access("artefacts", LIST),
        Access("artefacts", READ + WRITE, keys=(storage.TOMBSTONES_KEY,)),
        below("artefacts", WRITE, storage.PENDING_ERASURES_PREFIX),
        below("artefacts", READ + WRITE, storage.ERASURE_RECEIPTS_PREFIX),
        Access("profiles", ("dynamodb:BatchWriteItem",)),
        Access("state_machine_arn", ("states:StartExecution",)),
        HASH_KEY,
        # Granted only in deployments with two regions.
        below("artefacts", READ + WRITE, storage.FORWARDED_ERASURES_PREFIX, needs_function=True),
    ),
)
