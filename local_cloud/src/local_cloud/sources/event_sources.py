"""Event source mappings of a deployment, with their pollers."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

from local_cloud.deployment import Deployment
from local_cloud.sources.kafka_poller import KafkaPoller
from local_cloud.sources.mapping import EventSourceMapping, read_mapping
from local_cloud.sources.poller import Poller, PollerServices
from local_cloud.sources.queue_poller import QueuePoller
from local_cloud.sources.stream_poller import Shard, StreamPoller

_JOIN_S = 5.0


class EventSources:
    """Pollers of every mapping. The constructor determines the starting positions in streams."""

    def __init__(
        self,
        deployment: Deployment,
        services: PollerServices,
        *,
        open_shards: Callable[[EventSourceMapping], Iterable[Shard]],
        region: str,
        account: str,
    ) -> None:
        self._pollers: list[Poller] = []
        for resource in deployment.of_type("AWS::Lambda::EventSourceMapping"):
            mapping = read_mapping(resource, region=region, account=account)
            if mapping.kafka is not None:
                self._pollers.append(KafkaPoller(mapping, mapping.kafka, services))
            elif mapping.service == "sqs":
                self._pollers.append(QueuePoller(mapping, services))
            else:
                self._pollers += (StreamPoller(mapping, shard, services) for shard in open_shards(mapping))

    def start(self) -> None:
        for poller in self._pollers:
            poller.start()

    def counts(self) -> dict[str, dict[str, int]]:
        """Return, per mapping, the numbers of batches, records, filtered and discarded records. Zeros may be absent."""
        counts: dict[str, Counter[str]] = defaultdict(Counter)
        for poller in self._pollers:
            counts[poller.mapping.name] += Counter(poller.counts)
        return {name: dict(total) for name, total in counts.items()}

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
