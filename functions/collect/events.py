"""POST /events and, from browsers, POST /session/events: interactions onto the stream."""

from __future__ import annotations

from alsolike.api.put_events import EventCall, parse_put_events
from alsolike.config.reader import ConfigurationReader
from alsolike.domain.configuration import Configuration
from alsolike.events.session_tokens import Session
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.tombstones import UserIds
from alsolike.runtime.errors import UnknownEventType
from alsolike.runtime.observability import Metric, count
from functions.collect.request import CollectRequest, counting_rejected_calls, refuse

MAX_BYTES = 1_000_000


class Events:
    """Route for the events of the shop's tracking id.

    Parameters
    ----------
    tracking_id
        The tracking id that calls must name.
    """

    def __init__(
        self, stream: EventStream, *, tracking_id: str, configuration: ConfigurationReader, people: UserIds
    ) -> None:
        self._stream = stream
        self._people = people
        self._tracking_id = tracking_id
        self._configuration = configuration

    def put(self, request: CollectRequest) -> dict[str, object]:
        """Put the call's valid events on the stream; accept and drop those of an erased user.

        Raises
        ------
        InvalidInput
            If the body breaks the contract. If only single events do, the others are stored nevertheless.
        NotFound
            If the call is for another tracking id.
        Unavailable
            If the stream did not take all of them; the same call may be repeated.
        """
        return self._put(request, session=None)

    def put_of_session(self, request: CollectRequest) -> dict[str, object]:
        """Put a browser's events on the stream: they belong to the session of its token; see `put`."""
        return self._put(request, session=request.session)

    def _put(self, request: CollectRequest, *, session: Session | None) -> dict[str, object]:
        with counting_rejected_calls():
            call = self._parse(request, session=session)
        first = call.interactions[0] if call.interactions else None  # one call is of one user and session
        if first and self._people.erased(first.user_id, first.session_id, now_ms=request.now_ms):
            count(Metric.EVENTS_OF_ERASED_USERS, len(call.interactions))
        elif call.interactions:
            self._stream.put(call.interactions, remaining_ms=request.remaining_ms)
            count(Metric.EVENTS_ACCEPTED, len(call.interactions))
            self._count_ahead(call, now_ms=request.now_ms)
        count(Metric.EVENTS_REJECTED, len(call.refused))
        refuse(call.refused, stored=len(call.interactions), what="events")
        return {}

    def _parse(self, request: CollectRequest, *, session: Session | None) -> EventCall:
        body, now_ms = request.body(maximum=MAX_BYTES), request.now_ms

        def parse(configuration: Configuration) -> EventCall:
            return parse_put_events(
                body,
                now_ms=now_ms,
                tracking_id=self._tracking_id,
                configuration=configuration,
                ids=self._people.ids,
                session=session,
                correlation_id=request.correlation_id,
                is_signed=request.is_signed,
            )

        call = parse(self._configuration.current(now_ms=now_ms))
        if any(isinstance(error, UnknownEventType) for error in call.refused):  # it may have been declared just now
            call = parse(self._configuration.refresh(now_ms=now_ms))
        return call

    def _count_ahead(self, call: EventCall, *, now_ms: int) -> None:
        latest_ms = now_ms + self._configuration.current(now_ms=now_ms).limits.clock_skew_s * 1000
        if ahead := sum(interaction.event_time_ms > latest_ms for interaction in call.interactions):
            count(Metric.EVENTS_AHEAD, ahead)
