"""Event source mappings of a deployment, with their pollers."""

import functools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from local_cloud.delivery import Delivery
from local_cloud.deployment import Clients, Deployment
from local_cloud.execution.function import InvocationResult
from local_cloud.sources.kafka_poller import KafkaPoller
from local_cloud.sources.mapping import EventSourceMapping, read_mapping
from local_cloud.sources.poller import Poller
from local_cloud.sources.queue_poller import QueuePoller
from local_cloud.sources.shards import Shard
from local_cloud.sources.stream_poller import StreamPoller
from local_cloud.telemetry.log_sender import TakeMetric

_JOIN_S = 5.0


class EventSources:
    """Pollers of every mapping. The constructor determines the starting positions in streams."""

    def __init__(
        self,
        deployment: Deployment,
        *,
        clients: Clients,
        invoke: Callable[[str, bytes], InvocationResult],
        matcher: Callable[[str], Callable[[Mapping[str, Any]], bool]],
        enabled: Callable[[str], bool],
        open_shards: Callable[[EventSourceMapping], Iterable[Shard]],
        delivery: Delivery,
        metric: TakeMetric,
        report: Callable[[str], None],
        region: str,
        account: str,
    ) -> None:
        self._counts: dict[str, Counter[str]] = {}
        self._pollers: list[Poller] = []
        for resource in deployment.of_type("AWS::Lambda::EventSourceMapping"):
            mapping = read_mapping(resource, region=region, account=account)
            matches = _any_of([matcher(pattern) for pattern in mapping.filters])
            common: dict[str, Any] = {
                "invoke": invoke,
                "enabled": functools.partial(enabled, mapping.uuid),
                "report": report,
                "counts": self._counts.setdefault(mapping.name, Counter()),
            }
            if mapping.kafka is not None:
                read_secret = functools.partial(_read_secret, clients)
                self._pollers.append(
                    KafkaPoller(mapping, mapping.kafka, read_secret=read_secret, metric=metric, **common)
                )
            elif mapping.service == "sqs":
                self._pollers.append(QueuePoller(mapping, clients, matches=matches, **common))
            else:
                self._pollers += (
                    StreamPoller(mapping, shard, matches=matches, delivery=delivery, metric=metric, **common)
                    for shard in open_shards(mapping)
                )

    def start(self) -> None:
        for poller in self._pollers:
            poller.start()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return, per mapping, the numbers of batches, records, filtered and discarded records. Zeros may be absent."""
        return {name: dict(counts) for name, counts in self._counts.items()}

    def stop(self) -> None:
        for poller in self._pollers:
            poller.stop()

    def join(self) -> None:
        """Wait until all pollers have ended, at most `_JOIN_S`.

        Close the invoker first, because pollers wait for running functions.
        """
        deadline = time.monotonic() + _JOIN_S
        for poller in self._pollers:
            poller.join(max(0.0, deadline - time.monotonic()))


def _read_secret(clients: Clients, arn: str) -> Mapping[str, str]:
    fields: Mapping[str, str] = json.loads(clients("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
    return fields


def _any_of(
    predicates: Sequence[Callable[[Mapping[str, Any]], bool]],
) -> Callable[[Mapping[str, Any] | None], bool]:
    return lambda candidate: candidate is not None and any(matches(candidate) for matches in predicates)
