"""Reasons of degraded responses.

`PolledValue` also returns `stale-<name>` and `no-<name>` for the other values that it reads, such as trends.
"""

NO_MODEL, STALE_MODEL = "no-model", "stale-model"
NO_CONFIGURATION, NO_CATALOGUE = "no-configuration", "no-catalogue"
PROFILE_UNAVAILABLE = "profile-unavailable"
USER_UNAVAILABLE = "user-unavailable"
IMPRESSIONS_UNAVAILABLE = "impressions-unavailable"

# The model of an experiment's arm or of a canary is not loaded.
ARM_MODEL_UNAVAILABLE = "arm-model-unavailable"
MODEL_FAILED, MODEL_SLOW = "model-failed", "model-slow"

# Actions have their average rates instead of the user's propensities.
ACTION_RATES = "action-rates"
