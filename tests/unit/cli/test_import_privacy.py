"""Imports apply the API's rules: rows of erased users are rejected, and IDs are stored in the same form."""

import csv
import dataclasses
import io
import json
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from alsolike.catalogue.users import UserStore
from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.store import ProfileStore
from cli.main import app
from operations.client import deployment as deployments
from operations.ingest.load import InteractionsImport, import_interactions
from operations.ingest.load_metadata import import_users

NOW_MS = 1_700_000_000_000
EVENTS = "USER_ID,SESSION_ID,ITEM_ID,TIMESTAMP\nann,visit-1,a,1500000000\nbob,,b,1500000000\n"
USERS = "USER_ID,CITY\nann,Graz\nbob,Linz\n,Wien\n"


@pytest.fixture
def hashing(deployment):
    """Return a deployment whose API stores hashes of IDs."""
    return dataclasses.replace(deployment, names=dataclasses.replace(deployment.names, pseudonymise_ids="1"))


def erase(deployment, user_hash):
    add_tombstone(deployment.client("s3"), "artefacts", user_hash, now_ms=1)


def rows(deployment):
    s3 = deployment.client("s3")
    found = s3.list_objects_v2(Bucket="lake").get("Contents", [])
    bodies = [s3.get_object(Bucket="lake", Key=entry["Key"])["Body"].read() for entry in found]
    rows: list[dict[str, Any]] = pa.concat_tables([pq.read_table(io.BytesIO(body)) for body in bodies]).to_pylist()
    return sorted(rows, key=lambda row: row["item_id"])


def users(deployment):
    return {each.user_id: dict(each.properties) for each in UserStore(deployment.client("dynamodb"), "users").scan()}


def profiles(deployment):
    return {each.profile_id for each in ProfileStore(deployment.client("dynamodb"), "profiles").scan()}


def write(path, text):
    path.write_text(text)
    return path


def reasons(path):
    with path.with_name(f"{path.name}.rejected.csv").open(encoding="utf-8", newline="") as file:
        return [row["reason"] for row in csv.DictReader(file)]


def load(deployment, path):
    import_interactions([path], deployment, default_event_type="view", now_ms=NOW_MS)


def test_import_of_an_old_file_restores_no_erased_user(deployment, pseudonyms, tmp_path):
    events, users_file = write(tmp_path / "e.csv", EVENTS), write(tmp_path / "u.csv", USERS)
    erase(deployment, pseudonyms.erased_user("ann"))

    load(deployment, events)
    summary = import_users([users_file], deployment, now_ms=NOW_MS)

    assert [row["user_id"] for row in rows(deployment)] == ["bob"]
    assert (profiles(deployment), users(deployment)) == ({"u#bob"}, {"bob": {"city": "Linz"}})
    assert reasons(events) == ["USER_ID is an erased user's"]
    assert reasons(users_file) == ["USER_ID is an erased user's", "USER_ID is missing"]
    assert summary.imported == 1


def test_user_erased_during_the_import_gets_no_profile(deployment, pseudonyms, tmp_path, monkeypatch):
    """Hours may pass between reading a row and writing the profiles, so the erasure workflow may have ended."""
    seed = InteractionsImport.seed

    def later(run):
        erase(deployment, pseudonyms.erased_user("ann"))
        with monkeypatch.context() as patch:
            now_s = time.time() + 60
            patch.setattr(time, "time_ns", lambda: int(now_s * 1e9))
            return seed(run)

    monkeypatch.setattr(InteractionsImport, "seed", later)

    load(deployment, write(tmp_path / "e.csv", EVENTS))

    assert profiles(deployment) == {"u#bob"}


def test_pseudonymised_import_stores_no_plain_id(hashing, pseudonyms, tmp_path):
    load(hashing, write(tmp_path / "e.csv", EVENTS))
    import_users([write(tmp_path / "u.csv", USERS)], hashing, now_ms=NOW_MS)

    ann, bob = pseudonyms.user("ann"), pseudonyms.user("bob")
    found = [(row["user_id"], row["session_id"]) for row in rows(hashing)]
    assert found == [(ann, pseudonyms.session("visit-1")), (bob, None)]
    assert profiles(hashing) == {f"u#{ann}", f"u#{bob}"}
    assert users(hashing) == {ann: {"city": "Graz"}, bob: {"city": "Linz"}}


def test_erased_pseudonymised_user_is_not_imported(hashing, pseudonyms, tmp_path):
    erase(hashing, pseudonyms.erased_user(pseudonyms.user("ann")))

    load(hashing, write(tmp_path / "e.csv", EVENTS))
    import_users([write(tmp_path / "u.csv", USERS)], hashing, now_ms=NOW_MS)

    bob = pseudonyms.user("bob")
    assert [row["user_id"] for row in rows(hashing)] == [bob]
    assert users(hashing) == {bob: {"city": "Linz"}}


def test_profile_command_accepts_the_plain_id(hashing, pseudonyms, tmp_path, monkeypatch):
    monkeypatch.setattr(deployments, "resolve", lambda **_: hashing)
    load(hashing, write(tmp_path / "e.csv", EVENTS))

    shown = json.loads(CliRunner().invoke(app, ["profile", "ann", "--json"], catch_exceptions=False).stdout)

    assert shown["profile_id"] == f"u#{pseudonyms.user('ann')}"
    assert [each["item_id"] for each in shown["recent"]] == ["a"]


def test_unknown_user_message_suggests_the_session_option(deployment, monkeypatch):
    monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)

    user = CliRunner().invoke(app, ["profile", "s-1"], catch_exceptions=False)
    session = CliRunner().invoke(app, ["profile", "s-1", "--session"], catch_exceptions=False)

    assert user.stderr == "no data about the user 's-1'. If it is a session, add --session\n"
    assert session.stderr == "no data about the session 's-1'\n"
