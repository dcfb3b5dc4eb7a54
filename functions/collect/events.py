"""Routes that send interactions to the stream: POST /events, and /session/events and /session/beacons for browsers."""

from __future__ import annotations

from alsolike.api.put_events import EventCall, parse_put_events
from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.limits import MAX_EVENTS_BODY_BYTES
from alsolike.declarations.metrics import Metric
from alsolike.events.session_tokens import Session
from alsolike.events.stream_writer import EventStream
from alsolike.privacy.tombstones import UserIds
from alsolike.runtime.errors import UnknownEventType
from alsolike.runtime.observability import count
from functions.collect.request import CollectRequest, counting_rejected_calls, refuse


class Events:
    def __init__(
        self, stream: EventStream, *, tracking_id: str, configuration: ConfigurationReader, user_ids: UserIds
    ) -> None:
        self._stream = stream
        self._user_ids = user_ids
        self._tracking_id = tracking_id
        self._configuration = configuration

    def put(self, request: CollectRequest) -> dict[str, object]:
        """Send the valid events of a request to the stream. Events of an erased user are accepted and dropped.

        Raise `NotFound` for a wrong tracking ID. Raise `InvalidInput` if the body is invalid, or, after the valid
        events are sent, if single events are invalid.
        """
        return self._put(request, session=None)

    def put_of_session(self, request: CollectRequest) -> dict[str, object]:
        """Send a browser's events to the stream. The events belong to the session of the token."""
        return self._put(request, session=request.session)

    def _put(self, request: CollectRequest, *, session: Session | None) -> dict[str, object]:
        with counting_rejected_calls():
            call = self._parse(request, session=session)
        # All events of a request have one user and session.
        first = call.interactions[0] if call.interactions else None
        if first and self._user_ids.erased(first.user_id, first.session_id, now_ms=request.now_ms):
            count(Metric.EVENTS_OF_ERASED_USERS, len(call.interactions))
        elif call.interactions:
            self._stream.put(call.interactions, remaining_ms=request.remaining_ms)
            count(Metric.EVENTS_ACCEPTED, len(call.interactions))
            self._count_ahead(call, now_ms=request.now_ms)
        count(Metric.EVENTS_REJECTED, len(call.refused))
        refuse(call.refused, stored=len(call.interactions), noun="events")
        return {}

    def _parse(self, request: CollectRequest, *, session: Session | None) -> EventCall:
        body, now_ms = request.body(maximum=MAX_EVENTS_BODY_BYTES), request.now_ms

        def parse(configuration: Configuration) -> EventCall:
            return parse_put_events(
                body,
                now_ms=now_ms,
                tracking_id=self._tracking_id,
                configuration=configuration,
                ids=self._user_ids.ids,
                session=session,
                correlation_id=request.correlation_id,
                agent=request.agent,
                is_signed=request.is_signed,
            )

        call = parse(self._configuration.current(now_ms=now_ms))
        # The event type may have just been declared.
        if any(isinstance(error, UnknownEventType) for error in call.refused):
            call = parse(self._configuration.refresh(now_ms=now_ms))
        return call

    def _count_ahead(self, call: EventCall, *, now_ms: int) -> None:
        latest_ms = now_ms + self._configuration.current(now_ms=now_ms).limits.clock_skew_s * 1000
        if ahead := sum(interaction.event_time_ms > latest_ms for interaction in call.interactions):
            count(Metric.EVENTS_AHEAD, ahead)
