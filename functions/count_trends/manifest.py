from alsolike.declarations.manifest import CONFIGURATION, READ, TOMBSTONES, WRITE, EventStream, Manifest, below
from alsolike.declarations.storage import TRENDS_PREFIX

MANIFEST = Manifest(
    description="Counts recent interactions per item for trends",
    layers=("core", "onnx_runtime"),  # The layer onnx_runtime provides numpy.
    memory_mb=512,
    timeout_s=60,
    reserved="reserved_consumers",
    single_threaded=True,
    # Lambda's maximum batch size. Each batch writes its shard's object once.
    trigger=EventStream(batch_size=10_000, window_s="trends_window_s", retries="update_retries"),
    access=(
        *TOMBSTONES,
        *CONFIGURATION,
        below("artefacts", READ + WRITE, TRENDS_PREFIX),
    ),
)
