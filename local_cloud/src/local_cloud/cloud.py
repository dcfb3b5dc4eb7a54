"""Embedded cloud in this process: moto, the deployment, and the components that run the deployment."""

import contextlib
import functools
import importlib.util
import json
import os
import secrets
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from local_cloud.alarms.watch import AlarmWatch
from local_cloud.aws_clients import issuer_keys, schedule_enabled, service_clients
from local_cloud.browser_endpoints import EndpointRewriter, serve_browsers
from local_cloud.certificate import server_context
from local_cloud.delivery import Delivery
from local_cloud.deployer import Outputs, deploy
from local_cloud.deployment import Clients, Deployment
from local_cloud.events.clock import Clock
from local_cloud.events.scheduler import Firing, Scheduler, read_schedules
from local_cloud.events.targets import WORK as TARGET_WORK
from local_cloud.events.targets import TargetQueue
from local_cloud.execution.asynchronous import WORK, AsyncInvocations
from local_cloud.execution.environment import Host
from local_cloud.execution.function import ThrottledError
from local_cloud.execution.invoker import Invoker
from local_cloud.execution.runtime_report import function_reports, refuse_foreign_runtimes
from local_cloud.execution.workspaces import Workspaces
from local_cloud.expiry import Expiry
from local_cloud.gateway.deployed import ApiServices, read_http_apis
from local_cloud.gateway.deployed_rest import read_rest_apis
from local_cloud.gateway.http_api import HttpApiServer, TimedInvocations
from local_cloud.gateway.rest_api import RestApi, RestApiServer
from local_cloud.glue.runner import GlueRunner
from local_cloud.moto_changes import change_moto
from local_cloud.moto_server import MotoServer
from local_cloud.moto_state import MotoState, compile_pattern, seed_ids
from local_cloud.moto_streams import open_shards
from local_cloud.permissions.check import PermissionCheck
from local_cloud.permissions.operations import Place
from local_cloud.ports import Ports
from local_cloud.processes import Processes
from local_cloud.resources.functions import fast_starting
from local_cloud.settings import CloudSettings, subprocess_environment
from local_cloud.sources.event_sources import EventSources
from local_cloud.sources.poller import PollerServices
from local_cloud.stacks import Stacks
from local_cloud.state import CloudState
from local_cloud.storage.journal import PORTS, Journal
from local_cloud.storage.recorder import Recorder
from local_cloud.telemetry.log_sender import Pump
from local_cloud.training.runner import TrainingRunner


