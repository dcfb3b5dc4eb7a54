from alsolike.declarations.manifest import HASH_KEY, LIST, READ, SIGNING_KEYS, Access, Manifest, below
from alsolike.declarations.storage import ERASURE_RECEIPTS_PREFIX, INTERACTIONS_PREFIX, QUARANTINE_PREFIX, SERVED_PREFIX

MANIFEST = Manifest(
    description="Returns all stored data about a user",
    layers=("core", "pandas"),
    memory_mb=3_008,
    timeout_s=29,  # The API waits 30 s.
    reserved="reserved_operators",
    access=(
        *SIGNING_KEYS,
        Access("lake", LIST),
        Access("artefacts", LIST),
        below("lake", READ, INTERACTIONS_PREFIX, SERVED_PREFIX, QUARANTINE_PREFIX),
        below("artefacts", READ, ERASURE_RECEIPTS_PREFIX),
        Access("profiles", ("dynamodb:Query", "dynamodb:BatchGetItem", "dynamodb:GetItem")),
        # Stores the export's state between two pages.
        Access("profiles", ("dynamodb:PutItem",), attributes=("profile_id", "sort_key", "sessions", "expires_at")),
        Access("users", ("dynamodb:GetItem",)),
        HASH_KEY,
    ),
)
