"""Timeouts and retries of reads while a response is being prepared."""

CALL_TIMEOUT_S = 2
ATTEMPTS = 2
"""Timeout in seconds, for connecting and for reading, and maximum attempts of calls to S3 and Secrets Manager.

The values are low, because a response by the loaded model is better than a late response by a new champion.
"""

PROFILE_SHARE = 0.5
"""Timeout for connecting to DynamoDB, and for a read, as a share of the time budget, at most `CALL_TIMEOUT_S`.

Popular items in time are better than a late personalised response.
"""

CHAMPION_RETRY_S = 5
"""Pause in seconds after a failed read of the first champion.

It is shorter than the default polling interval, because no other model can serve.
"""


def unanswered_ms(attempts: int) -> int:
    """Return the maximum duration of a call without a response, in milliseconds.

    botocore pauses for up to a second before a second attempt.
    """
    return 1000 * (attempts * 2 * CALL_TIMEOUT_S + attempts - 1)


READ_MS = unanswered_ms(ATTEMPTS)
"""Minimum remaining time in milliseconds for a read of the configuration or the catalogue."""

BATCH_TIMEOUT_S = 5
BATCH_ATTEMPTS = 4
"""Timeout in seconds for reading, and attempts of calls, in batches. No web page waits, so both are higher."""
