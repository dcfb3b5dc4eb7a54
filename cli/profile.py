"""`alsolike users profile`: what is known of a user or session, now or as it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Annotated

import typer

from alsolike.events.interactions import profile_id
from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.client.stored_ids import stored_ids
from operations.times import milliseconds, moment

if TYPE_CHECKING:
    from alsolike.profiles.store import Profile


def profile(
    user: Annotated[str, typer.Argument(metavar="USER", help="User ID, or session ID with --session.")],
    session: Annotated[bool, typer.Option("--session", help="USER is a session ID.")] = False,
    at: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time of the profile, ISO 8601 with a zone."),
    ] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Show the interactions of a user's profile, the latest first.

    Without --at, show the live profile. With --at, show the interactions that had arrived by that time, from the lake.

    Example: alsolike users profile 42 --at 2026-03-01T12:00:00Z
    """
    where = deployment.resolve(stack=stack, state=state)
    found = _live(where, user, session=session) if at is None else _past(where, user, session=session, at=at)
    latest = found.recent[::-1]
    if as_json:
        document = {"profile_id": found.profile_id, "erased": found.erased, "joined": None}
        if found.joined is not None:
            document["joined"] = dataclasses.asdict(found.joined)
        console.print_json({**document, "recent": [each._asdict() for each in latest]})
        return
    if found.joined is not None:
        console.say(f"the session's interactions until its login are in the profile {found.joined.profile_id}")
    if not latest:
        if found.erased:
            console.say("no data: the user was erased")
        else:
            hint = f"the session {user!r}" if session else f"the user {user!r}. If it is a session, add --session"
            console.say(f"no data about {hint}")
        return
    times = [dt.datetime.fromtimestamp(each.event_time_ms / 1000, dt.UTC) for each in latest]
    console.print_table(
        ["time (UTC)", "event", "item", "event id"],
        [
            [f"{time:%Y-%m-%d %H:%M:%S}", each.event_type, each.item_id, each.event_id]
            for time, each in zip(times, latest, strict=True)
        ],
    )


def _live(where: Deployment, user: str, *, session: bool) -> Profile:
    from alsolike.profiles.store import ProfileStore
    from operations.recovery.writing import history_length

    store = ProfileStore(where.client("dynamodb"), where.names.profiles_table)
    return store.read(_id(where, user, session=session), length=history_length(where))


def _past(where: Deployment, user: str, *, session: bool, at: str) -> Profile:
    from operations.recovery.past_profile import past

    received_by_ms = milliseconds(moment(at, option="--at"))
    return past(where, _id(where, user, session=session), received_by_ms=received_by_ms)


def _id(where: Deployment, user: str, *, session: bool) -> str:
    ids = stored_ids(where)
    if session:
        return profile_id(user_id=None, session_id=ids.session(user))
    return profile_id(user_id=ids.user(user), session_id=None)
