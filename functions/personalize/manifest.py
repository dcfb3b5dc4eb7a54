"""Manifest of personalize."""

from alsolike.declarations.manifest import SIGNING_KEYS, Access, Manifest

MANIFEST = Manifest(
    description="Answers operations of Amazon Personalize's control plane",
    memory_mb=512,
    timeout_s=20,
    access=(
        *SIGNING_KEYS,
        Access("resources", tuple(f"dynamodb:{call}" for call in ("GetItem", "PutItem", "UpdateItem", "Scan"))),
    ),
)
