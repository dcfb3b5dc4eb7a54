"""Lambda's processing of a batch of stream records: retries, bisecting, checkpoints and discarding.

https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_cloud.execution.function import InvocationResult, ThrottledError
from local_cloud.sources.mapping import EventSourceMapping
from local_cloud.sources.poller import NotInvokedError, failed_items

_FIRST_DELAY_S = 0.1
_LONGEST_DELAY_S = 2.0
_MAX_DOUBLINGS = 16  # Retries may be unlimited, and 2**1024 would exceed the range of floats.


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """Record in the format that the function receives, with its number and its arrival in epoch seconds."""

    sequence_number: str
    arrival_s: float
    size_bytes: int
    event: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Discarded:
    records: Sequence[StreamRecord]
    condition: str
    invocations: int
    outcome: InvocationResult | None


class StreamBatches:
    """Processor of the batches of a shard, in order.

    A failed batch is retried completely. With bisecting, a batch of several records is split instead, which does not
    count as a retry. A partial response moves the checkpoint to the first failed record. Records are discarded if the
    retries are used up or the records are too old. The shard then continues.

    `pause` returns true if the cloud is stopping.
    """

    def __init__(
        self,
        mapping: EventSourceMapping,
        *,
        invoke: Callable[[Sequence[StreamRecord]], InvocationResult],
        discard: Callable[[Discarded], None],
        pause: Callable[[float], bool],
        now: Callable[[], float] = time.time,
    ) -> None:
        self._mapping = mapping
        self._invoke = invoke
        self._discard = discard
        self._pause = pause
        self._now = now

    def process(self, records: Sequence[StreamRecord]) -> None:
        """Process or discard all records. Return earlier if the cloud stops."""
        waiting: list[tuple[Sequence[StreamRecord], int]] = [(records, 0)]
        while waiting:
            batch, failures = waiting.pop()
            batch = self._fresh(batch, failures)
            if not batch:
                continue
            try:
                outcome = self._invoke(batch)
            except (ThrottledError, NotInvokedError):
                # The function was not invoked. The invocation is repeated until the records are too old.
                if self._pause(_FIRST_DELAY_S):
                    return
                waiting.append((batch, failures))
                continue
            first_failed = self._first_failed(batch, outcome)
            if first_failed is None:
                continue
            rest = batch[first_failed:]
            if self._mapping.bisect and first_failed > 0:
                waiting.append((rest, failures))
            elif self._mapping.bisect and len(rest) > 1:
                middle = len(rest) // 2
                waiting += [(rest[middle:], failures), (rest[:middle], failures)]
            elif self._mapping.max_retries is not None and failures >= self._mapping.max_retries:
                self._discard(Discarded(rest, "RetryAttemptsExhausted", failures + 1, outcome))
            elif self._pause(min(_FIRST_DELAY_S * 2 ** min(failures, _MAX_DOUBLINGS), _LONGEST_DELAY_S)):
                return
            else:
                waiting.append((rest, failures + 1))

    def _fresh(self, batch: Sequence[StreamRecord], failures: int) -> Sequence[StreamRecord]:
        """Discard the records that are too old and return the other records."""
        if self._mapping.max_age_s is None:
            return batch
        oldest = self._now() - self._mapping.max_age_s
        expired = [record for record in batch if record.arrival_s <= oldest]
        if expired:
            self._discard(Discarded(expired, "RecordAgeExceeded", failures, None))
        return [record for record in batch if record.arrival_s > oldest]

    def _first_failed(self, batch: Sequence[StreamRecord], outcome: InvocationResult) -> int | None:
        """Return the index of the first record to retry, or None if all records succeeded."""
        if outcome.error is not None:
            return 0
        if not self._mapping.partial_responses:
            return None
        numbers = [record.sequence_number for record in batch]
        failed = failed_items(outcome.payload, numbers)
        return min((numbers.index(number) for number in failed), default=None)
