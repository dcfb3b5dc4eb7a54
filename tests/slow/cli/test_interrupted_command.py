"""Interruption of commands in their own processes."""

import os
import re
import signal
import subprocess
import sys
import time
from urllib.request import Request, urlopen

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.fakes.places import create_bucket, create_profiles_table
from tests.unit.cli.shop import NAMES, REGION, put_parameters


@pytest.fixture
def server():
    moto = ThreadedMotoServer(port=0)
    moto.start()
    _, port = moto.get_host_and_port()
    url = f"http://127.0.0.1:{port}"
    urlopen(Request(f"{url}/moto-api/reset", method="POST"))  # removes the tables that other tests left in this process
    put_parameters(client(url, "ssm"), "shop")
    for bucket in (NAMES.lake_bucket, NAMES.artefact_bucket):
        create_bucket(client(url, "s3"), bucket)
    create_profiles_table(client(url, "dynamodb"), NAMES.profiles_table)
    yield url
    moto.stop()


def client(url, service):
    return boto3.client(service, region_name=REGION, endpoint_url=url, aws_access_key_id="t", aws_secret_access_key="t")


@pytest.mark.ci
def test_interrupted_import_ends_with_status_130_without_a_traceback(server, tmp_path):
    path = tmp_path / "p.csv"
    rows = "".join(f"{user},a,1500000000\n" for user in range(20_000))
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + rows)
    environment = {**os.environ, "AWS_ENDPOINT_URL": server, "AWS_DEFAULT_REGION": REGION}
    environment |= {"AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t"}
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "from cli.main import main; main()",
            "import",
            "interactions",
            str(path),
            "--event-type",
            "purchase",
            "--env",
            "shop",
        ],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_interrupts,
    )
    imported = process.stderr.readline()
    while not has_profiles(server) and process.poll() is None:
        time.sleep(0.1)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate()

    assert process.returncode == 130, imported + err + out
    assert out == ""
    assert imported.startswith("import p.csv")
    assert "Traceback" not in err
    assert re.search(r"live profiles +stopped after", err)
    assert profiles(server) < 20_000  # the command ended before it wrote all profiles


def heed_interrupts():
    """Enable SIGINT, because a shell ignores it in processes that run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def has_profiles(server):
    """Return whether the table has a profile. A count would delay the server that the import writes to."""
    return bool(client(server, "dynamodb").scan(TableName=NAMES.profiles_table, Limit=1)["Count"])


def profiles(server):
    pages = client(server, "dynamodb").get_paginator("scan").paginate(TableName=NAMES.profiles_table, Select="COUNT")
    return sum(page["Count"] for page in pages)
