from alsolike.declarations import storage
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
    below,
)

MANIFEST = Manifest(
    description="Attributes events to recommendations, sums up outcomes and a holdout, and forecasts drafts",
    layers=("core", "pandas"),
    packages=("day_replay", "experiments", "explanation", "forecast", "progress.py", "recovery"),
    memory_mb="lake_memory_mb",
    storage_mb=10_240,
    timeout_s=900,
    variables={"window_days": "attribution_window_days"},
    trigger=Schedule(
        setting="attribution_schedule",
        purpose="attribute events to recommendations",
        retries=0,
        max_age_minutes=15,
    ),
    access=(
        Access("lake", LIST),
        below("lake", READ, storage.SERVED_PREFIX, storage.INTERACTIONS_PREFIX),
        below("lake", READ + WRITE + DELETE, storage.OUTCOMES_PREFIX),
        below("lake", WRITE, storage.ENGAGEMENT_PREFIX),
        below("lake", READ + WRITE, storage.ATTRIBUTION_PREFIX),
        below("lake", READ, storage.USER_CHANGES_PREFIX),
        Access("recommend_parameter", ("ssm:GetParameter",)),
        Access("recommend_function", ("lambda:InvokeFunction",), needs_function=True),
        *CONFIGURATION,
        *SNAPSHOT,
        HASH_KEY,
    ),
)
