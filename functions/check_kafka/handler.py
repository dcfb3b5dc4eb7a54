"""Handler of the scheduled check of the Kafka topic's event source mapping."""

from __future__ import annotations

import os
from typing import Any

from alsolike.runtime.aws import client
from alsolike.runtime.observability import instrumented
from alsolike.runtime.settings import from_environment
from functions.check_kafka.service import require_reading
from functions.check_kafka.settings import Settings


@instrumented
def lambda_handler(event: dict[str, Any], context: Any) -> str:
    """Return the mapping's last result. Raise an error, which triggers an alarm, if Lambda does not read the topic."""
    return require_reading(client("lambda"), from_environment(Settings, os.environ).mapping_id)
