"""Run of the demo. Data and pages are prepared in the background, while the layers are built and the cloud starts."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from alsolike.runtime.errors import Unavailable
from operations import embedded_cloud, pages
from operations.client import deployment as deployments
from operations.client.background import Background
from operations.demo.results import DemoSummary

if TYPE_CHECKING:
    from local_cloud.client import Cloud
    from operations.client.deployment import Deployment
    from operations.demo.complete_journey import Journey

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
        self._cloud: Cloud | None = None
        self._users = users
        self._on_first = on_first

    @property
    def cloud(self) -> Cloud:
        """Embedded cloud, available within `running`."""
        if self._cloud is None:
            raise Unavailable("the demo's cloud does not run yet")
        return self._cloud

    @contextlib.contextmanager
    def running(self) -> Iterator[Deployment]:
        """Delete the data of an earlier demo, run every step and yield the deployment.

        The cloud stops when the context exits.
        """
        embedded_cloud.claim(self._state, reach=deployments.options(state=self._state))
        embedded_cloud.delete_data(DATA)
        with contextlib.ExitStack() as stack:
            stopped = threading.Event()
            prepared = Background(lambda: self._prepare(stopped))
            # On exit, wait for the build that `stop_builds` has killed. Its progress line then precedes the command's
            # last line.
            stack.callback(prepared.wait)
            stack.callback(embedded_cloud.stop_builds, stopped)
            embedded_cloud.build_layers()
            assembly = embedded_cloud.synthesize(ENVIRONMENT)
            self._cloud = stack.enter_context(
                embedded_cloud.running_cloud(
                    assembly, state=self._state, port=embedded_cloud.first_port(None), data=DATA
                )
            )
            deployment = deployments.from_cloud(self._cloud)
            data = prepared.result()
            embedded_cloud.publish_pages(deployment)
            if deployment.names.web_bucket:
                pages.choose(deployment, "cards", {"currency": "USD"})
            self._loop(deployment, data)
            yield deployment

    def _prepare(self, stopped: threading.Event) -> Journey:
        from operations.demo import loop

        data = loop.prepare(self.summary, DIRECTORY, users=self._users)
        embedded_cloud.build_pages(stopped)
        return data

    def _loop(self, deployment: Deployment, data: Journey) -> None:
        from operations.demo.loop import Loop

        loop = Loop(deployment, self.summary, directory=DIRECTORY, started_s=self._started_s)
        loop.run(data, on_first=lambda: self._on_first(self.summary))
        self.summary.total_s = time.monotonic() - self._started_s

    def record(self, step: str, seconds: float, finished: bool) -> None:
        if finished:
            self.summary.steps[step] = self.summary.steps.get(step, 0.0) + seconds
        else:
            self.summary.failed_step = self.summary.failed_step or step
