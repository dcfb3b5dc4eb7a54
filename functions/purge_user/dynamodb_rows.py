"""The user's rows in the tables."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.events.interactions import profile_id
from alsolike.privacy.erasures import erasure_id
from alsolike.profiles.profile import SessionLink
from alsolike.runtime.aws_errors import translate_aws_errors
from functions.purge_user.purge_context import PurgeContext

PROFILES = "profiles"
USERS = "users"
_SESSION = "s#"


def find_joined_sessions(work: PurgeContext) -> Iterator[None]:
    """Note the sessions that the profile table has joined to the user, or marked for this erasure.

    The tombstone may have kept their logins out of the lake.
    """
    while True:
        joined, after = _joined(work, after=work.progress.cursor.get("after"))
        for key, login_ms in joined:
            if key.startswith(_SESSION):
                session = key.removeprefix(_SESSION)
                known = work.progress.sessions.get(session)
                if known is None or login_ms < known[0]:
                    work.progress.note_login(session, [login_ms, ""])
        if after is None:
            return
        work.advance({"after": after})
        yield


def purge_profiles(work: PurgeContext) -> Iterator[None]:
    """Delete the profiles of the user and of the user's sessions.

    The row that marks the user as erased is deleted too, because its key is the user's id. The tombstone replaces it.
    """
    table = work.places.profiles_table
    if not work.progress.cursor:
        sessions = [profile_id(user_id=None, session_id=each) for each in work.progress.own_sessions()]
        for each in [profile_id(user_id=work.user_id, session_id=None), *sessions]:
            if _exists(work, table, "profile_id", each):
                _delete(work, PROFILES, table, "profile_id", each)
        work.advance({"scanned": False, "after": None})
        yield
    while not work.progress.cursor["scanned"]:
        joined, after = _joined(work, after=work.progress.cursor["after"])
        for each, _ in joined:
            _delete(work, PROFILES, table, "profile_id", each)
        work.advance({"scanned": after is None, "after": after})
        yield


def purge_user_row(work: PurgeContext) -> Iterator[None]:
    """Delete the shop's properties of the user."""
    if _exists(work, work.places.users_table, "user_id", work.user_id):
        _delete(work, USERS, work.places.users_table, "user_id", work.user_id)
    return iter(())


def _joined(work: PurgeContext, *, after: str | None) -> tuple[list[tuple[str, int]], str | None]:
    """Return a page of the sessions that joined the user, with their login times, and the start of the next page."""
    start = {"ExclusiveStartKey": {"profile_id": {"S": after}}} if after else {}
    marks = {
        ":profile": {"S": profile_id(user_id=work.user_id, session_id=None)},
        ":erasure": {"S": SessionLink.of_erasure(erasure_id(work.pseudonyms, work.user_id))},
    }
    with translate_aws_errors(f"table {work.places.profiles_table}"):
        answer = work.dynamodb.scan(
            TableName=work.places.profiles_table,
            FilterExpression="joined_profile = :profile OR joined_profile = :erasure",
            ExpressionAttributeValues=marks,
            ProjectionExpression="profile_id, joined_at_ms",
            ConsistentRead=True,
            **start,
        )
    found = [(item["profile_id"]["S"], int(item["joined_at_ms"]["N"])) for item in answer["Items"]]
    return found, answer.get("LastEvaluatedKey", {}).get("profile_id", {}).get("S")


def _exists(work: PurgeContext, table: str, key: str, value: str) -> bool:
    with translate_aws_errors(f"table {table}"):
        answer = work.dynamodb.get_item(TableName=table, Key={key: {"S": value}}, ConsistentRead=True)
    return "Item" in answer


def _delete(work: PurgeContext, store: str, table: str, key: str, value: str) -> None:
    work.record(store, {value: 1})
    with translate_aws_errors(f"table {table}"):
        work.dynamodb.delete_item(TableName=table, Key={key: {"S": value}})
