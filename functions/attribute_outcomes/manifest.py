from alsolike.declarations.manifest import (
    CONFIGURATION,
    DELETE,
    HASH_KEY,
    LIST,
    READ,
    SNAPSHOT,
    WRITE,
    Access,
    Manifest,
    Schedule,
)
from alsolike.declarations.storage import (
    ATTRIBUTION_PREFIX,
    ENGAGEMENT_PREFIX,
    INTERACTIONS_PREFIX,
    OUTCOMES_PREFIX,
    SERVED_PREFIX,
)

_DAYS = "Object names contain the day and the source"

MANIFEST = Manifest(
    description="Attributes events to recommendations, and sums up the outcomes per day and the effect of a holdout",
    layers=("core", "pandas"),
    packages=("experiments", "recovery"),
    memory_mb="lake_memory_mb",
    storage_mb=10_240,
    timeout_s=900,
    variables={"window_days": "attribution_window_days"},
    # The next call continues after a failed one.
    trigger=Schedule(
        setting="attribution_schedule",
        purpose="attribute events to recommendations",
        retries=0,
        max_age_minutes=15,
    ),
    access=(
        Access("lake", LIST),
        Access("lake", READ, keys=(f"{SERVED_PREFIX}*", f"{INTERACTIONS_PREFIX}*"), reason=_DAYS),
        Access("lake", READ + WRITE + DELETE, keys=(f"{OUTCOMES_PREFIX}*",), reason=_DAYS),
        Access("lake", WRITE, keys=(f"{ENGAGEMENT_PREFIX}*",), reason=_DAYS),
        Access("lake", READ + WRITE, keys=(f"{ATTRIBUTION_PREFIX}*",), reason=_DAYS),
        *CONFIGURATION,
        *SNAPSHOT,
        HASH_KEY,
    ),
)
