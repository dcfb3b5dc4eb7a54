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
from alsolike.declarations.storage import (
    ATTRIBUTION_PREFIX,
    ENGAGEMENT_PREFIX,
    INTERACTIONS_PREFIX,
    OUTCOMES_PREFIX,
    SERVED_PREFIX,
    USER_CHANGES_PREFIX,
)

_DAYS = "Object names contain the day and the source"

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
        below("lake", READ, SERVED_PREFIX, INTERACTIONS_PREFIX, reason=_DAYS),
        below("lake", READ + WRITE + DELETE, OUTCOMES_PREFIX, reason=_DAYS),
        below("lake", WRITE, ENGAGEMENT_PREFIX, reason=_DAYS),
        below("lake", READ + WRITE, ATTRIBUTION_PREFIX, reason=_DAYS),
        below("lake", READ, USER_CHANGES_PREFIX, reason="Changes of users are named after their time and content"),
        Access("recommend_parameter", ("ssm:GetParameter",)),
        Access("recommend_function", ("lambda:InvokeFunction",), needs_function=True),
        *CONFIGURATION,
        *SNAPSHOT,
        HASH_KEY,
    ),
)
