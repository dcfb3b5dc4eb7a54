import contextlib
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from assemblies import write_assembly
from foreign_cloud import ForeignCloud, eventually
from local_cloud.client import Cloud, CloudError
from local_cloud.state import CloudState


@contextlib.contextmanager
def running(assembly, state, *options):
    """Run a cloud in a separate process group, as a shell does, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", str(assembly), "--state", str(state), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        eventually(lambda: state.exists() and CloudState.read(state).status == "ready")
        yield process
    finally:
        process.kill()
        process.wait()


def busy(state):
    """Start workers and a training job of the cloud. Return the processes and addresses of the cloud."""
    cloud = ForeignCloud(Cloud.attach(state))
    cloud.invoke("WhereFunction", {})
    cloud.train("sh", "-c", "sleep 300 & sleep 300")
    process = psutil.Process(cloud.cloud.state.pid)
    eventually(lambda: "sleep" in [child.name() for child in process.children(recursive=True)])
    found = CloudState.read(state)
    addresses = {found.endpoint, found.admin, *found.apis.values()}
    return [process, *process.children(recursive=True)], sorted(addresses)


def listening(address):
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def alive(processes):
    found = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.status()} {' '.join(process.cmdline())}")
    return found


def assert_ended(processes, directory):
    with contextlib.suppress(AssertionError):
        eventually(lambda: not alive(processes) and not directory.exists())
    assert alive(processes) == []
    assert not directory.exists()


def workspace_of(processes):
    """Return the cloud's directory, which its guardian process removes."""
    lines = [process.cmdline() for process in processes]
    return Path(next(line[-1] for line in lines if any("guardian.py" in part for part in line)))


def test_interrupted_cloud_leaves_no_process_port_or_file(assembly, tmp_path):
    state = tmp_path / "state.json"
    with running(assembly, state) as process:
        processes, addresses = busy(state)
        directory = workspace_of(processes)
        assert all(listening(address) for address in addresses)
        assert len(processes) >= 4  # the cloud, the guardian, a worker and a job

        process.send_signal(signal.SIGINT)
        code = process.wait(60)

    assert code == 0
    assert_ended(processes, directory)
    assert not [address for address in addresses if listening(address)]
    assert not state.exists()


def test_killed_cloud_ends_its_workers_and_jobs(assembly, tmp_path):
    state = tmp_path / "state.json"
    with running(assembly, state) as process:
        processes, _ = busy(state)
        directory = workspace_of(processes)

        process.kill()
        process.wait()

        assert_ended(processes, directory)
    with pytest.raises(CloudError, match="does not run any more"):
        Cloud.attach(state)


def test_cloud_ends_with_its_parent_process_and_two_can_run(assembly, tmp_path, cloud):
    state = tmp_path / "state.json"
    with running(assembly, state, "--stop-with-stdin", "--no-awslambdaric", "--region", "eu-central-1") as process:
        second = ForeignCloud(Cloud.attach(state))
        second.client("s3").put_object(Bucket=second.output("Bucket"), Key="only-here", Body=b"1")

        payload, _ = second.invoke("FailingFunction", {"kind": "nothing"})
        raised, answer = second.invoke("FailingFunction", {"kind": "raise"})
        broken, _ = second.invoke("BrokenFunction", {})

        assert payload["kind"] == "nothing"
        assert answer["FunctionError"] == "Unhandled"
        assert (raised["errorType"], raised["errorMessage"]) == ("ValueError", "as asked")
        assert (broken["errorType"], broken["errorMessage"]) == ("RuntimeError", "broken on purpose")
        report = second.cloud.state.functions[second.output("FailingFunction")]
        assert report["runtime_client"] == "stand-in"
        assert second.http("GET", "/echo/x").status == 200
        assert second.output("LiveAlias").split(":")[3] == "eu-central-1"
        assert second.cloud.endpoint != cloud.cloud.endpoint
        keys = cloud.client("s3").list_objects_v2(Bucket=cloud.output("Bucket")).get("Contents", [])
        assert "only-here" not in [entry["Key"] for entry in keys]

        assert process.stdin
        process.stdin.close()
        assert process.wait(60) == 0


def test_state_file_of_a_running_cloud_is_refused(assembly, cloud, tmp_path):
    state = tmp_path / "state.json"
    cloud.cloud.state.write(state)

    with pytest.raises(CloudError, match=f"belongs to a cloud that runs as process {cloud.cloud.state.pid}"):
        Cloud.start(assembly, state=state)


def test_failed_boot_prints_its_reason(tmp_path):
    odd = {"Type": "AWS::Foo::Bar", "Properties": {}}
    unknown = write_assembly(tmp_path / "unknown", {"Foreign": {"Resources": {"Odd": odd}}})
    state = tmp_path / "state.json"

    with pytest.raises(CloudError, match=r"does not boot: .*stack Foreign, resource Odd \(AWS::Foo::Bar\)"):
        Cloud.start(unknown, state=state)

    assert CloudState.read(state).status == "failed"
    with pytest.raises(CloudError, match=r"did not boot: .*AWS::Foo::Bar"):
        Cloud.attach(state)
    process = subprocess.run(
        [sys.executable, "-m", "local_cloud", str(tmp_path / "nothing")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
    )
    assert process.returncode == 1
    assert "manifest.json does not exist" in process.stderr


def test_cloud_interrupted_during_boot_leaves_no_state_file(tmp_path):
    path, assembly = tmp_path / "state.json", write_assembly(tmp_path / "cdk.out", {})
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", str(assembly), "--state", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    eventually(lambda: path.exists() or process.poll() is not None)

    process.send_signal(signal.SIGINT)

    assert process.wait(60) == 0
    assert not path.exists()


def test_cloud_client_does_not_import_moto():
    script = "import sys, local_cloud.client; sys.exit('moto' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0
