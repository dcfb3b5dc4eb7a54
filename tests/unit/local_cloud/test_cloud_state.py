import base64
import dataclasses
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from local_cloud.client import Cloud, CloudError
from local_cloud.state import CloudState, StateError

STATE = CloudState("ready", os.getpid(), "us-east-1", "123456789012", "2026-01-30T10:00:00+00:00", "/cdk.out")
NO_PROCESS = 2**22 + 1  # above the kernel's highest


def test_state_is_read_as_it_was_written_and_only_by_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "state.json"

    STATE.write(path)

    assert CloudState.read(path) == STATE
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    with pytest.raises(StateError, match=r"state\.json does not exist"):
        CloudState.read(path)

    path.write_text('{"other": 1}')
    with pytest.raises(StateError, match="is not the state file"):
        CloudState.read(path)


def test_cloud_that_died_is_not_attached_to(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    CloudState("ready", NO_PROCESS, "us-east-1", "123456789012", "", "").write(path)

    with pytest.raises(CloudError, match=f"process {NO_PROCESS}. does not run any more"):
        Cloud.attach(path)


def test_cloud_that_is_booting_is_not_attached_to(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    CloudState("starting", os.getpid(), "us-east-1", "123456789012", "", "").write(path)

    with pytest.raises(CloudError, match="is still starting"):
        Cloud.attach(path)


def test_api_must_be_named_where_there_are_several() -> None:
    state = CloudState("ready", 1, "r", "a", "", "", apis={"a": "http://1", "b": "http://2"})

    with pytest.raises(CloudError, match="there are 2 HTTP APIs: a, b"):
        _ = Cloud(state).api_url


def test_only_ones_own_state_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    STATE.write(path)

    CloudState.forget(path, pid=NO_PROCESS)
    assert path.exists()

    CloudState.forget(path, pid=STATE.pid)
    assert not path.exists()


def test_why_a_cloud_did_not_boot_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    dataclasses.replace(STATE, status="failed", error="no such assembly").write(path)

    CloudState.forget(path, pid=STATE.pid)

    with pytest.raises(CloudError, match="did not boot: no such assembly"):
        Cloud.attach(path)


def test_cloud_that_is_interrupted_while_it_boots_leaves_no_state(tmp_path: Path) -> None:
    path, assembly = tmp_path / "state.json", tmp_path / "cdk.out"
    assembly.mkdir()
    (assembly / "manifest.json").write_text('{"version": "36.0.0", "artifacts": {}}')
    process = subprocess.Popen(
        [sys.executable, "-m", "local_cloud", str(assembly), "--state", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)

    process.send_signal(signal.SIGINT)

    assert process.wait(30) == 0
    assert not path.exists()


def test_token_comes_from_the_client_with_the_fewest_scopes_that_has_them_all(moto_endpoint: str) -> None:
    state = dataclasses.replace(STATE, endpoint=moto_endpoint)
    cognito = Cloud(state).client("cognito-idp")
    pool = cognito.create_user_pool(PoolName="shop")["UserPool"]["Id"]
    scopes = {
        "reader": ["api/read"],
        "writer": ["api/read", "api/write"],
        "owner": ["api/read", "api/write", "api/own"],
    }
    clients = {
        name: cognito.create_user_pool_client(UserPoolId=pool, ClientName=name, AllowedOAuthScopes=allowed)[
            "UserPoolClient"
        ]["ClientId"]
        for name, allowed in scopes.items()
    }
    cloud = Cloud(dataclasses.replace(state, user_pools={pool: list(clients.values())}))

    issued = {asked: _client_id(cloud.token([f"api/{asked}"])) for asked in ("read", "write", "own")}

    assert issued == {"read": clients["reader"], "write": clients["writer"], "own": clients["owner"]}
    with pytest.raises(CloudError, match=r"no client of user pool .* may have the scopes api/other"):
        cloud.token(["api/other"])


def _client_id(token: str) -> str:
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return str(claims["client_id"])