class LocalCloud:
    """Cloud in this process. A process can contain only one cloud, because moto's state is global.

    The constructor starts moto and the components that react to calls. `boot` deploys an assembly, and starts pollers
    and schedules.
    """

    def __init__(self, settings: CloudSettings, *, report: Callable[[str], None]) -> None:
        self._settings = settings
        self._report = report
        directory = Path(tempfile.mkdtemp(prefix="local-cloud-"))
        self._closing = contextlib.ExitStack()  # Closes the components in the reverse order of their starts.
        self._processes = Processes(directory)
        self._closing.callback(self._processes.close)
        journal = Journal(settings.data) if settings.data else None
        self.recorder = Recorder(journal, region=settings.region, account=settings.account, report=report)
        self._closing.callback(self.recorder.close)
        change_moto(self)
        self._ports = Ports(_remembered_ports(journal, first=settings.port), first=settings.port)
        self._boot_token = secrets.token_urlsafe(16)
        place = Place(region=settings.region, account=settings.account)
        self._permissions = PermissionCheck(settings.permissions, place, report=report)
        self._moto = MotoServer(
            port=self._ports.take("aws"),
            changed=self.recorder.request,
            check=self._permissions.begin,
            only=self._boot_token,
        )
        self._closing.callback(self._moto.stop)
        self._journal = journal
        # moto's state machines call the services on this port.
        os.environ["MOTO_PORT"] = str(self._moto.server_port)
        self.endpoint = self._moto.url
        self.clients = service_clients(self.endpoint, settings.region, user_agent=self._boot_token)
        self.stacks = Stacks(self.clients, region=settings.region, account=settings.account)
        self._pump = Pump(self.clients, put_metrics=self.recorder.put_metrics)
        self._closing.callback(self._pump.stop)
        self._moto_state = MotoState(region=settings.region, account=settings.account)
        self._workspaces = Workspaces(directory, layer_content=self._moto_state.layer_content)
        environment = subprocess_environment(endpoint=self.endpoint, region=settings.region)
        self._invoker = Invoker(
            find=self._moto_state.find_function,
            prepare=self._workspaces.prepare,
            host=Host(
                region=settings.region,
                environment=environment,
                credentials=self._permissions.credentials,
                awslambdaric=self.has_awslambdaric,
            ),
            processes=self._processes,
            pump=self._pump,
            max_environments=settings.max_environments,
        )
        self._closing.callback(self._close_invoker)
        self._timed_invocations = TimedInvocations(self._invoker.invoke)
        self._closing.callback(self._timed_invocations.close)
        self._delivery = Delivery(self.clients, invoke_later=lambda *work: self._asynchronous.accept(*work))
        self._asynchronous = AsyncInvocations(
            self._invoker.invoke, delivery=self._delivery, keep=self.recorder.keep, report=report
        )
        self._closing.callback(self._asynchronous.close)
        self._targets = TargetQueue(self._delivery, keep=self.recorder.keep, report=report)
        self._closing.callback(self._targets.close)
        jobs: dict[str, Any] = {
            "clients": self._clients_of,
            "credentials": self._permissions.credentials,
            "processes": self._processes,
            "pump": self._pump,
            "directory": directory,
            "environment": environment,
        }
        self._training, self._glue = TrainingRunner(**jobs), GlueRunner(**jobs)
        self._closing.callback(self._training.close)
        self._closing.callback(self._glue.close)
        self.clock = Clock()
        self._sources: EventSources | None = None
        self._apis: dict[str, HttpApiServer] = {}
        self._tls: ssl.SSLContext | None = None
        self.certificate: Path | None = None
        if settings.tls:
            self._tls, self.certificate = server_context(settings.tls)
        # Operations that the changes of moto and the control server call.
        self.invoke, self.invoke_later = self._invoker.invoke, self._asynchronous.accept
        self.send_event, self.measure = self._targets.submit, self._pump.metric
        self.access_key = self._permissions.access_key
        self.start_training, self.stop_training = self._training.start, self._training.stop
        self.interrupt_training = self._training.interrupt
        self.start_job_run, self.stop_job_run = self._glue.start, self._glue.stop

    @property
    def has_awslambdaric(self) -> bool:
        return self._settings.awslambdaric and importlib.util.find_spec("awslambdaric") is not None

    def boot(self, *, progress: Callable[[str], None]) -> Deployment:
        settings = self._settings
        seed = _seed(self._journal)
        deployment = deploy(
            settings.assembly,
            self.clients,
            region=settings.region,
            account=settings.account,
            progress=progress,
            before=lambda resource: seed_ids(f"{seed}/{resource}"),
            other_regions=_outputs_of(settings.peer),
        )
        seed_ids(None)
        refuse_foreign_runtimes(deployment)
        self._permissions.learn(deployment)
        self.stacks.learn(deployment)
        self._moto_state.know_templates(deployment)
        self._asynchronous.know_templates(deployment)
        if self._journal:
            progress("restoring the stored data")
            self.recorder.restore()
        progress("starting alarms, event sources, schedules and APIs")
        self._alarms = AlarmWatch(
            deployment,
            clients=self.clients,
            delivery=self._delivery,
            now=self.clock.now,
            report=self._report,
        )
        self._closing.callback(self._alarms.close)
        self.recorder.metrics.watch(self._alarms.take)
        self._sources = EventSources(
            deployment,
            PollerServices(
                clients=self.clients,
                invoke=self._invoker.invoke,
                compile_filter=compile_pattern,
                is_enabled=self._moto_state.mapping_enabled,
                delivery=self._delivery,
                metric=self._pump.metric,
                report=self._report,
            ),
            open_shards=functools.partial(open_shards, recorder=self.recorder),
            region=settings.region,
            account=settings.account,
        )
        self._closing.callback(self._sources.stop)
        services = ApiServices(
            issuer_keys=functools.partial(
                issuer_keys, endpoint=self.endpoint, region=settings.region, user_agent=self._boot_token
            ),
            invoke=self._timed_invocations,
            write_log=self._pump.log,
            region=settings.region,
            account=settings.account,
        )
        for api in (*read_http_apis(deployment, services), *read_rest_apis(deployment, services)):
            server = self._apis[api.api_id] = (RestApiServer if isinstance(api, RestApi) else HttpApiServer)(
                api,
                invoke=self._timed_invocations,
                metric=self._pump.metric,
                max_environments=settings.max_environments,
                port=self._ports.take(f"api {api.name}"),
                tls=self._tls,
            )
            self._closing.callback(server.stop)
        addresses = EndpointRewriter()
        for front in serve_browsers(
            deployment,
            apis=self._apis,
            clients=self.clients,
            addresses=addresses,
            ports=self._ports,
            region=settings.region,
            tls=self._tls,
        ):
            self._closing.callback(front.stop)
        deployment = addresses.localized(deployment, self.clients)
        self._scheduler = Scheduler(
            read_schedules(deployment),
            clock=self.clock,
            targets=self._targets,
            enabled=functools.partial(schedule_enabled, clients=self.clients),
        )
        self._closing.callback(self._scheduler.close)
        if self._journal:
            self._journal.set_fact(PORTS, json.dumps(self._ports.taken))
        invocations, events = self.recorder.left_work(WORK), self.recorder.left_work(TARGET_WORK)
        self.recorder.start()
        self._moto.open()
        for work, done in invocations:
            self._asynchronous.accept(*work)
            done()
        for work, done in events:
            self._targets.submit(*work)
            done()
        self._sources.start()
        self._expiry = Expiry(self.clients, self.recorder, now=self.clock.now, report=self._report)
        self._closing.callback(self._expiry.close)
        fast = fast_starting(deployment)
        threading.Thread(target=self._start_ahead, args=(fast,), name="start ahead", daemon=True).start()
        return deployment

    def _clients_of(self, role_arn: str, session: str) -> Clients:
        key = self._permissions.access_key(role_arn, session)
        return service_clients(self.endpoint, self._settings.region, user_agent=self._boot_token, access_key=key)

    def _start_ahead(self, function_arns: Sequence[str]) -> None:
        with contextlib.suppress(ThrottledError):  # The cloud is closing.
            for arn in function_arns:
                self._invoker.start_ahead(arn)

    def api_urls(self) -> dict[str, str]:
        return {api_id: server.url for api_id, server in self._apis.items()}

    def functions(self, deployment: Deployment) -> dict[str, dict[str, Any]]:
        return function_reports(
            deployment,
            find=self._moto_state.find_function,
            package_sources=self._workspaces.package_sources,
            awslambdaric=self.has_awslambdaric,
        )

    def statistics(self) -> Mapping[str, Any]:
        due = self._scheduler.next_due()
        return {
            "now": self.clock.now().isoformat(),
            "functions": self._invoker.counts(),
            "event_sources": self._sources.counts() if self._sources else {},
            "schedules": {
                name: {"fired": count, "next_due": due[name].isoformat() if name in due else None}
                for name, count in self._scheduler.counts().items()
            },
            "apis": {api_id: server.counts() for api_id, server in self._apis.items()},
            "pending": {"asynchronous": self._asynchronous.pending(), "targets": self._targets.pending()},
        }

    def advance(self, duration: timedelta) -> list[Firing]:
        """Advance the clock and return the fired schedules. Delete expired data if the duration is at least a day."""
        self.flush()  # Alarms use the time at which a metric arrives, so send metrics before the clock advances.
        firings = self._scheduler.advance(duration)
        if duration >= timedelta(days=1):
            self._expiry.run()
        return firings

    def flush(self, timeout_s: float = 10.0) -> int:
        """Wait at most `timeout_s` until all log lines and metrics so far are sent. Return the number of unsent ones.

        Lines of running invocations may be missing.
        """
        deadline_s = time.monotonic() + timeout_s
        self._invoker.settle(timeout_s)
        return self._pump.flush(max(0.0, deadline_s - time.monotonic()))

    def permissions(self) -> Mapping[str, Any]:
        return {"refused": self._permissions.refused(), "grants": self._permissions.grants()}

    def alarms(self) -> dict[str, str]:
        self.flush()
        return self._alarms.evaluate()

    def close(self) -> None:
        self._closing.close()

    def _close_invoker(self) -> None:
        self._invoker.close()
        if self._sources:
            self._sources.join()


def _remembered_ports(journal: Journal | None, *, first: int | None) -> dict[str, int] | None:
    """Return the ports of the previous start by server.

    The result is empty if another first port is requested, and None without a journal.
    """
    if journal is None:
        return None
    stored = journal.fact(PORTS)
    ports: dict[str, int] = json.loads(stored) if stored else {}
    return ports if first in (None, ports.get("aws")) else {}


def _outputs_of(peer: Path | None) -> Outputs:
    if peer is None:
        return {}
    state = CloudState.read(peer)
    return {state.region: state.outputs}


def _seed(journal: Journal | None) -> str:
    """Return the seed of IDs and generated secrets. It is the same at each start with the same data."""
    seed = journal.fact("seed") if journal else None
    if seed is None:
        seed = secrets.token_hex(32)
        if journal:
            journal.set_fact("seed", seed)
    return seed
