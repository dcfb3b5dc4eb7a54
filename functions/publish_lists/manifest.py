from alsolike.declarations.manifest import (
    CONFIGURATION,
    DELETE,
    LIST,
    READ,
    SNAPSHOT,
    WRITE,
    Access,
    Manifest,
    Schedule,
    below,
)
from alsolike.declarations.storage import CHAMPION_KEY, LISTS_PREFIX, MODELS_PREFIX, OWN_NAMES_KEY, TRENDS_PREFIX

MANIFEST = Manifest(
    description="Publishes the champion's public lists as static files",
    layers=("core", "onnx_runtime"),  # Provides numpy.
    memory_mb=2_048,
    storage_mb=2_048,
    timeout_s=600,
    single_threaded=True,
    trigger=Schedule(
        setting="static_lists_schedule", purpose="publish static lists with trends", retries=2, max_age_minutes=60
    ),
    access=(
        *CONFIGURATION,
        *SNAPSHOT,
        Access("artefacts", READ, keys=(CHAMPION_KEY, OWN_NAMES_KEY)),
        Access(
            "artefacts",
            READ,
            keys=tuple(
                f"{MODELS_PREFIX}*/{name}" for name in ("manifest.json", "public.tensors", "ids.off.npy", "ids.blob")
            ),
            reason="Any version may become the champion",
        ),
        below("artefacts", READ, TRENDS_PREFIX, reason="Each shard of the stream has an object"),
        below(
            "pages",
            (*READ, *WRITE, *DELETE),
            LISTS_PREFIX,
            reason="Files are named after their contents; those that no page reads any more are deleted",
        ),
        Access("pages", LIST),
    ),
)
