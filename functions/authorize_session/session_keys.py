"""Valid values of the session key."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence

from alsolike.declarations.metrics import Metric
from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.client_protocols import SecretsManagerClient
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import count
from alsolike.runtime.polling import PolledValue, Polling

CHECK_S = 300
"""Maximum age of the cached secret, in seconds.

A value that is neither current nor previous is rejected after this time, unless Secrets Manager does not respond.
"""

CHECK_ON_MISMATCH_S = 5
"""Minimum interval in seconds between reads after a wrong signature.

A new value becomes valid within this interval, and forged tokens cause at most one read per interval.
"""


class SessionKeys:
    """The current and the previous value of a secret, kept in memory.

    Cached values remain valid if Secrets Manager does not respond. A metric counts these cases.
    """

    def __init__(self, client: SecretsManagerClient, secret_arn: str) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._values: PolledValue[Sequence[bytes]] = PolledValue(
            self._read, name="session keys", polling=Polling(interval_s=CHECK_S)
        )

    def current(self, *, now_s: float) -> Sequence[bytes]:
        """Return the current value of the secret, and the previous value if there is one."""
        if self._values.degraded:
            self.refresh(now_s=now_s)
        return self._values.current(now_ms=int(now_s * 1000))

    def refresh(self, *, now_s: float) -> bool:
        """Read the values again, unless the last attempt is more recent than `CHECK_ON_MISMATCH_S`.

        Return true if the values changed.
        """
        before = self._values.latest
        return self._values.refresh(now_ms=int(now_s * 1000), min_age_s=CHECK_ON_MISMATCH_S) != before

    def _read(self, _: Callable[[], float]) -> Sequence[bytes]:
        try:
            with translate_aws_errors(f"secret {self._secret_arn}"):
                values = [self._value("AWSCURRENT")]
                # A secret that was never rotated has no previous value.
                with contextlib.suppress(self._client.exceptions.ResourceNotFoundException):
                    values.append(self._value("AWSPREVIOUS"))
        except Unavailable:
            if self._values.was_read:
                count(Metric.SESSION_KEYS_STALE)
            raise
        return values

    def _value(self, stage: str) -> bytes:
        answer = self._client.get_secret_value(SecretId=self._secret_arn, VersionStage=stage)
        return str(answer["SecretString"]).encode()
