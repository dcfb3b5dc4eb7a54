"""SageMaker's directories below a directory that replaces `/opt/ml`.

https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-training-algo-running-container.html
"""

import contextlib
import json
import tarfile
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
    count = SyncedDirectory(base / "input" / "data" / channel.name, channel.s3_uri, clients).download()
    if count == 0:
        raise InputError(f"no S3 objects under S3 URL {channel.s3_uri!r} of channel {channel.name}")
    return count


def upload_archive(directory: Path, s3_uri: str, clients: Clients) -> None:
    archive = directory.with_suffix(".tar.gz")
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for path in sorted(directory.iterdir()):
            tar.add(path, arcname=path.name)
    bucket, key = split_s3_uri(s3_uri)
    clients("s3").upload_file(str(archive), bucket, key)


class SyncedDirectory:
    """Directory that is synchronised with the objects below an S3 URI. Without a URI, nothing is copied."""

    def __init__(self, directory: Path, s3_uri: str | None, clients: Clients) -> None:
        self.directory = directory
        self._clients = clients
        self._bucket, self._prefix = split_s3_uri(s3_uri) if s3_uri else ("", "")
        self._versions: dict[Path, tuple[int, int]] = {}
        directory.mkdir(parents=True, exist_ok=True)

    def download(self, prefix: str | None = None) -> int:
        """Copy the objects whose keys start with `prefix`, by default with the key of the URI. Return their number.

        If the key of the URI is a folder, file names are relative to it, otherwise to the folder that contains the key.
        """
        if not self._bucket:
            return 0
        folder, count = self._prefix.rstrip("/"), 0
        pages = self._clients("s3").get_paginator("list_objects_v2")
        for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix if prefix is None else prefix):
            for key in (entry["Key"] for entry in page.get("Contents", ()) if not entry["Key"].endswith("/")):
                inside = key.startswith(f"{folder}/") or not folder
                file = self.directory / (key[len(folder) :] if inside else key[folder.rfind("/") + 1 :]).lstrip("/")
                file.parent.mkdir(parents=True, exist_ok=True)
                self._clients("s3").download_file(self._bucket, key, str(file))
                self._versions[file] = _version(file)
                count += 1
        return count

    def upload(self, *, delete: bool = False) -> None:
        """Copy new and changed files to S3. With `delete`, also delete the objects of deleted files."""
        if not self._bucket:
            return
        files = sorted(path for path in self.directory.rglob("*") if path.is_file())
        for file in files:
            with contextlib.suppress(FileNotFoundError):  # A running job may replace files at any time.
                version = _version(file)
                if self._versions.get(file) != version:
                    self._clients("s3").upload_file(str(file), self._bucket, self._key(file))
                    self._versions[file] = version
        for file in self._versions.keys() - set(files) if delete else ():
            self._clients("s3").delete_object(Bucket=self._bucket, Key=self._key(file))

    def _key(self, file: Path) -> str:
        return f"{self._prefix.rstrip('/')}/{file.relative_to(self.directory).as_posix()}".lstrip("/")


def _version(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_mtime_ns, found.st_size


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
