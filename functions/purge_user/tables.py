"""The user's rows in the tables."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import BotoCoreError, ClientError

from alsolike.errors import Unavailable
from alsolike.interactions import profile_id
from functions.purge_user.work import Work

PROFILES = "profiles"
USERS = "users"


def purge_profiles(work: Work) -> Iterator[None]:
    """Delete the user's profile, and those of sessions that joined it or should have.

    The row that marked the user as erased goes too: it is named after the user. The tombstone does what it did.
    """
    mine = profile_id(user_id=work.user_id, session_id=None)
    table = work.places.profiles_table
    if not work.progress.cursor:
        own = [mine, *(profile_id(user_id=None, session_id=each) for each in work.progress.own_sessions())]
        for each in own:
            if _exists(work, table, "profile_id", each):
                _delete(work, PROFILES, table, "profile_id", each)
        work.advance({"scanned": False, "after": None})
        yield
    while not work.progress.cursor["scanned"]:
        joined, after = _joined(work, mine, after=work.progress.cursor["after"])
        for each in joined:
            _delete(work, PROFILES, table, "profile_id", each)
        work.advance({"scanned": after is None, "after": after})
        yield


def purge_user_row(work: Work) -> Iterator[None]:
    """Delete what the shop said of the user."""
    if _exists(work, work.places.users_table, "user_id", work.user_id):
        _delete(work, USERS, work.places.users_table, "user_id", work.user_id)
    return iter(())


def _joined(work: Work, profile: str, *, after: str | None) -> tuple[list[str], str | None]:
    """Return a page of the sessions that joined a profile, and where the next one begins."""
    start = {"ExclusiveStartKey": {"profile_id": {"S": after}}} if after else {}
    try:
        answer = work.dynamodb.scan(
            TableName=work.places.profiles_table,
            FilterExpression="joined_profile = :profile",
            ExpressionAttributeValues={":profile": {"S": profile}},
            ProjectionExpression="profile_id",
            **start,
        )
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"table {work.places.profiles_table}: {error}") from error
    found = [item["profile_id"]["S"] for item in answer["Items"]]
    return found, answer.get("LastEvaluatedKey", {}).get("profile_id", {}).get("S")


def _exists(work: Work, table: str, key: str, value: str) -> bool:
    try:
        answer = work.dynamodb.get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"table {table}: {error}") from error
    return "Item" in answer


def _delete(work: Work, store: str, table: str, key: str, value: str) -> None:
    work.record(store, {value: 1})
    try:
        work.dynamodb.delete_item(TableName=table, Key={key: {"S": value}})
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"table {table}: {error}") from error
