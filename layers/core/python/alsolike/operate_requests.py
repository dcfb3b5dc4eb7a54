"""What the operator's routes that act take, declared once."""

from __future__ import annotations

from alsolike.fields import Fields, Flag, Text, Whole
from alsolike.model_promotion import MAX_REASON

MOST_VERSIONS, USUAL_VERSIONS = 100, 50

_ETAG = Text(256, about="Of the champion pointer as it was seen; where it is another one by now the answer is 409.")
_REASON = Text(MAX_REASON, about="Why; kept in the champion's history.")

MODELS_QUERY = Fields({"limit": Whole(1, MOST_VERSIONS, USUAL_VERSIONS, about="How many of the latest versions.")})
PROMOTE = Fields(
    {
        "reason": _REASON,
        "canary": Flag(about="Let the workflow try it beside the champion first."),
        "force": Flag(about="Also where the gate rejected it; the reason is kept with the version."),
        "etag": _ETAG,
    },
    required=("reason",),
)
ROLL_BACK = Fields(
    {
        "reason": _REASON,
        "canary": Flag(about="Take back the version on trial; the champion stays."),
        "champion": Flag(about="Take back the champion also where a version is on trial; that ends too."),
        "etag": _ETAG,
    },
    required=("reason",),
    rules={
        "not": {
            "required": ["canary", "champion"],
            "properties": {"canary": {"const": True}, "champion": {"const": True}},
        }
    },
)
CHANGE = Fields({"etag": _ETAG})
"""Of what lets new versions in again, and of pins."""
