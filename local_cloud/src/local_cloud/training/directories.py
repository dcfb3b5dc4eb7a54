"""SageMaker's directories below a directory that replaces `/opt/ml`.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import contextlib
import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from local_cloud.deployment import Clients
from local_cloud.training.request import Channel, TrainingRequest


class InputError(Exception): ...


def prepare_directories(base: Path, request: TrainingRequest) -> None:
    """Create the directories and write the configuration files that a container expects."""
    for name in ("input/config", "input/data", "model", "output/data", "checkpoints", "code"):
        (base / name).mkdir(parents=True, exist_ok=True)
    channels = {
        channel.name: {
            "TrainingInputMode": channel.input_mode,
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
        | ({"ContentType": channel.content_type} if channel.content_type else {})
        for channel in request.channels
    }
    resources = {
        "current_host": "algo-1",
        "current_instance_type": request.instance_type,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": request.instance_type,
                "hosts": ["algo-1"],
            }
        ],
        "network_interface_name": "lo",
    }
    hyperparameters = {name: str(value) for name, value in request.hyperparameters.items()}
    _write(base, "hyperparameters.json", hyperparameters)
    _write(base, "inputdataconfig.json", channels)
    _write(base, "resourceconfig.json", resources)


def download_channel(channel: Channel, base: Path, clients: Clients) -> int:
    """Copy the objects of a channel below `input/data/<channel>` and return their number."""
    if channel.input_mode not in ("File", "FastFile"):
        raise InputError(f"channel {channel.name}: input mode {channel.input_mode} is not implemented here")
    if not channel.s3_uri:
        raise InputError(f"channel {channel.name}: only S3 data sources are implemented here")
    count = download_prefix(channel.s3_uri, base / "input" / "data" / channel.name, clients)
    if count == 0:
        raise InputError(f"no S3 objects under S3 URL {channel.s3_uri!r} of channel {channel.name}")
    return count


def download_prefix(s3_uri: str, target: Path, clients: Clients) -> int:
    """Copy the objects whose keys start with the key of a URI, and return their number.

    If the key is a folder, file names are relative to this folder, otherwise to the folder that contains the key.
    """
    bucket, prefix = split_s3_uri(s3_uri)
    target.mkdir(parents=True, exist_ok=True)
    count = 0
    for key in file_keys(bucket, prefix, clients):
        inside = key[len(prefix) :] if key.startswith(f"{prefix.rstrip('/')}/") or not prefix else ""
        file = target / (inside.lstrip("/") or key[prefix.rfind("/") + 1 :])
        file.parent.mkdir(parents=True, exist_ok=True)
        clients("s3").download_file(bucket, key, str(file))
        count += 1
    return count


def file_keys(bucket: str, prefix: str, clients: Clients) -> Iterator[str]:
    """Yield the keys with a prefix, except for folder markers: keys that end with a slash."""
    for page in clients("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from (entry["Key"] for entry in page.get("Contents", []) if not entry["Key"].endswith("/"))


def upload_archive(directory: Path, s3_uri: str, clients: Clients) -> None:
    archive = directory.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(directory.iterdir()):
            tar.add(path, arcname=path.name)
    bucket, key = split_s3_uri(s3_uri)
    clients("s3").upload_file(str(archive), bucket, key)


class Checkpoints:
    """Directory that is synchronised with S3 while a job runs. Without a URI, checkpoints are not stored.

    As with SageMaker, files that the job deletes remain in S3.
    """

    def __init__(self, directory: Path, s3_uri: str | None, clients: Clients) -> None:
        self._directory = directory
        self._s3_uri = s3_uri
        self._clients = clients
        self._uploaded: dict[Path, tuple[int, int]] = {}

    def download(self) -> None:
        if self._s3_uri:
            download_prefix(self._s3_uri, self._directory, self._clients)

    def upload(self) -> None:
        if not self._s3_uri:
            return
        bucket, prefix = split_s3_uri(self._s3_uri)
        for file in sorted(path for path in self._directory.rglob("*") if path.is_file()):
            with contextlib.suppress(FileNotFoundError):  # the job may replace files at any time
                state = file.stat()
                version = (state.st_mtime_ns, state.st_size)
                if self._uploaded.get(file) != version:
                    key = f"{prefix.rstrip('/')}/{file.relative_to(self._directory).as_posix()}".lstrip("/")
                    self._clients("s3").upload_file(str(file), bucket, key)
                    self._uploaded[file] = version


def split_s3_uri(uri: str) -> tuple[str, str]:
    """Split a URI `s3://bucket/key`, or the https form that the CDK writes, into bucket and key."""
    if uri.startswith("https://s3."):
        uri = "s3://" + uri.removeprefix("https://").partition("/")[2]
    if not uri.startswith("s3://"):
        raise InputError(f"{uri!r} is no S3 URI")
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _write(base: Path, name: str, content: Any) -> None:
    (base / "input" / "config" / name).write_text(json.dumps(content), encoding="utf-8")
