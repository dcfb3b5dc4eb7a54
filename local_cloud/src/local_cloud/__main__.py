"""Command that runs a cloud in the foreground: `python -m local_cloud cdk.out --state FILE`."""

import argparse
import contextlib
import faulthandler
import gc
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TextIO, get_args

from local_cloud.assembly import read_assembly
from local_cloud.deployment import Deployment, DeploymentError
from local_cloud.settings import DEFAULT_MODE, CloudSettings, Mode, configure_process
from local_cloud.state import FAILED, FAILED_LINE, READY, READY_LINE, CloudState, StateError
from local_cloud.storage.journal import DataError

_SIGNAL_CHECK_S = 0.2
_CLOSE_TIMEOUT_S = 15.0
_GC_THRESHOLD = 50_000
_FULL_COLLECTION_S = 3_600


def main() -> int:
    options = vars(_parse())
    path: Path | None = options.pop("state")
    stop_with_stdin = options.pop("stop_with_stdin")
    settings = CloudSettings(**options)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if stop_with_stdin:
        threading.Thread(target=_stop_with_stdin, daemon=True).start()
    state = CloudState(
        status="starting",
        pid=os.getpid(),
        region=settings.region,
        account=settings.account,
        started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        assembly=str(settings.assembly.resolve()),
    )
    try:
        if path:
            CloudState.claim(path)
            state.write(path)
        return _run(settings, state, path)
    except KeyboardInterrupt:
        if path:
            CloudState.forget(path, pid=os.getpid())
        return 0
    except (DeploymentError, StateError, DataError) as error:
        if path and not isinstance(error, StateError):
            replace(state, status=FAILED, error=str(error)).write(path)
        _print_line(f"{FAILED_LINE} {error}", stream=sys.stderr)
        return 1
    except Exception as error:
        if path:
            replace(state, status=FAILED, error=f"{type(error).__name__}: {error}").write(path)
        raise


def _run(settings: CloudSettings, state: CloudState, path: Path | None) -> int:
    read_assembly(settings.assembly)  # A wrong directory is reported immediately, before moto is imported.
    configure_process(settings)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    logging.getLogger("moto").setLevel(logging.ERROR)
    # moto stores its state in millions of Python objects, which the garbage collector would scan during requests.
    # Therefore, objects that survive a collection are scanned again only every `_FULL_COLLECTION_S`.
    gc.set_threshold(_GC_THRESHOLD)
    gc.callbacks.append(lambda phase, _: gc.freeze() if phase == "stop" else None)
    _print_line("starting moto")
    # moto reads its settings from the environment when it is imported.
    from local_cloud.moto_imports import import_ec2

    import_ec2()
    from local_cloud.cloud import LocalCloud
    from local_cloud.control_server import AdminServer
    from local_cloud.replication import replicated_stores

    stopped = threading.Event()
    cloud = LocalCloud(settings, report=lambda line: _print_line(line, stream=sys.stderr))
    admin = None
    try:
        deployment = cloud.boot(progress=_print_line)
        admin = AdminServer(cloud, token=state.admin_token, stop=stopped.set)
        state = replace(
            state,
            status=READY,
            endpoint=cloud.endpoint,
            admin=admin.url,
            apis=_api_urls(deployment, cloud.api_urls()),
            outputs=deployment.outputs,
            functions=cloud.functions(deployment),
            user_pools=_user_pools(deployment),
            replicated=replicated_stores(deployment, region=settings.region),
            peer=str(settings.peer.resolve()) if settings.peer else "",
            certificate=str(cloud.certificate.resolve()) if cloud.certificate else "",
        )
        if path:
            state.write(path)
        _print_line(f"{READY_LINE} {cloud.endpoint}")
        # The timeout is necessary, because the kernel may deliver a signal to another thread. The main thread runs
        # Python's signal handlers, but only when it wakes up.
        next_collection_s = time.monotonic() + _FULL_COLLECTION_S
        while not stopped.wait(_SIGNAL_CHECK_S):
            if time.monotonic() > next_collection_s:
                next_collection_s = time.monotonic() + _FULL_COLLECTION_S
                gc.unfreeze()
                gc.collect()
    except KeyboardInterrupt:
        pass
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        # If closing hangs, print the stack traces. The guardian then ends the remaining processes.
        faulthandler.dump_traceback_later(_CLOSE_TIMEOUT_S, exit=True)
        if admin:
            admin.stop()
        cloud.close()
        faulthandler.cancel_dump_traceback_later()
    if path:
        path.unlink(missing_ok=True)
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description="Run a CDK cloud assembly locally.")
    parser.add_argument("assembly", type=Path, help="directory of the assembly, such as cdk.out")
    parser.add_argument("--state", type=Path, help="file that says how to reach the cloud")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("--account", default="123456789012")
    parser.add_argument(
        "--max-environments", type=int, default=4, help="execution environments that one function may have at once"
    )
    parser.add_argument(
        "--port", type=int, help="first of the consecutive ports that the servers take; free ones by default"
    )
    parser.add_argument("--tls", type=Path, help="serve HTTPS; folder of the certificate, which is made where it lacks")
    parser.add_argument("--data", type=Path, help="directory that keeps what is stored; nothing by default")
    parser.add_argument(
        "--permissions",
        choices=get_args(Mode),
        default=DEFAULT_MODE,
        help="answer requests that IAM would refuse with AccessDenied, warn of them, or check none",
    )
    parser.add_argument(
        "--peer", type=Path, help="state file of a cloud of another region, whose outputs templates read"
    )
    parser.add_argument(
        "--no-awslambdaric",
        dest="awslambdaric",
        action="store_false",
        help="run functions under the pure-Python stand-in",
    )
    parser.add_argument(
        "--stop-with-stdin", action="store_true", help="stop when standard input ends, as it does with its owner"
    )
    return parser.parse_args()


def _api_urls(deployment: Deployment, urls: dict[str, str]) -> dict[str, str]:
    apis = (*deployment.of_type("AWS::ApiGatewayV2::Api"), *deployment.of_type("AWS::ApiGateway::RestApi"))
    names = {api.physical_id: api.properties.get("Name") for api in apis}
    return urls | {name: urls[api_id] for api_id, name in names.items() if name and api_id in urls}


def _user_pools(deployment: Deployment) -> dict[str, list[str]]:
    pools: dict[str, list[str]] = {pool.physical_id: [] for pool in deployment.of_type("AWS::Cognito::UserPool")}
    for client in deployment.of_type("AWS::Cognito::UserPoolClient"):
        pools.setdefault(client.properties["UserPoolId"], []).append(client.physical_id)
    return pools


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _stop_with_stdin() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _print_line(line: str, *, stream: TextIO | None = None) -> None:
    stream = stream or sys.stdout
    # The process that reads the output may have ended.
    with contextlib.suppress(BrokenPipeError):
        stream.write(f"{line}\n")
        stream.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Do not wait for the threads of moto's state machines.
    os._exit(code)
