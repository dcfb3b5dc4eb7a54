import dataclasses
import os
import stat

import pytest

from local_cloud.client import Cloud, CloudError
from local_cloud.state import CloudState, StateError
from memory_process import NO_PROCESS

STATE = CloudState("ready", os.getpid(), "us-east-1", "123456789012", "2026-01-30T10:00:00+00:00", "/cdk.out")


def test_state_is_unchanged_after_write_and_read_and_private(tmp_path):
    path = tmp_path / "deep" / "state.json"

    STATE.write(path)

    assert CloudState.read(path) == STATE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_missing_and_foreign_files_are_errors_with_their_path(tmp_path):
    path = tmp_path / "state.json"
    with pytest.raises(StateError, match=r"state\.json does not exist"):
        CloudState.read(path)

    path.write_text('{"other": 1}')
    with pytest.raises(StateError, match="is not the state file"):
        CloudState.read(path)


def test_attaching_to_a_dead_cloud_is_refused(tmp_path):
    path = tmp_path / "state.json"
    CloudState("ready", NO_PROCESS, "us-east-1", "123456789012", "", "").write(path)

    with pytest.raises(CloudError, match=f"process {NO_PROCESS}. does not run any more"):
        Cloud.attach(path)


def test_attaching_to_a_booting_cloud_is_refused(tmp_path):
    path = tmp_path / "state.json"
    CloudState("starting", os.getpid(), "us-east-1", "123456789012", "", "").write(path)

    with pytest.raises(CloudError, match="is still starting"):
        Cloud.attach(path)


def test_api_url_of_several_apis_is_an_error():
    state = CloudState("ready", 1, "r", "a", "", "", apis={"a": "http://1", "b": "http://2"})

    with pytest.raises(CloudError, match="there are 2 HTTP APIs: a, b"):
        _ = Cloud(state).api_url


def test_state_is_deleted_only_by_its_process(tmp_path):
    path = tmp_path / "state.json"
    STATE.write(path)

    CloudState.forget(path, pid=NO_PROCESS)
    assert path.exists()

    CloudState.forget(path, pid=STATE.pid)
    assert not path.exists()


def test_reason_of_a_failed_boot_is_kept(tmp_path):
    path = tmp_path / "state.json"
    dataclasses.replace(STATE, status="failed", error="no such assembly").write(path)

    CloudState.forget(path, pid=STATE.pid)

    with pytest.raises(CloudError, match="did not boot: no such assembly"):
        Cloud.attach(path)
