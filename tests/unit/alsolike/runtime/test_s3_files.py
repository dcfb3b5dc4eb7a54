import pytest

from alsolike.runtime.aws import client
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.s3 import download, upload
from tests.fakes.places import create_bucket

MIB = 1 << 20


@pytest.fixture
def s3(aws):
    create_bucket(aws("s3"), "shop")
    return client("s3")


@pytest.mark.parametrize("size_bytes", [0, 1, 20 * MIB])
def test_file_is_unchanged_after_upload_and_download(size_bytes, s3, tmp_path):
    (tmp_path / "sent").write_bytes(bytes(range(256)) * (size_bytes // 256) or b"\x07" * size_bytes)

    upload(s3, "shop", "models/file", tmp_path / "sent")
    download(s3, "shop", "models/file", tmp_path / "got")

    assert (tmp_path / "got").read_bytes() == (tmp_path / "sent").read_bytes()


def test_download_checks_the_time_before_every_part(s3, tmp_path):
    s3.put_object(Bucket="shop", Key="file", Body=b"0" * (2 * MIB + 1))
    requested = []

    def check_time():
        requested.append(1)
        if len(requested) == 3:
            raise Unavailable("no time")

    with pytest.raises(Unavailable, match="no time"):
        download(s3, "shop", "file", tmp_path / "got", check_time=check_time)

    assert (tmp_path / "got").stat().st_size == 2 * MIB


def test_missing_object_error_has_its_code(s3, tmp_path):
    with pytest.raises(Unavailable, match=r"^s3://shop/file: .*NoSuchKey") as missing:
        download(s3, "shop", "file", tmp_path / "got")

    assert missing.value.code in MISSING
    assert not (tmp_path / "got").exists()


def test_refused_upload_raises_unavailable_with_the_object_name(s3, tmp_path):
    (tmp_path / "sent").write_bytes(b"x")

    with pytest.raises(Unavailable, match=r"^s3://nobody/file: .*NoSuchBucket"):
        upload(s3, "nobody", "file", tmp_path / "sent")
