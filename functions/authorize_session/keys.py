"""The values of the session key that are good now."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

from alsolike.runtime.aws_errors import translate_aws_errors
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.observability import Metric, count, logger

CHECK_S = 300
"""Maximum age of the cached secret. A value that was rotated out is rejected after this time at the latest."""

CHECK_ON_MISMATCH_S = 5
"""Minimum interval of reads after a wrong signature. A new value becomes valid within this time, and forged tokens
cause no more calls than that."""


class SessionKeys:
    """The current and the previous value of a secret, kept in memory.

    Values that were read once stay good while Secrets Manager does not answer; a metric counts that.

    Parameters
    ----------
    client
        A low-level Secrets Manager client.
    secret_arn
        The secret's ARN.
    """

    def __init__(self, client: Any, secret_arn: str) -> None:
        self._client = client
        self._secret_arn = secret_arn
        self._values: tuple[bytes, ...] = ()
        self._read_s = self._tried_s = float("-inf")

    def current(self, *, now_s: float) -> Sequence[bytes]:
        """Return the values.

        Raises
        ------
        Unavailable
            If they were never read and Secrets Manager does not answer.
        """
        if now_s - self._read_s > CHECK_S:
            self.refresh(now_s=now_s)
        return self._values

    def refresh(self, *, now_s: float) -> bool:
        """Read the values again, unless the last attempt was a moment ago; return true if they have changed.

        Raises
        ------
        Unavailable
            If they were never read and Secrets Manager does not answer.
        """
        if self._values and now_s - self._tried_s < CHECK_ON_MISMATCH_S:
            return False
        before, self._tried_s = self._values, now_s
        try:
            with translate_aws_errors(f"secret {self._secret_arn}"):
                self._values, self._read_s = self._read(), now_s
        except Unavailable as error:
            if not self._values:
                raise
            count(Metric.SESSION_KEYS_STALE)
            logger.warning("session keys could not be read again", error_type=type(error.__cause__).__name__)
        return self._values != before

    def _read(self) -> tuple[bytes, ...]:
        values = [self._value("AWSCURRENT")]
        # A secret that was never rotated has no previous value.
        with contextlib.suppress(self._client.exceptions.ResourceNotFoundException):
            values.append(self._value("AWSPREVIOUS"))
        return tuple(values)

    def _value(self, stage: str) -> bytes:
        answer = self._client.get_secret_value(SecretId=self._secret_arn, VersionStage=stage)
        return str(answer["SecretString"]).encode()
