"""Handler of the scheduled check of the event source mapping that reads the Kafka topic."""

from __future__ import annotations

import os
from typing import Any

from alsolike.runtime.aws import client
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import instrumented
from alsolike.runtime.settings import from_environment
from functions.check_kafka.settings import Settings

READING = frozenset({"Creating", "Enabling", "Enabled", "Updating"})
"""States in which Lambda reads the topic or will soon read it."""
PROBLEM = "PROBLEM"
"""Prefix of the result of a failed attempt, such as ``PROBLEM: Connection error``."""


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> str:
    """Return the mapping's last result. Raise an error, which triggers an alarm, if Lambda does not read the topic."""
    mapping_id = from_environment(Settings, os.environ).mapping_id
    with translate_aws_errors(f"event source mapping {mapping_id}"):
        mapping = client("lambda").get_event_source_mapping(UUID=mapping_id)
    state, result = mapping["State"], mapping.get("LastProcessingResult") or "none"
    if state not in READING or result.startswith(PROBLEM):
        raise Unavailable(
            f"Kafka is not read: the mapping {mapping_id} is {state} ({mapping.get('StateTransitionReason')}), "
            f"its last result is {result!r}; see docs/runbooks/kafka.md"
        )
    return str(result)
