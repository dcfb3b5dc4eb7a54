"""Runs of Glue jobs, with scripts of plain Python."""

import io
import sys
import threading
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from local_cloud.glue.request import OUTPUT_GROUP, JobRunRequest
from local_cloud.glue.runner import ERROR_GROUP, GlueRunner
from local_cloud.glue.spark import SparkMissing, check_spark, write_spark_defaults
from local_cloud.processes import Processes
from moto_cloud import MotoCloud

BUCKET = "shop"


class Record:
    def __init__(self) -> None:
        self.states: list[str] = []
        self.error_message: str | None = None
        self.running, self.ended = threading.Event(), threading.Event()

    def run(self) -> None:
        self.states.append("RUNNING")
        self.running.set()

    def end(self, state: str, error_message: str | None = None) -> None:
        self.states.append(state)
        self.error_message = error_message
        self.ended.set()


class Lines:
    def __init__(self) -> None:
        self.written: list[tuple[str, str, str]] = []

    def log(self, group: str, stream: str, message: str) -> None:
        self.written.append((group, stream, message))


class Jobs:
    def __init__(self, cloud: MotoCloud, directory: Path) -> None:
        self.s3 = cloud.client("s3")
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.lines = Lines()
        self.processes = Processes(directory)
        self.runner = GlueRunner(
            clients=lambda role, session: cloud.client,
            credentials=lambda role, session: {"AWS_ACCESS_KEY_ID": role},
            processes=self.processes,
            pump=self.lines,  # type: ignore[arg-type]
            directory=directory,
            environment={},
        )

    def put(self, key: str, body: bytes | str) -> str:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=body)
        return f"s3://{BUCKET}/{key}"

    def keys(self) -> dict[str, bytes]:
        found = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {entry["Key"]: self.s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read() for entry in found}

    def start(self, script: str, arguments: Mapping[str, str] | None = None, **fields: object) -> Record:
        record = Record()
        values: dict[str, object] = {
            "job_name": "tidy",
            "run_id": "jr_1",
            "role": "arn:role",
            "kind": "pythonshell",
            "script_s3_uri": self.put("code/tidy.py", script),
            "arguments": arguments or {},
            "max_runtime_s": 60.0,
            **fields,
        }
        self.runner.start(JobRunRequest(**values), record)  # type: ignore[arg-type]
        return record

    def run(self, script: str, arguments: Mapping[str, str] | None = None, **fields: object) -> Record:
        record = self.start(script, arguments, **fields)
        assert record.ended.wait(60)
        return record


@pytest.fixture
def jobs(cloud, tmp_path):
    (tmp_path / "jobs").mkdir()
    running = Jobs(cloud, tmp_path / "jobs")
    yield running
    running.runner.close()
    running.processes.close()


def test_script_gets_arguments_and_libraries_and_writes_two_logs(jobs):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        files.writestr("greeting/__init__.py", "def greet(name): return f'hello {name}'")
    libraries = f"{jobs.put('code/1.zip', archive.getvalue())},{jobs.put('code/parting.py', 'WORD = 5')}"
    script = """
import sys
import greeting, parting
print(sys.argv[1:])
print(greeting.greet("anna"), parting.WORD, file=sys.stderr)
"""
    record = jobs.run(script, {"--name": "anna", "--extra-py-files": libraries})

    assert (record.states, record.error_message) == (["RUNNING", "SUCCEEDED"], None)
    arguments = ["--JOB_NAME", "tidy", "--JOB_RUN_ID", "jr_1", "--name", "anna", "--extra-py-files", libraries]
    assert sorted(jobs.lines.written) == [(ERROR_GROUP, "jr_1", "hello anna 5"), (OUTPUT_GROUP, "jr_1", str(arguments))]


def test_objects_of_uri_arguments_are_files_and_changes_are_uploaded(jobs):
    for key in ("in/a.txt", "in/deep/b.txt", "in/c.txt", "other/d.txt"):
        jobs.put(key, key)
    script = """
import os, pathlib
bucket = pathlib.Path(os.environ["SPARK_CONF_DIR"], "s3", "shop")
assert sorted(str(p.relative_to(bucket)) for p in bucket.rglob("*.txt")) == ["in/a.txt", "in/c.txt", "in/deep/b.txt"]
(bucket / "in/a.txt").unlink()
(bucket / "in/c.txt").write_text("changed")
(bucket / "out").mkdir()
(bucket / "out/e.txt").write_text("new")
(bucket / "out/.e.txt.crc").write_text("checksum file of Hadoop")
"""
    record = jobs.run(script, {"--in": f"s3://{BUCKET}/in/", "--out": f"s3://{BUCKET}/out/"})

    assert record.states == ["RUNNING", "SUCCEEDED"], record.error_message
    assert {key: body.decode() for key, body in jobs.keys().items() if not key.startswith("code/")} == {
        "in/c.txt": "changed",
        "in/deep/b.txt": "in/deep/b.txt",
        "other/d.txt": "other/d.txt",
        "out/e.txt": "new",
    }


def test_exception_of_a_script_is_the_error_message(jobs):
    record = jobs.run("class TooLittle(Exception): pass\nraise TooLittle('3 rows, expected 20')")

    assert (record.states, record.error_message) == (["RUNNING", "FAILED"], "TooLittle: 3 rows, expected 20")
    assert jobs.run("raise SystemExit(3)").error_message == "the script ended with exit code 3"


def test_missing_script_fails_the_run(jobs):
    record = jobs.run("pass", script_s3_uri=f"s3://{BUCKET}/code/other.py")

    assert record.states == ["FAILED"]
    assert record.error_message is not None
    assert record.error_message.startswith("ClientError: ")


def test_run_above_its_time_limit_ends_with_its_processes(jobs):
    record = jobs.run("import time; time.sleep(60)", max_runtime_s=0.2)

    assert (record.states, record.error_message) == (["RUNNING", "TIMEOUT"], "jr_1 ran longer than its time limit")


def test_stopped_run_ends(jobs):
    record = jobs.start("import time; time.sleep(60)")
    assert record.running.wait(60)

    jobs.runner.stop("jr_1")

    assert record.ended.wait(60)
    assert record.states == ["RUNNING", "STOPPED"]


def test_unsupported_commands_are_refused(jobs):
    record = jobs.run("pass", kind="gluestreaming")

    assert record.error_message == (
        "InputError: the command 'gluestreaming' cannot run here, only glueetl and pythonshell can"
    )


def test_missing_spark_error_has_the_installation_command(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SparkMissing, match="needs PySpark here; install it with: pip install pyspark"):
        check_spark()

    monkeypatch.setattr("importlib.util.find_spec", lambda name: sys)
    monkeypatch.setattr("shutil.which", lambda *a, **k: None)
    with pytest.raises(SparkMissing, match="needs Java 17 here; install it, on Debian with: apt-get install openjdk"):
        check_spark()


def test_spark_configuration_maps_buckets_to_folders_and_has_job_settings(tmp_path):
    more = "spark.sql.shuffle.partitions=7 --conf spark.sql.adaptive.enabled=false"

    write_spark_defaults(tmp_path, {"shop": tmp_path / "s3" / "shop"}, more=more)

    lines = (tmp_path / "spark-defaults.conf").read_text().splitlines()
    assert f"spark.hadoop.fs.viewfs.mounttable.shop.linkFallback file://{tmp_path}/s3/shop" in lines
    assert {"spark.sql.shuffle.partitions 7", "spark.sql.adaptive.enabled false"} <= set(lines)
