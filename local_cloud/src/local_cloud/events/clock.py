"""Clock that runs at the speed of real time and can be advanced."""

import threading
import time
from datetime import UTC, datetime, timedelta


def iso_text(moment: datetime) -> str:
    """Return a time in UTC as ISO 8601 with milliseconds and `Z`."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


class Clock:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ahead = timedelta()

    def now(self) -> datetime:
        with self._lock:
            return datetime.fromtimestamp(time.time(), UTC) + self._ahead

    def advance(self, duration: timedelta) -> datetime:
        if duration < timedelta():
            raise ValueError(f"a clock cannot be advanced by {duration}: the duration is negative")
        with self._lock:
            self._ahead += duration
        return self.now()
