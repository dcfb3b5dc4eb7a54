"""Addition of a stream batch to the live profiles and to the impressions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence

import orjson

from alsolike.declarations.limits import MAX_ID_CHARACTERS
from alsolike.events.interactions import ACTION_TYPES, MAX_TIME_MS, Interaction, profile_id
from alsolike.events.logins import Login, first_logins
from alsolike.events.stream_records import ConfigurationSource, StreamRecord, parse_batch
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.profiles.impressions import Impressions, ImpressionStore
from alsolike.profiles.profile import RecentInteraction, recent
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import InvalidInput


@dataclasses.dataclass(frozen=True, slots=True)
class UpdateResult:
    """Result of a batch.

    Attributes
    ----------
    failed_sequence
        Sequence number of the first record of a failed profile. Lambda retries this record and all later ones.
        None if no profile failed.
    failures
        One message per failed profile.
    correlation_ids
        Correlation IDs of the records of failed profiles.
    erased
        Number of records of erased users and sessions.
    """

    profiles: int
    interactions: int
    unreadable: int
    failed_sequence: str | None = None
    failures: tuple[str, ...] = ()
    erased: int = 0
    correlation_ids: tuple[str, ...] = ()


@dataclasses.dataclass(slots=True)
class _Addition:
    """Interactions, logins (by session ID) and actions of one profile, with the sequence number of the first record."""

    profile_id: str
    first_sequence: str
    interactions: list[RecentInteraction] = dataclasses.field(default_factory=list)
    logins: dict[str, Login] = dataclasses.field(default_factory=dict)
    actions: list[Interaction] = dataclasses.field(default_factory=list)


def update_profiles(
    records: Sequence[StreamRecord],
    *,
    store: ProfileStore,
    configurations: ConfigurationSource,
    now_ms: int,
    erased: IsErased = no_erased_users,
    erasure_of: Callable[[str], str] | None = None,
    impressions: ImpressionStore | None = None,
    shopper: Callable[[str], str] = str,
) -> UpdateResult:
    """Add the records to their profiles. A failing profile does not affect other profiles.

    A session's interactions up to its first login are copied to the user's profile (`alsolike.events.logins`), also
    if they arrive after the login, because the session's profile links to the user's profile. The final profiles do not
    depend on the order, size and repetition of batches under three conditions:

    - The earliest login of a session arrives before the other logins, or in one batch with them. Otherwise the user of
      a later login keeps the session's interactions, because profiles do not store the session of an interaction. A
      rebuild corrects this.
    - A session has at most `limits.history_length` interactions before its login arrives. Otherwise the oldest are
      dropped.
    - All events with an event ID have the same content. Otherwise a profile keeps the latest event, or the last written
      one among equal times, and the lake keeps the first received one.

    An unreadable record is skipped, because a retry cannot read it either. A record of an erased user is skipped too.
    The mark of an erased profile does not suffice: the purge deletes the mark with the profile, and a later record
    would create a new profile.

    `erasure_of` returns the ID of a user's erasure. The ID marks the session of a dropped login, so that the purge
    finds the session. The mark also prevents another user's profile from merging the session's interactions.
    """
    parsed = parse_batch(records, configurations=configurations, now_ms=now_ms)
    kept = [
        (record, pair)
        for record, pair in zip(records, parsed, strict=True)
        if isinstance(pair, InvalidInput) or not erased(pair.user_id, pair.session_id)
    ]
    unreadable = [record for record, interaction in kept if isinstance(interaction, InvalidInput)]
    if erasure_of is not None and (unreadable or len(kept) < len(records)):
        left_out = {**_unreadable_logins(unreadable, erased), **first_logins(_readable(parsed))}
        for session_id, login in left_out.items():
            if erased(login.user_id) and not erased(None, session_id):
                store.join_erased(session_id, login, erasure_id=erasure_of(login.user_id), now_ms=now_ms)
    interactions = [interaction for _, interaction in kept]
    configuration = configurations.current(now_ms=now_ms)
    additions = _by_profile([record for record, _ in kept], interactions, context=configuration.context)
    length = configuration.limits.history_length

    failed = store.add_many(
        {addition.profile_id: addition.interactions for addition in additions if addition.interactions},
        now_ms=now_ms,
        erased=erased,
    )
    failed |= store.add_actions((event for addition in additions for event in addition.actions), now_ms=now_ms)
    logins = {
        session_id: login
        for addition in additions
        if addition.profile_id not in failed
        for session_id, login in addition.logins.items()
        if not erased(None, session_id)
    }
    for session_id, reason in store.join_many(logins, now_ms=now_ms, length=length).items():
        failed[profile_id(user_id=logins[session_id].user_id, session_id=None)] = reason
    if impressions is not None and configuration.fatigue is not None:
        impressions.add(_impressions(interactions, shopper), configuration.fatigue)
    lost = [addition for addition in additions if addition.profile_id in failed]
    return UpdateResult(
        profiles=len(additions) - len(lost),
        interactions=sum(len(addition.interactions) for addition in additions)
        - sum(len(addition.interactions) for addition in lost),
        unreadable=sum(isinstance(interaction, InvalidInput) for interaction in interactions),
        failed_sequence=min((addition.first_sequence for addition in lost), key=int, default=None),
        failures=tuple(failed[addition.profile_id] for addition in lost),
        erased=len(records) - len(kept),
        correlation_ids=_correlation_ids(interactions, {addition.profile_id for addition in lost}),
    )


def _impressions(parsed: Sequence[Interaction | InvalidInput], shopper: Callable[[str], str]) -> Iterator[Impressions]:
    for event in _readable(parsed):
        if event.impression:
            stored_id = event.user_id or event.session_id or ""
            list_id = event.recommendation_id or event.event_id
            yield Impressions(
                shopper(stored_id), list_id, event.event_id, event.event_time_ms, event.impression, is_reported=True
            )


def _readable(parsed: Sequence[Interaction | InvalidInput]) -> Iterator[Interaction]:
    return (parsed_record for parsed_record in parsed if not isinstance(parsed_record, InvalidInput))


def _unreadable_logins(records: Sequence[StreamRecord], erased: IsErased) -> dict[str, Login]:
    """Return logins of erased users in invalid records, by session. The purge cannot find these logins in the lake."""
    logins: dict[str, Login] = {}
    for record in records:
        try:
            document = orjson.loads(record.data)
        except orjson.JSONDecodeError:
            continue
        fields = document if isinstance(document, dict) else {}
        user_id, session_id, time_ms = (fields.get(name) for name in ("user_id", "session_id", "event_time_ms"))
        if not isinstance(session_id, str) or not 0 < len(session_id) <= MAX_ID_CHARACTERS:
            continue
        if isinstance(user_id, str) and erased(user_id):
            # A login without a readable time counts as later than every other login.
            event_time_ms = min(max(time_ms, 0), MAX_TIME_MS) if type(time_ms) is int else MAX_TIME_MS
            logins[session_id] = Login(event_time_ms, "", user_id)
    return logins


def _correlation_ids(parsed: Sequence[Interaction | InvalidInput], profile_ids: set[str]) -> tuple[str, ...]:
    if not profile_ids:
        return ()
    correlation_ids = (
        parsed_record.correlation_id
        for parsed_record in parsed
        if isinstance(parsed_record, Interaction) and parsed_record.profile_id in profile_ids
    )
    return tuple(dict.fromkeys(correlation_id for correlation_id in correlation_ids if correlation_id is not None))


def _by_profile(
    records: Sequence[StreamRecord], parsed: Sequence[Interaction | InvalidInput], *, context: Sequence[str]
) -> list[_Addition]:
    additions: dict[str, _Addition] = {}
    for record, interaction in zip(records, parsed, strict=True):
        if isinstance(interaction, InvalidInput):
            continue
        logs_in = interaction.user_id is not None and interaction.session_id is not None
        is_users_action = interaction.event_type in ACTION_TYPES and interaction.user_id is not None
        # There is no item to add, for example for a search.
        if interaction.item_id is None and not (logs_in or is_users_action):
            continue
        key = interaction.profile_id
        addition = additions.get(key)
        if addition is None:
            addition = additions[key] = _Addition(key, record.sequence)
        if is_users_action:
            addition.actions.append(interaction)
        if interaction.item_id is not None:
            addition.interactions.append(recent(interaction, context=context))
    for session_id, login in first_logins(_readable(parsed)).items():
        additions[profile_id(user_id=login.user_id, session_id=None)].logins[session_id] = login
    return list(additions.values())
