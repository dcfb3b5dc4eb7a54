from alsolike.declarations.manifest import (
    CONFIGURATION,
    DELETE,
    READ,
    TOMBSTONES,
    WRITE,
    Access,
    Manifest,
    TableChanges,
    below,
)
from alsolike.declarations.storage import (
    CHAMPION_KEY,
    ITEM_CHANGES_PREFIX,
    MODELS_PREFIX,
    OWN_NAMES_KEY,
    SEGMENTS_PREFIX,
    SNAPSHOT_KEY,
    USER_CHANGES_PREFIX,
)

MANIFEST = Manifest(
    description="Publishes item changes to the catalogue snapshot, and logs changes of items and users",
    layers=("core", "onnx_runtime"),  # The layer onnx_runtime provides numpy.
    optional_layers={"sentence_model": "sentences"},
    # A merge of a million items keeps two copies in memory: 0.6 GB with the libraries.
    memory_mb=2_048,
    storage_mb=2_048,
    timeout_s=600,
    single_threaded=True,
    trigger=TableChanges(tables=("catalogue", "users"), batch_size=10_000, window_s="publish_window_s"),
    access=(
        below(
            "lake",
            WRITE,
            ITEM_CHANGES_PREFIX,
            USER_CHANGES_PREFIX,
            reason="Objects are named after their day and sequence numbers",
        ),
        below(
            "artefacts",
            (*READ, *WRITE, "s3:AbortMultipartUpload", *DELETE),
            SEGMENTS_PREFIX,
            reason="Segments are named after their contents; merged segments are deleted",
        ),
        Access("artefacts", READ + WRITE, keys=(SNAPSHOT_KEY,)),
        Access("artefacts", READ, keys=(CHAMPION_KEY, OWN_NAMES_KEY)),
        Access(
            "artefacts",
            READ,
            keys=(f"{MODELS_PREFIX}*/content.tensors",),
            reason="Any version may become the champion",
        ),
        *CONFIGURATION,
        *TOMBSTONES,
    ),
)
