"""Buckets as directories, so that Spark can read and write `s3://` without a connector for S3.

Before the script starts, the objects below the S3 URIs in its arguments are copied to a directory per bucket. After the
script ends, new, changed and deleted files are synchronised to S3. While the script runs, nothing is synchronised.
"""

from pathlib import Path

from local_cloud.deployment import Clients
from local_cloud.training.directories import file_keys, split_s3_uri


class Mirror:
    def __init__(self, directory: Path, clients: Clients) -> None:
        self._directory = directory
        self._clients = clients
        self._before: dict[Path, tuple[int, int]] = {}
        self.buckets: dict[str, Path] = {}

    def download(self, s3_uri: str) -> None:
        """Copy the objects whose keys start with the key of the URI."""
        bucket, prefix = split_s3_uri(s3_uri)
        target = self.buckets.setdefault(bucket, self._directory / bucket)
        target.mkdir(parents=True, exist_ok=True)
        for key in file_keys(bucket, prefix, self._clients):
            file = target / key
            file.parent.mkdir(parents=True, exist_ok=True)
            self._clients("s3").download_file(bucket, key, str(file))
            self._before[file] = _state(file)

    def upload(self) -> None:
        for bucket, directory in self.buckets.items():
            files = (file for file in sorted(directory.rglob("*")) if file.is_file() and not _is_checksum(file))
            now = {file: _state(file) for file in files}
            for file, state in now.items():
                if self._before.get(file) != state:
                    self._clients("s3").upload_file(str(file), bucket, file.relative_to(directory).as_posix())
            for file in self._before.keys() - now.keys():
                if file.is_relative_to(directory):
                    key = file.relative_to(directory).as_posix()
                    self._clients("s3").delete_object(Bucket=bucket, Key=key)


def _is_checksum(file: Path) -> bool:
    """Return whether a file is a Hadoop checksum, which must not be uploaded."""
    return file.name.startswith(".") and file.suffix == ".crc"


def _state(file: Path) -> tuple[int, int]:
    found = file.stat()
    return found.st_size, found.st_mtime_ns
