"""Imports apply the API's rules: rows of erased users are rejected, and IDs are stored in the same form."""

import dataclasses
import time

import pytest

from alsolike.privacy.tombstones import add_tombstone
from alsolike.profiles.profile_table import ProfileStore
from operations.client import deployment as deployments
from operations.ingest.load_interactions import InteractionsImport
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.imported import lake_rows, load, load_users, rejected, stored_users, write

EVENTS = "USER_ID,SESSION_ID,ITEM_ID,TIMESTAMP\nann,visit-1,a,1500000000\nbob,,b,1500000000\n"
USERS = "USER_ID,CITY\nann,Graz\nbob,Linz\n,Wien\n"


@pytest.fixture
def hashing(deployment):
    """Return a deployment whose API stores hashes of IDs."""
    return dataclasses.replace(deployment, names=dataclasses.replace(deployment.names, pseudonymise_ids="1"))


def erase(deployment, user_hash):
    add_tombstone(deployment.client("s3"), "artefacts", user_hash, now_ms=1)


def profiles(deployment):
    return {profile.profile_id for profile in ProfileStore(deployment.client("dynamodb"), "profiles").scan()}


def test_import_of_an_old_file_restores_no_erased_user(deployment, pseudonyms, tmp_path):
    events, users_file = write(tmp_path / "e.csv", EVENTS), write(tmp_path / "u.csv", USERS)
    erase(deployment, pseudonyms.erased_user("ann"))

    load(deployment, events)
    summary = load_users(deployment, users_file)

    assert lake_rows(deployment).user_id.tolist() == ["bob"]
    assert (profiles(deployment), stored_users(deployment)) == ({"u#bob"}, {"bob": {"city": "Linz"}})
    assert rejected(events) == [(2, "USER_ID is an erased user's")]
    assert rejected(users_file) == [(2, "USER_ID is an erased user's"), (4, "USER_ID is missing")]
    assert summary.imported == 1


def test_user_erased_during_the_import_gets_no_profile(deployment, pseudonyms, tmp_path, monkeypatch):
    """Hours may pass between reading a row and writing the profiles, so the erasure workflow may have ended."""
    seed = InteractionsImport.seed

    def later(started):
        erase(deployment, pseudonyms.erased_user("ann"))
        with monkeypatch.context() as patch:
            now_s = time.time() + 60
            patch.setattr(time, "time_ns", lambda: int(now_s * 1e9))
            return seed(started)

    monkeypatch.setattr(InteractionsImport, "seed", later)

    load(deployment, write(tmp_path / "e.csv", EVENTS))

    assert profiles(deployment) == {"u#bob"}


def test_pseudonymised_import_stores_no_plain_id(hashing, pseudonyms, tmp_path):
    load(hashing, write(tmp_path / "e.csv", EVENTS))
    load_users(hashing, write(tmp_path / "u.csv", USERS))

    ann, bob = pseudonyms.user("ann"), pseudonyms.user("bob")
    rows = lake_rows(hashing).sort_values("item_id")
    assert rows.user_id.tolist() == [ann, bob]
    assert rows.session_id.fillna("none").tolist() == [pseudonyms.session("visit-1"), "none"]
    assert profiles(hashing) == {f"u#{ann}", f"u#{bob}"}
    assert stored_users(hashing) == {ann: {"city": "Graz"}, bob: {"city": "Linz"}}


def test_erased_pseudonymised_user_is_not_imported(hashing, pseudonyms, tmp_path):
    erase(hashing, pseudonyms.erased_user(pseudonyms.user("ann")))

    load(hashing, write(tmp_path / "e.csv", EVENTS))
    load_users(hashing, write(tmp_path / "u.csv", USERS))

    bob = pseudonyms.user("bob")
    assert lake_rows(hashing).user_id.tolist() == [bob]
    assert stored_users(hashing) == {bob: {"city": "Linz"}}


def test_profile_command_accepts_the_plain_id(hashing, pseudonyms, tmp_path, monkeypatch):
    monkeypatch.setattr(deployments, "resolve", lambda **_: hashing)
    load(hashing, write(tmp_path / "e.csv", EVENTS))

    shown = run_json("profile", "ann")

    assert shown["profile_id"] == f"u#{pseudonyms.user('ann')}"
    assert [interaction["item_id"] for interaction in shown["recent"]] == ["a"]


def test_unknown_user_message_suggests_the_session_option(deployment, monkeypatch):
    monkeypatch.setattr(deployments, "resolve", lambda **_: deployment)

    assert run("profile", "s-1").stderr == "no data about the user 's-1'. If it is a session, add --session\n"
    assert run("profile", "s-1", "--session").stderr == "no data about the session 's-1'\n"
