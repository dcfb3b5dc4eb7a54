"""IDs in the path of a request.

IDs can contain more characters than paths: API Gateway decodes a path before it selects the route, so `%2F` separates
segments, and proxies may resolve `..` and reject or decode `%25`. Therefore any ID can be written as `~` followed by
its UTF-8 in base64url without padding. Proxies do not change letters, digits, `-`, `_` and `~`.

Other IDs than `.` and `..` can be percent-encoded instead, unless they contain `/`, `?`, `#` or `%` or start with `~`.
API Gateway replaces bytes that are not UTF-8 by U+FFFD, so different IDs would become equal. Therefore percent-encoded
IDs with U+FFFD are rejected.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.runtime.errors import InvalidInput
from alsolike.schema import validation
from alsolike.schema.fields import NOT_BLANK

MARK = "~"

_OTHER_BYTES = "\ufffd"

_MAX_DIGITS = -(-4 * 4 * MAX_ID_CHARACTERS // 3)
"""Maximum number of characters after `MARK`. A character of an ID has up to four bytes, and three bytes become four
characters.
"""

PATH_ID: Mapping[str, Any] = MappingProxyType(
    {
        "type": "string",
        "anyOf": [
            {"maxLength": MAX_ID_CHARACTERS, "pattern": rf"^(?!{MARK})(?!.*\ufffd){NOT_BLANK[1:]}"},
            {"maxLength": len(MARK) + _MAX_DIGITS, "pattern": rf"^{MARK}[A-Za-z0-9_-]+$"},
        ],
        "description": f"Percent-encoded ID. For any ID, also with `/`, `?`, `#` or `%`: `{MARK}` and its UTF-8 in "
        "base64url without padding.",
    }
)


def path_segment(row_id: str) -> str:
    """Return the path segment of any ID.

    Examples
    --------
    >>> path_segment("sku/7"), path_segment("sku-7")
    ('~c2t1Lzc', 'sku-7')
    """
    if row_id.isascii() and row_id.replace("-", "").replace("_", "").isalnum():
        return row_id
    return MARK + base64.urlsafe_b64encode(row_id.encode()).decode().rstrip("=")


def path_id(event: Mapping[str, Any], name: str) -> str:
    segment = (event.get("pathParameters") or {}).get(name)
    if isinstance(segment, str) and segment.startswith(MARK):
        return validation.text(_decoded(segment, name), name, maximum=MAX_ID_CHARACTERS)
    text = validation.text(segment, name, maximum=MAX_ID_CHARACTERS)
    if _OTHER_BYTES in text:
        shown = validation.describe(text)
        raise InvalidInput(
            f"{name} is {shown}, expected UTF-8; an id that has U+FFFD is written in base64url after {MARK}"
        )
    return text


def _decoded(segment: str, name: str) -> str:
    digits = segment.removeprefix(MARK)
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), altchars=b"-_", validate=True).decode()
    except ValueError as error:
        raise InvalidInput(f"{name} is {validation.describe(segment)}, expected base64url after {MARK}") from error
