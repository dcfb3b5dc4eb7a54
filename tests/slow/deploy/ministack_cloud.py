"""Process of ministack, with the CDK's CLI and the clients that use it."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.fakes.ports import reserved_port

ROOT = Path(__file__).parents[3]
MINISTACK = ROOT / ".venv" / "ministack"
NODE, CDK = Path(sys.executable).with_name("node"), ROOT / "node_modules" / "aws-cdk" / "bin" / "cdk"
ACCOUNT, REGION = "000000000000", "us-east-1"
START_S, COMMAND_S = 120, 1_200


@dataclass(frozen=True, slots=True)
class Cloud:
    port: int
    home: Path

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that make programs use this cloud instead of AWS."""
        endpoint = f"http://127.0.0.1:{self.port}"
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return kept | {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ENDPOINT_URL_S3": endpoint,  # the CDK's CLI reads this one for S3
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "HOME": str(self.home),
        }

    def cdk(self, *arguments: str, app: Path) -> str:
        return self.run(str(NODE), str(CDK), *arguments, "--app", str(app), "--ci")

    def run(self, *command: str, cwd: Path = ROOT) -> str:
        done = subprocess.run(
            command, cwd=cwd, env=self.variables, capture_output=True, text=True, timeout=COMMAND_S, check=False
        )
        if done.returncode:
            raise CommandFailed(f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stdout

    def deploy(self, app: Path) -> None:
        self.cdk("deploy", "--all", "--require-approval", "never", "--concurrency", "4", app=app)

    def client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self.port}",
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def stacks(self) -> dict[str, str]:
        described = self.client("cloudformation").describe_stacks()["Stacks"]
        return {
            stack["StackName"]: stack["StackStatus"]
            for stack in described
            if stack["StackName"].startswith("alsolike-") and stack["StackStatus"] != "DELETE_COMPLETE"
        }

    def template(self, stack: str) -> dict[str, Any]:
        body = self.client("cloudformation").get_template(StackName=stack)["TemplateBody"]
        template: dict[str, Any] = json.loads(body) if isinstance(body, str) else body
        return template

    def physical_ids(self, types: set[str]) -> dict[tuple[str, str], str]:
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            (stack, resource["LogicalResourceId"]): resource["PhysicalResourceId"]
            for stack in self.stacks()
            for page in pages.paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
            if resource["ResourceType"] in types
        }


class CommandFailed(Exception):
    """Command that ended with an error. The message contains its output."""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cloud]:
    assert MINISTACK.is_dir(), "ministack is not installed: make setup WITH=deploy"
    cloud = Cloud(reserved_port(), folder)
    variables = cloud.variables | {
        "PYTHONPATH": os.pathsep.join(map(str, (MINISTACK, ROOT, ROOT / "layers" / "core" / "python"))),
        "GATEWAY_PORT": str(cloud.port),
        "IOT_MTLS_ENABLED": "0",  # IoT and SFTP would listen on fixed ports.
        "SFTP_ENABLED": "0",
        "STATE_DIR": str(folder / "state"),
    }
    command = [sys.executable, "-m", "tests.slow.deploy.server", str(cloud.port)]
    with (folder / "ministack.log").open("w") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log)
    try:
        _wait(cloud, process, folder / "ministack.log")
        cloud.run(str(NODE), str(CDK), "bootstrap", f"aws://{ACCOUNT}/{REGION}", "--ci", cwd=folder)
        yield cloud
    finally:
        process.terminate()
        process.wait()


def _wait(cloud: Cloud, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{cloud.port}/_ministack/health").close()
            return
        time.sleep(0.1)
    raise AssertionError(f"ministack does not run:\n{log.read_text()[-4000:]}")
