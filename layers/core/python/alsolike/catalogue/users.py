"""Users with metadata columns, each stored as one DynamoDB item."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alsolike.catalogue.row_store import RowStore
from alsolike.catalogue.rows import RowKind
from alsolike.declarations.limits import MAX_USER_COLUMNS, MAX_USER_PROPERTIES_CHARACTERS
from alsolike.runtime.struct import struct


@struct
class User:
    """User with properties. The table of users has no rows for users who only have interactions."""

    user_id: str
    properties: Mapping[str, Any]


USERS = RowKind("user", "users", "userId", "user_id", MAX_USER_PROPERTIES_CHARACTERS, MAX_USER_COLUMNS, make=User)


class UserStore(RowStore[User]):
    kind = USERS
