from alsolike.declarations import storage
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
        below("lake", WRITE, storage.ITEM_CHANGES_PREFIX, storage.USER_CHANGES_PREFIX),
        below("artefacts", (*READ, *WRITE, "s3:AbortMultipartUpload", *DELETE), storage.SEGMENTS_PREFIX),
        Access("artefacts", READ + WRITE, keys=(storage.SNAPSHOT_KEY,)),
        Access("artefacts", READ, keys=(storage.CHAMPION_KEY, storage.OWN_NAMES_KEY)),
        Access(
            "artefacts",
            READ,
            keys=(f"{storage.MODELS_PREFIX}*/content.tensors",),
            reason="Any version may become the champion",
        ),
        *CONFIGURATION,
        *TOMBSTONES,
    ),
)
