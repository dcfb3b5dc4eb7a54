from alsolike.declarations.manifest import CONFIGURATION, READ, SIGNING_KEYS, TOMBSTONES, WRITE, Access, Manifest
from alsolike.declarations.storage import ACTIONS_KEY

_ROWS = ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Scan")

MANIFEST = Manifest(
    description="Stores events, items and users from the API, and returns and changes items and users",
    memory_mb=512,
    timeout_s=20,
    starts_fast=True,
    reserved="reserved_collect",
    access=(
        *SIGNING_KEYS,
        *TOMBSTONES,
        Access("stream", ("kinesis:PutRecords",)),
        Access("catalogue", _ROWS),
        Access("users", _ROWS),
        Access("artefacts", READ + WRITE, keys=(ACTIONS_KEY,)),
        *CONFIGURATION,
    ),
)
