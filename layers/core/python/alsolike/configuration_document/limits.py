"""Limits of values in a configuration document."""

MAX_WEIGHT = 100
"""Maximum absolute weight of an event type."""
MAX_ALIASES = 50
"""Maximum number of aliases of an event type."""
MAX_CONTEXT_COLUMNS = 5
MAX_ORIGINS = 50
"""Maximum number of origins of a site."""
MAX_FATIGUE, MAX_HALF_LIFE_HOURS = 5, 720

MAX_RULES = 100
"""Maximum number of rules of each type in a rule set, except pins."""
MAX_FACTOR = 100
MAX_SPREAD = 1_000
MAX_NEW_FOR_DAYS = 3_650
MAX_ALIKE_COLUMNS = 10

MAX_ARMS_PER_EXPERIMENT = 20
MAX_MODELS = 2
"""Maximum number of model versions in concurrent experiments. Each version is loaded in addition to the champion."""
MAX_RESPONSES = 10**12
