"""Recommendations for many users, with an invoked function in this process."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from operations.batch import batch_client, run, table
from operations.batch.user_ids import UserIds
from operations.client.deployment import Deployment
from operations.concurrent_map import in_order
from tests.unit.cli import command_line
from tests.unit.cli.shop import KEY, NAMES


class Function:
    """Lambda client that returns two items per user, the second one popular, and that fails on demand.

    `failures` has the failures of the next invocations by the first user of the batch. An invocation processes at most
    `maximum` users.
    """

    def __init__(self):
        self.failures = {}
        self.maximum = 1_000
        self.batches = []
        self._lock = threading.Lock()

    def invoke(self, *, FunctionName, Payload):  # noqa: N803 - as boto3 has it
        assert FunctionName == NAMES.recommend_function
        batch = json.loads(Payload)["batch"]
        with self._lock:
            self.batches.append(batch)
            failures = self.failures.get(batch["users"][0], [])
            failure = failures.pop(0) if failures else None
        if isinstance(failure, BaseException):
            raise failure
        if failure is not None:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(json.dumps(failure).encode())}
        results = [self._result(user) for user in batch["users"][: self.maximum]]
        document = {"answered": len(results), "notDone": len(batch["users"]) - len(results), "results": results}
        return {"Payload": io.BytesIO(json.dumps(document).encode())}

    def _result(self, user):
        if "bad" in user:
            return {"error": f'userId is "{user}", expected better'}
        items = [{"itemId": f"{user}-1", "score": 0.5}, {"itemId": "hit", "score": 0.25}]
        result = {"userId": user, "itemList": items, "source": "model", "modelVersion": "v1", "filled": 1}
        return {**result, "degraded": ["stale-model"]} if user == "u3" else result


@pytest.fixture
def function(select, monkeypatch):
    function = Function()
    select(Deployment("shop", NAMES, lambda service: function, lambda: KEY, is_local=True))
    monkeypatch.setattr(batch_client.BatchClient.__init__, "__kwdefaults__", {"first_pause_s": 0.0})
    return function


@pytest.fixture
def recommend(tmp_path, monkeypatch):
    """Return a function that runs the command in a temporary folder, and checks its exit status."""
    monkeypatch.chdir(tmp_path)

    def recommend(users, *options, exit_code=0, stdin=None):
        arguments = ["recommend", "--users", users, *options]
        done = command_line.run(*arguments, input=stdin, catch_exceptions=True)
        assert done.exit_code == exit_code, done.output
        return done

    return recommend


def write(name, users):
    Path(name).write_text("".join(f"{user}\n" for user in users))
    return name


def refused_by_aws(code):
    return ClientError({"Error": {"Code": code, "Message": "no"}}, "Invoke")


def test_file_has_one_row_per_item_in_the_order_of_users(function, recommend, monkeypatch):
    monkeypatch.setattr(run, "BATCH_USERS", 3)
    monkeypatch.setattr(table, "ROW_GROUP_ROWS", 4)
    users = [f"u{number}" for number in range(10)]

    done = recommend(write("users.txt", users), "-k", "2", "--parallel", "4")

    found = pq.ParquetFile("recommendations.parquet")
    assert found.schema_arrow.equals(table.SCHEMA)
    assert found.metadata.num_row_groups == 5
    assert found.read().to_pylist()[:4] == [
        row("u0", 1, "u0-1", 0.5, "model"),
        row("u0", 2, "hit", 0.25, "popular"),
        row("u1", 1, "u1-1", 0.5, "model"),
        row("u1", 2, "hit", 0.25, "popular"),
    ]
    assert found.read()["user_id"].to_pylist() == [user for user in users for _ in range(2)]
    assert sorted(len(batch["users"]) for batch in function.batches) == [1, 3, 3, 3]
    assert done.stdout.startswith("10 users, 20 items in ")
    assert "10 from model" in done.stdout
    assert "degraded: 1 x stale-model" in done.stdout
    assert sorted(path.name for path in Path().iterdir()) == ["recommendations.parquet", "users.txt"]


def row(user, rank, item, score, source):
    return {
        "user_id": user, "rank": rank, "item_id": item, "score": score, "source": source, "model_version": "v1",
        "recommender": "for-you",
    }  # fmt: skip


def test_options_are_passed_to_the_function(function, recommend):
    question = ("--recommender", "buy-again", "--filter", "cheap", "--value", "PRICE=20", "--value", "TAG=a=b")

    recommend(write("users.txt", ["anna"]), *question, "--output", "out.parquet")

    assert function.batches == [{
        "users": ["anna"], "recommender": "buy-again", "numResults": 25, "filter": "cheap",
        "filterValues": {"PRICE": "20", "TAG": "a=b"},
    }]  # fmt: skip
    assert pq.read_table("out.parquet")["recommender"].to_pylist() == ["buy-again"] * 2


def test_failed_users_are_listed_with_reasons_and_can_be_retried(function, recommend, monkeypatch):
    monkeypatch.setattr(run, "BATCH_USERS", 2)
    Path("users.csv").write_text("USER_ID,AGE\nu0,1\nbad,2\n,3\nu1\nu2,4\nu3,5\nu4,6\n")
    timeout = {"errorType": "Sandbox.Timedout", "errorMessage": "too slow"}
    function.failures["u2"] = [timeout] * batch_client.MAX_ATTEMPTS

    done = recommend("users.csv", exit_code=1)

    assert Path("users.csv.failed.csv").read_text().splitlines() == [
        "USER_ID,LINE,REASON",
        'bad,3,"userId is ""bad"", expected better"',
        ",4,USER_ID is missing",
        'u1,5,"has 1 columns, expected 2"',
        "u2,6,not answered: Sandbox.Timedout: too slow",
        "u3,7,not answered: Sandbox.Timedout: too slow",
    ]
    assert pq.read_table("recommendations.parquet")["user_id"].to_pylist() == ["u0", "u0", "u4", "u4"]
    assert "5 users without an answer, listed with reasons in users.csv.failed.csv" in done.stderr

    done = recommend("users.csv.failed.csv", "--json", exit_code=1)

    assert json.loads(done.stdout)["sources"] == {"model": 3}  # The users u1, u2 and u3 have a response.


def test_successful_run_deletes_the_failed_file_of_an_earlier_run(function, recommend):
    write("users.txt.failed.csv", ["old"])

    recommend(write("users.txt", ["u1"]))

    assert not Path("users.txt.failed.csv").exists()


def test_throttled_and_failed_invocations_are_retried(function, recommend, monkeypatch):
    monkeypatch.setattr(run, "BATCH_USERS", 2)
    throttled = refused_by_aws("TooManyRequestsException")
    function.failures["u0"] = [throttled, {"errorType": "Unavailable", "errorMessage": "S3"}, throttled]

    recommend(write("users.txt", ["u0", "u1", "u2"]))

    assert pq.read_table("recommendations.parquet")["user_id"].to_pylist() == ["u0", "u0", "u1", "u1", "u2", "u2"]
    assert len(function.batches) == 5


def test_users_not_done_are_sent_again(function, recommend):
    function.maximum = 2

    recommend(write("users.txt", ["u0", "u1", "u2", "u3", "u4"]))

    assert [len(batch["users"]) for batch in function.batches] == [5, 3, 1]
    assert len(pq.read_table("recommendations.parquet")) == 10


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        ({"errorType": "InvalidInput", "errorMessage": "batch.recommender is wrong"}, "batch.recommender is wrong"),
        ({"errorType": "NotFound", "errorMessage": "filterArn ends in 'x'"}, "filterArn ends in 'x'"),
        (refused_by_aws("AccessDeniedException"), "AccessDeniedException"),
    ],
)
def test_invalid_request_ends_the_run_without_a_file(function, recommend, failure, message):
    function.failures["u0"] = [failure]

    done = recommend(write("users.txt", ["u0"]), exit_code=1)

    assert message in str(done.exception)
    assert len(function.batches) == 1
    assert [path.name for path in Path().iterdir()] == ["users.txt"]


def test_interrupted_run_keeps_the_previous_file(function, recommend, monkeypatch):
    monkeypatch.setattr(run, "BATCH_USERS", 1)
    Path("recommendations.parquet").write_bytes(b"before")
    function.failures["u5"] = [KeyboardInterrupt()]

    done = recommend(write("users.txt", [f"u{number}" for number in range(100)]), "--parallel", "1", exit_code=130)

    assert "stopped; nothing was written" in done.stderr
    assert Path("recommendations.parquet").read_bytes() == b"before"
    assert sorted(path.name for path in Path().iterdir()) == ["recommendations.parquet", "users.txt"]
    assert len(function.batches) < 20  # The remaining users of the hundred were not requested.


def test_long_lists_are_requested_in_smaller_batches(function, recommend):
    recommend(write("users.txt", [f"u{n}" for n in range(120)]), "-k", "500")

    assert sorted(len(batch["users"]) for batch in function.batches) == [20, 50, 50]


def test_empty_user_list_gives_an_empty_table(function, recommend):
    recommend(write("users.txt", []))

    assert pq.read_table("recommendations.parquet").schema.equals(table.SCHEMA)
    assert not function.batches


@pytest.mark.parametrize("output", ["folder", "queue", ".", "/"])
@pytest.mark.parametrize("users", ["users.txt", "-"])
def test_output_that_is_not_a_file_is_refused_before_any_request(function, recommend, output, users):
    """The command would replace a device, such as /dev/stdout or /dev/null, by a regular file."""
    write("users.txt", ["anna"])
    Path("folder").mkdir()
    os.mkfifo("queue")

    done = recommend(users, "--output", output, stdin=b"anna\n", exit_code=1)

    assert f"{output} exists and is not a regular file" in str(done.exception)
    assert not function.batches
    assert Path("queue").is_fifo()
    assert sorted(path.name for path in Path().iterdir()) == ["folder", "queue", "users.txt"]


def test_symbolic_link_is_kept_and_its_target_replaced(function, recommend):
    Path("folder").mkdir()
    Path("latest.parquet").symlink_to("folder/table.parquet")

    recommend(write("users.txt", ["anna"]), "--output", "latest.parquet")

    assert Path("latest.parquet").is_symlink()
    assert pq.read_table("folder/table.parquet")["user_id"].to_pylist() == ["anna"] * 2


def test_users_are_read_from_csv_parquet_lines_and_stdin(function, recommend):
    Path("a.csv").write_text("AGE,user_id\n3,u1\n4,7\n")
    pq.write_table(pa.table({"USER_ID": pa.array(["u1", "7"]).dictionary_encode(), "AGE": [3, 4]}), "b.parquet")
    pq.write_table(pa.table({"USER_ID": [1, 7]}), "c.parquet")
    Path("d").write_bytes(b"u1\r\n\r\n7")
    Path("e").write_bytes(b"\xef\xbb\xbfu1\r\n7\r\n")  # Windows writes a byte order mark.

    for name, expected in (
        ("a.csv", "u1"), ("b.parquet", "u1"), ("c.parquet", "1"), ("d", "u1"), ("e", "u1"), ("-", "u1")
    ):  # fmt: skip
        recommend(name, stdin=b"u1\n7\n" if name == "-" else None)
        assert pq.read_table("recommendations.parquet")["user_id"].to_pylist() == [expected] * 2 + ["7"] * 2


def test_users_are_read_from_a_pipe(function, recommend):
    """A shell passes a pipe as a file name for `<(cut -f1 users.tsv)`."""
    reading, writing = os.pipe()
    os.write(writing, b"u1\n7\n")
    os.close(writing)

    recommend(f"/dev/fd/{reading}")

    os.close(reading)
    assert pq.read_table("recommendations.parquet")["user_id"].to_pylist() == ["u1"] * 2 + ["7"] * 2


def test_users_are_read_only_shortly_before_their_requests(function, recommend, monkeypatch):
    """Memory must not grow with the number of users."""
    monkeypatch.setattr(run, "BATCH_USERS", 1)
    read: list[int] = []

    def lines():
        for number in range(50):
            read.append(number)
            yield f"u{number}\n".encode()

    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=lines()))

    ids = UserIds("-", lambda: None).read()

    for count, _ in enumerate(in_order(ids, lambda user: user.text, parallel=2)):
        assert len(read) - count <= 4
    assert count == 49


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere.txt", None, "nowhere.txt does not exist"),
        ("a.csv", b"ID\n1\n", "a.csv has no column USER_ID, but ID"),
        ("a.txt", b"anna\n\xff\n", "a.txt, line 2: "),
        ("s3://bucket/ids.txt", None, "s3://bucket/ids.txt has an unknown extension"),
    ],
)
def test_invalid_input_error_names_the_file(function, recommend, name, content, message):
    if content is not None:
        Path(name).write_bytes(content)

    done = recommend(name, exit_code=1)

    assert str(done.exception).startswith(message)
    assert not Path("recommendations.parquet").exists()
