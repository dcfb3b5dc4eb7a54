"""Limits of API calls, such as page sizes, number of results and lengths, and of files on the disk of `recommend`.

`defaults` has the values that apply if a call states none. Sizes are in bytes, lengths in characters, unless the name
ends in another unit.
"""

MAX_ID_CHARACTERS = 256
MAX_QUERY_CHARACTERS = 1_000
MAX_RECOMMENDATION_ID_CHARACTERS = 40
MAX_FILTER_CHARACTERS = 2_500
MAX_FILTER_PARAMETERS = 25
MAX_FILTER_PARAMETER_CHARACTERS = 50

MAX_EVENTS_BODY_BYTES = 1_000_000
MAX_EVENTS_PER_CALL = 10
MAX_ACTION_INTERACTIONS_PER_CALL = 10
MAX_EVENT_PROPERTIES_CHARACTERS = 1_024
MAX_RECORD_PROPERTIES_CHARACTERS = 16_384
"""Maximum length of an event's properties on the stream. It exceeds the limit of a call, because serialisation can
lengthen numbers (1e15 becomes 16 digits) and attribution is added.
"""
MAX_ATTRIBUTION_CHARACTERS = 1_024
MAX_IMPRESSION_ITEMS = 25
MAX_EVENT_VALUE = 1e9
"""Maximum absolute value of an event. Floating-point sums of such values are sufficiently precise."""

MAX_ROWS_BODY_BYTES = 4_000_000
MAX_ROWS_PER_CALL = 10
"""Maximum number of items, users or actions in a put call."""
MAX_ITEM_PROPERTIES_CHARACTERS = 32_000
MAX_ITEM_COLUMNS = 100
MAX_USER_PROPERTIES_CHARACTERS = 24_000
MAX_USER_COLUMNS = 25
MAX_ACTION_PROPERTIES_CHARACTERS = 32_000
MAX_ACTION_COLUMNS = 20
MAX_ACTIONS = 1_000
"""Maximum number of actions, as in Amazon Personalize."""

MAX_REQUEST_BODY_BYTES = 512_000
"""Maximum size of a request for recommendations. 500 IDs of 256 characters with four bytes each take 512 KB."""
MAX_RESULTS = 500
MAX_RESULTS_WITH_METADATA = 50
MAX_ACTION_RESULTS = 100
MAX_METADATA_COLUMNS = 10
MAX_COLUMN_CHARACTERS = 150
MAX_FILTER_VALUE_CHARACTERS = 1_000
MAX_EXCLUDED = 500
MAX_EXCLUDED_IN_QUERY = 100
"""Maximum number of excluded items in a query string. API Gateway limits request line and headers to 10 KB."""
MAX_CART_ITEMS = 50
MAX_BATCH_USERS = 1_000

MAX_PAGE_SIZE = 1_000

MAX_OPERATOR_BODY_BYTES = 512 << 10
"""Maximum size of an operator's request, which can contain all rules and filters of a configuration."""
MAX_CONTROL_PLANE_BODY_BYTES = 200_000
MAX_TOKEN_REQUEST_BODY_BYTES = 1_000
MAX_TRAFFIC_MINUTES = 15 * 24 * 60
"""Maximum length of a period of traffic. CloudWatch keeps values per minute for 15 days."""
MAX_ENGAGEMENT_DAYS = 90
MAX_LISTED_MODELS = 100
MAX_LISTED_TRAININGS = 50
MAX_LISTED_RULE_CHANGES = 50
MAX_REASON_CHARACTERS = 500
MAX_CLIENT_TOKEN_CHARACTERS = 64

SNAP_START_STORAGE_MB = 512
"""Maximum size of a function's folder /tmp with SnapStart."""


def bundle_limit_mb(storage_mb: int = SNAP_START_STORAGE_MB) -> int:
    """Return the maximum size of a model bundle in MB for a folder /tmp of `storage_mb`, rounded down to 50 MB.

    `recommend` stores two bundles while it replaces one. 10% of /tmp remain free. Bundles can use two thirds of the
    other space, and catalogue snapshots one third.
    """
    return storage_mb * 9 // 10 * 2 // 3 // 2 // 50 * 50


def snapshot_limit_mb(storage_mb: int = SNAP_START_STORAGE_MB) -> int:
    """Return the maximum size of a catalogue snapshot in MB for a folder /tmp of `storage_mb`, rounded down to 10 MB.

    `recommend` stores two snapshots while it replaces one. `bundle_limit_mb` describes the division of /tmp.
    """
    return storage_mb * 9 // 10 // 3 // 2 // 10 * 10
