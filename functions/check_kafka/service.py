"""State of the event source mapping that reads the Kafka topic."""

from __future__ import annotations

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import EventSourceClient
from alsolike.runtime.errors import Unavailable

READING = frozenset({"Creating", "Enabling", "Enabled", "Updating"})
"""States in which Lambda reads the topic or will soon read it."""
PROBLEM = "PROBLEM"
"""Prefix of the result of a failed attempt, such as ``PROBLEM: Connection error``."""


def require_reading(client: EventSourceClient, mapping_id: str) -> str:
    """Return the result of the last attempt. Raise `Unavailable` if Lambda does not read the topic."""
    with translate_aws_errors(f"event source mapping {mapping_id}"):
        mapping = client.get_event_source_mapping(UUID=mapping_id)
    state, result = mapping["State"], mapping.get("LastProcessingResult") or "none"
    if state not in READING or result.startswith(PROBLEM):
        raise Unavailable(
            f"Kafka is not read: the mapping {mapping_id} is {state} ({mapping.get('StateTransitionReason')}), "
            f"its last result is {result!r}; see docs/runbooks/kafka.md"
        )
    return str(result)
