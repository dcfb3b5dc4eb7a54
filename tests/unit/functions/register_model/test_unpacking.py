import io
import tarfile
from pathlib import Path

import pytest

from alsolike.bundle import CONTENT_FILE, Bundle
from alsolike.errors import InvalidBundle
from functions.register_model import unpacking
from tests.builders.bundles import archive_of, write_bundle


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    write_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def unpack_bundle(archive: io.BytesIO, directory: Path, *, maximum_bytes: int = 1_000_000) -> Bundle:
    return unpacking.unpack_bundle(archive, directory, maximum_bytes=maximum_bytes)


def with_member(archive: bytes, member: tarfile.TarInfo, data: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as source, tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
        for known in source:
            tar.addfile(known, source.extractfile(known))
    return buffer.getvalue()


@pytest.mark.parametrize("prefix", ["", "./"])
def test_archive_of_a_bundle_opens(prefix: str, bundle: Path, target: Path) -> None:
    opened = unpack_bundle(io.BytesIO(archive_of(bundle, prefix=prefix)), target)

    assert opened.manifest.version == "v1"


def test_folder_itself_may_be_in_the_archive(bundle: Path, target: Path) -> None:
    folder = tarfile.TarInfo("./")
    folder.type = tarfile.DIRTYPE

    assert unpack_bundle(io.BytesIO(with_member(archive_of(bundle), folder)), target).manifest.version == "v1"


@pytest.mark.parametrize("name", ["code.py", "../manifest.json", "/tmp/manifest.json", "inner/manifest.json"])
def test_any_other_file_is_refused(name: str, bundle: Path, target: Path) -> None:
    archive = with_member(archive_of(bundle), tarfile.TarInfo(name), b"{}")

    with pytest.raises(InvalidBundle, match=f"holds '{name}', which is no file of a model bundle"):
        unpack_bundle(io.BytesIO(archive), target)

    assert list(target.iterdir()) == []


def test_link_under_an_expected_name_is_refused(bundle: Path, target: Path) -> None:
    link = tarfile.TarInfo("manifest.json")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"

    with pytest.raises(InvalidBundle, match=r"holds 'manifest.json'"):
        unpack_bundle(io.BytesIO(with_member(archive_of(bundle), link)), target)


def test_archive_that_unpacks_to_too_much_is_refused(bundle: Path, target: Path) -> None:
    size_bytes = sum(path.stat().st_size for path in bundle.iterdir() if path.name != CONTENT_FILE)

    unpack_bundle(io.BytesIO(archive_of(bundle)), target, maximum_bytes=size_bytes)
    with pytest.raises(InvalidBundle, match=f"more than {size_bytes - 1} bytes"):
        unpack_bundle(io.BytesIO(archive_of(bundle)), target, maximum_bytes=size_bytes - 1)


def test_content_index_counts_by_itself_since_serving_does_not_read_it(bundle: Path, target: Path) -> None:
    size_bytes = sum(path.stat().st_size for path in bundle.iterdir())
    (bundle / CONTENT_FILE).write_bytes(b"x" * (size_bytes + 1))

    with pytest.raises(InvalidBundle, match=f"more than {size_bytes} bytes, at '.*{CONTENT_FILE}'"):
        unpack_bundle(io.BytesIO(archive_of(bundle)), target, maximum_bytes=size_bytes)


@pytest.mark.parametrize("cut", [0, 10, 400])
def test_cut_or_foreign_archive_is_refused(cut: int, bundle: Path, target: Path) -> None:
    with pytest.raises(InvalidBundle):
        unpack_bundle(io.BytesIO(archive_of(bundle)[:cut] if cut else b"no archive"), target)


def test_changed_file_is_refused(bundle: Path, target: Path) -> None:
    (bundle / "popular.npy").write_bytes((bundle / "popular.npy").read_bytes()[:-1] + b"\x07")

    with pytest.raises(InvalidBundle, match=r"popular\.npy is .*sha256"):
        unpack_bundle(io.BytesIO(archive_of(bundle)), target)
