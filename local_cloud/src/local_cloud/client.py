"""Client of a cloud in another process. It starts, finds, calls and stops the cloud, and advances its clock."""

import json
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from local_cloud.boot_process import Booting
from local_cloud.settings import Mode
from local_cloud.state import FAILED, READY, CloudState, StateError

_STOP_TIMEOUT_S = 30.0


class CloudError(Exception):
    """Error if a cloud does not start, run or stop, or if a request or lookup fails."""


class Cloud:
    """Running cloud in another process.

    Use `start` as a context manager, or `attach` for a running cloud.

    Examples
    --------
    >>> with Cloud.start(Path("cdk.out")) as cloud:  # doctest: +SKIP
    ...     cloud.client("s3").list_buckets()
    """

    def __init__(
        self, state: CloudState, *, path: Path | None = None, process: subprocess.Popen[str] | None = None
    ) -> None:
        self.state = state
        self._path = path
        self._process = process
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._clients: dict[str, Any] = {}
        self._pool_clients: dict[frozenset[str], str] = {}

    @classmethod
    def start(
        cls,
        assembly: Path,
        *,
        state: Path | None = None,
        region: str = "us-east-1",
        account: str = "123456789012",
        timeout_s: float = 120.0,
        awslambdaric: bool = True,
        port: int | None = None,
        tls: Path | None = None,
        data: Path | None = None,
        permissions: Mode | None = None,
        peer: Path | None = None,
        progress: Callable[[str], None] = lambda line: None,
    ) -> Self:
        """Start a cloud that ends with this process, and return when the cloud is ready.

        Parameters
        ----------
        state
            Path of the state file. Default: a temporary path.
        port
            First of the consecutive ports of the servers. Default: free ports.
        tls
            Folder of the certificate for HTTPS. Default: HTTP.
        data
            Directory that stores the cloud's data for the next start. Default: no storage.
        permissions
            `enforce` reports and rejects requests that IAM would refuse, `warn` only reports them, and `off` does
            neither. Default: the default of ``python -m local_cloud``.
        peer
            State file of a running cloud of another region. Templates may read the outputs of its stacks.
        progress
            Function that is called with each line that the cloud prints while it starts.

        Raises
        ------
        CloudError
            If the cloud does not start. The message contains the reason.
        """
        directory = None if state else tempfile.TemporaryDirectory(prefix="cloud-state-")
        path = state or Path(directory.name if directory else "") / "state.json"
        command = [sys.executable, "-m", "local_cloud", str(assembly), "--state", str(path), "--stop-with-stdin"]
        command += ["--region", region, "--account", account, *([] if awslambdaric else ["--no-awslambdaric"])]
        command += [] if port is None else ["--port", str(port)]
        command += ["--tls", str(tls)] if tls else []
        command += ["--permissions", permissions] if permissions else []
        command += ["--peer", str(peer)] if peer else []
        command += [] if data is None else ["--data", str(data)]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,  # Ctrl-C must reach only this process, which then stops the cloud.
        )
        with Booting(process, path, progress) as booting:
            settled = booting.settled.wait(timeout_s)
        if not settled or process.poll() is not None or not booting.ready:
            process.kill()
            process.wait()
            failure = booting.failure(timeout_s)
            CloudState.forget(path, pid=process.pid)
            raise CloudError(failure)
        cloud = cls(CloudState.read(path), path=path, process=process)
        cloud._directory = directory
        return cloud

    @classmethod
    def attach(cls, state: Path) -> Self:
        """Return the client of the cloud that a state file describes.

        Raises
        ------
        CloudError
            If no cloud with this state file is ready.
        """
        try:
            found = CloudState.read(state)
        except StateError as error:
            raise CloudError(str(error)) from error
        if found.status == FAILED:
            raise CloudError(f"the cloud of {state} did not boot: {found.error}")
        if not found.alive:
            raise CloudError(f"the cloud of {state} (process {found.pid}) does not run any more")
        if found.status != READY:
            raise CloudError(f"the cloud of {state} (process {found.pid}) is still {found.status}")
        return cls(found, path=state)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def endpoint(self) -> str:
        """Address of all AWS services."""
        return self.state.endpoint

    @property
    def outputs(self) -> Mapping[str, Mapping[str, str]]:
        """Outputs of each stack."""
        return self.state.outputs

    @property
    def api_url(self) -> str:
        """URL of the only API.

        Raises
        ------
        CloudError
            If there is no API or more than one. Use `state.apis` if there are several.
        """
        urls = set(self.state.apis.values())
        if len(urls) != 1:
            raise CloudError(f"there are {len(urls)} HTTP APIs: {', '.join(sorted(self.state.apis)) or 'none'}")
        return urls.pop()

    def output(self, name: str) -> str:
        """Return the value of the output `name`. Only one stack may have an output of this name.

        Raises
        ------
        CloudError
            If no stack or several stacks have such an output.
        """
        found = [values[name] for values in self.outputs.values() if name in values]
        if len(found) != 1:
            raise CloudError(f"{len(found)} stacks have an output {name!r}")
        return found[0]

    def client(self, service: str) -> Any:
        """Return the boto3 client of a service.

        Clients are cached, because creating a client takes tens of milliseconds.
        """
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    def _new_client(self, service: str) -> Any:
        import boto3  # The import takes half of a short command's time.
        from botocore.config import Config

        return boto3.client(
            service,
            region_name=self.state.region,
            endpoint_url=self.endpoint,
            aws_access_key_id="local",
            aws_secret_access_key="local",  # noqa: S106  moto takes any
            config=Config(
                retries={"max_attempts": 2},
                proxies={},
                s3={"addressing_style": "path"},
                # Validation takes a quarter of the client's time when many items are written.
                parameter_validation=service != "dynamodb",
            ),
        )

    def token(self, scopes: Sequence[str] = (), *, lifetime_s: int = 3600) -> str:
        """Create an access token of the only user pool, because moto has no token endpoint.

        The token is for the pool's only client. If there are several clients, it is for the client that may have
        `scopes` and has the fewest scopes.
        """
        from local_cloud.tokens import mint_access_token  # joserfc takes a tenth of a second to import.

        pool = _only(list(self.state.user_pools), "user pools")
        if frozenset(scopes) not in self._pool_clients:
            self._pool_clients[frozenset(scopes)] = self._client_with(scopes, pool=pool)
        client = self._pool_clients[frozenset(scopes)]
        return mint_access_token(
            user_pool_id=pool, client_id=client, scopes=scopes, region=self.state.region, lifetime_s=lifetime_s
        )

    def _client_with(self, scopes: Sequence[str], *, pool: str) -> str:
        clients = list(self.state.user_pools.get(pool, []))
        if len(clients) < 2:
            return _only(clients, f"clients of user pool {pool}")
        cognito = self.client("cognito-idp")
        allowed = {
            client: cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"].get(
                "AllowedOAuthScopes", []
            )
            for client in clients
        }
        fitting = [client for client in clients if set(scopes) <= set(allowed[client])]
        if not fitting:
            raise CloudError(f"no client of user pool {pool} may have the scopes {', '.join(scopes)}")
        return min(fitting, key=lambda client: len(allowed[client]))

    def advance(self, duration: timedelta) -> list[dict[str, str]]:
        """Advance the cloud's clock, fire due schedules, and delete expired data if the duration is at least a day.

        Return the name and due time of each fired schedule, in the order of due times.
        """
        fired: list[dict[str, str]] = self._request("POST", "/advance", {"seconds": duration.total_seconds()})["fired"]
        return fired

    def alarms(self) -> dict[str, str]:
        """Evaluate every alarm now, and return the states by name."""
        states: dict[str, str] = self._request("POST", "/alarms")["alarms"]
        return states

    def interrupt_training(self, name: str) -> None:
        """Interrupt a running spot training job. It restarts from its checkpoints, as on another instance.

        Raises
        ------
        CloudError
            If no spot training job with this name runs.
        """
        self._request("POST", "/interrupt-training", {"name": name})

    def stats(self) -> dict[str, Any]:
        """Return statistics since the start, such as the numbers of invocations, batches, firings and responses."""
        return self._request("GET", "/statistics")

    def permissions(self) -> dict[str, Any]:
        """Return the number of refused requests by message, and the granted actions with their use so far."""
        return self._request("GET", "/permissions")

    def flush(self) -> None:
        """Wait until CloudWatch has the log lines and metrics so far, at most 30 s.

        Raises
        ------
        CloudError
            If lines or metrics still wait after 30 s.
        """
        if waiting := self._request("POST", "/flush")["waiting"]:
            raise CloudError(
                f"{waiting} log lines and metrics still wait for CloudWatch; the cloud is too busy, so flush it again"
            )

    @property
    def was_stopped(self) -> bool:
        """True if the state file no longer exists, as after `stop`, SIGINT or SIGTERM."""
        return self._path is not None and not self._path.exists()

    def stop(self) -> None:
        """Stop the cloud and wait until it has ended. Further calls have no effect."""
        if self.state.alive:
            try:
                self._request("POST", "/stop")
            except CloudError:
                if self.state.alive and self._process:
                    self._process.terminate()
        deadline = time.monotonic() + _STOP_TIMEOUT_S
        while self.state.alive:
            if self._process and self._process.poll() is not None:
                break
            if time.monotonic() > deadline:
                raise CloudError(f"the cloud (process {self.state.pid}) does not stop")
            time.sleep(0.05)
        if self._process:
            self._process.wait(_STOP_TIMEOUT_S)
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    stream.close()
        if self._path:
            CloudState.forget(self._path, pid=self.state.pid)  # A killed cloud leaves its state file.
        if self._directory:
            self._directory.cleanup()

    def _request(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        request = urllib.request.Request(  # noqa: S310  the cloud's own address
            f"{self.state.admin}{path}",
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"X-Cloud-Token": self.state.admin_token},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            raise CloudError(f"{method} {path}: {error.read().decode(errors='replace')}") from error
        except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
            raise CloudError(f"the cloud at {self.state.admin} does not answer: {error}") from error


def _only(candidates: Sequence[str], kind: str) -> str:
    if len(candidates) != 1:
        raise CloudError(f"there are {len(candidates)} {kind}")
    return candidates[0]
