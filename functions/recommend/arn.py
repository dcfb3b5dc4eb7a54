"""ARNs of Personalize's form: the last segment names something of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from alsolike import wire
from alsolike.errors import InvalidInput
from alsolike.interactions import MAX_ID_CHARACTERS

_ARN = re.compile(r"arn:[a-z\d-]+:personalize:[^:]*:[^:]*:.+", re.DOTALL)


def named(fields: Mapping[str, Any], name: str, *, kind: str) -> str | None:
    """Return the last segment of the ARN in a field, or None where the field is absent.

    Parameters
    ----------
    kind
        What the ARN is of, as an error shows it: `recommender`, `filter`.

    Raises
    ------
    InvalidInput
        If it is no such ARN.
    """
    arn = wire.optional_string(fields, name, maximum=MAX_ID_CHARACTERS)
    if arn is None:
        return None
    segment = arn.rpartition("/")[2]
    if not _ARN.fullmatch(arn) or not segment:
        raise InvalidInput(
            f"{name} is {wire.describe(arn)}, expected arn:aws:personalize:<region>:<account>:{kind}/<name>"
        )
    return segment
