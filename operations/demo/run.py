"""Run of the demo on an embedded cloud."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from operations import embedded_cloud, pages
from operations.client import deployment as deployments
from operations.demo.results import DemoSummary

if TYPE_CHECKING:
    from local_cloud.client import Cloud
    from operations.client.deployment import Deployment

DIRECTORY = Path(".alsolike/demo")
ENVIRONMENT = "demo"
DATA = DIRECTORY / "data"
"""Data directory of the latest demo. `alsolike up --data` can continue with it."""


class Demo:
    """One run of the demo."""

    def __init__(
        self, *, state: Path, users: int | None, on_first: Callable[[DemoSummary], None] = lambda summary: None
    ) -> None:
        self.summary = DemoSummary()
        self._started_s = time.monotonic()
        self._state = state
        self._users = users
        self._on_first = on_first

    @contextlib.contextmanager
    def running(self) -> Iterator[tuple[Cloud, Deployment]]:
        """Delete the data of an earlier demo, run every step, and yield the cloud and the deployment.

        The cloud stops when the context exits.
        """
        from operations.demo import loop

        embedded_cloud.claim(self._state, reach=deployments.options(state=self._state))
        embedded_cloud.delete_data(DATA)
        data = loop.prepare(self.summary, DIRECTORY, users=self._users)
        embedded_cloud.build_pages()
        embedded_cloud.build_layers()
        assembly = embedded_cloud.synthesize(ENVIRONMENT)
        with embedded_cloud.running_cloud(
            assembly, state=self._state, port=embedded_cloud.first_port(None), data=DATA
        ) as cloud:
            deployment = deployments.from_cloud(cloud)
            embedded_cloud.publish_pages(deployment)
            if deployment.names.web_bucket:
                pages.choose(deployment, "cards", {"currency": "USD"})
            steps = loop.Loop(deployment, self.summary, directory=DIRECTORY, started_s=self._started_s)
            steps.run(data, on_first=lambda: self._on_first(self.summary))
            self.summary.total_s = time.monotonic() - self._started_s
            yield cloud, deployment

    def record(self, step: str, seconds: float, finished: bool) -> None:
        if finished:
            self.summary.steps[step] = self.summary.steps.get(step, 0.0) + seconds
        else:
            self.summary.failed_step = self.summary.failed_step or step
