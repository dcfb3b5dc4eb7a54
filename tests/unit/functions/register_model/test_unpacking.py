import gzip
import io
import tarfile
import tracemalloc

import pytest

from alsolike.bundle.files import CONTENT_FILE, GRAPH_FILE, PUBLIC_FILE
from alsolike.runtime.errors import InvalidBundle
from functions.register_model import unpacking
from tests.builders.bundles import archive_of, write_bundle


@pytest.fixture
def bundle(tmp_path):
    write_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


@pytest.fixture
def target(tmp_path):
    (tmp_path / "target").mkdir()
    return tmp_path / "target"


def unpack_bundle(archive, directory, *, maximum_bytes=1_000_000):
    return unpacking.unpack_bundle(archive, directory, maximum_bytes=maximum_bytes)


def with_member(archive, member, data=b""):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as source, tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member.size = len(data)
        tar.addfile(member, io.BytesIO(data))
        for known in source:
            tar.addfile(known, source.extractfile(known))
    return buffer.getvalue()


@pytest.mark.parametrize("prefix", ["", "./"])
def test_archive_of_a_bundle_is_unpacked(prefix, bundle, target):
    opened = unpack_bundle(io.BytesIO(archive_of(bundle, prefix=prefix)), target)

    assert opened.manifest.version == "v1"


def test_archive_may_contain_its_root_folder(bundle, target):
    folder = tarfile.TarInfo("./")
    folder.type = tarfile.DIRTYPE

    assert unpack_bundle(io.BytesIO(with_member(archive_of(bundle), folder)), target).manifest.version == "v1"


LINK = tarfile.TarInfo("manifest.json")
LINK.type, LINK.linkname = tarfile.SYMTYPE, "/etc/passwd"
FOLDER = tarfile.TarInfo("inner")
FOLDER.type = tarfile.DIRTYPE
FILES = [tarfile.TarInfo(name) for name in ("code.py", "../manifest.json", "/tmp/manifest.json", "inner/manifest.json")]


@pytest.mark.parametrize("member", [LINK, FOLDER, *FILES], ids=lambda member: member.name)
def test_archive_with_an_unexpected_member_is_refused(member, bundle, target):
    archive = with_member(archive_of(bundle), member, b"{}" if member.isreg() else b"")

    with pytest.raises(InvalidBundle, match=f"contains '{member.name}', which is not part of a model bundle"):
        unpack_bundle(io.BytesIO(archive), target)

    assert list(target.iterdir()) == []


def test_archive_above_the_size_limit_is_refused(bundle, target):
    size_bytes = sum(path.stat().st_size for path in bundle.iterdir() if path.name not in (CONTENT_FILE, PUBLIC_FILE))

    unpack_bundle(io.BytesIO(archive_of(bundle)), target, maximum_bytes=size_bytes)
    with pytest.raises(InvalidBundle, match=f"more than {size_bytes - 1} bytes"):
        unpack_bundle(io.BytesIO(archive_of(bundle)), target, maximum_bytes=size_bytes - 1)


def test_content_index_has_a_separate_size_limit(bundle, target):
    size_bytes = sum(path.stat().st_size for path in bundle.iterdir())
    (bundle / CONTENT_FILE).write_bytes(b"x" * (size_bytes + 1))

    with pytest.raises(InvalidBundle, match=f"more than {size_bytes} bytes with '.*{CONTENT_FILE}'"):
        unpack_bundle(io.BytesIO(archive_of(bundle)), target, maximum_bytes=size_bytes)


@pytest.mark.parametrize("name", [CONTENT_FILE, GRAPH_FILE])
def test_archive_with_a_repeated_file_is_refused(name, bundle, target):
    """With a limit per file, a repeated file could exceed the limit of all files."""
    archive = with_member(archive_of(bundle), tarfile.TarInfo(name), b"x" * 900_000)

    with pytest.raises(InvalidBundle, match=f"contains './{name}' twice"):
        unpack_bundle(io.BytesIO(archive), target)


def extended(kind, data, *, times=1, after=b""):
    header = tarfile.TarInfo("x")
    header.type, header.size = kind, len(data)
    block = header.tobuf(tarfile.USTAR_FORMAT) + data + bytes(-len(data) % 512)
    return gzip.compress(block * times + after)


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK])
def test_extended_header_above_the_limit_is_not_read(kind, target):
    record = b"19999999 comment=" + b"x" * 19_999_981 + b"\n"
    archive = extended(kind, record)

    tracemalloc.start()
    try:
        with pytest.raises(InvalidBundle, match="headers of more than 100000 bytes"):
            unpack_bundle(io.BytesIO(archive), target)
        _, max_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert max_bytes < 3_000_000 + len(archive)


def test_many_small_extended_headers_are_refused(target):
    with pytest.raises(InvalidBundle):
        unpack_bundle(io.BytesIO(extended(tarfile.XHDTYPE, b"12 path=abc\n", times=5_000)), target)


def test_sparse_file_map_above_the_limit_is_not_read(target):
    """A sparse file starts with the number of its parts, whose list tarfile reads into memory."""
    records = b"".join(b"%d %s\n" % (len(text) + 4, text) for text in (b"GNU.sparse.major=1", b"GNU.sparse.minor=0"))
    member = tarfile.TarInfo("graph.data")
    member.size = 50_000_000
    table = b"9000000\n" + b"0\n" * 9_000_000
    archive = extended(tarfile.XHDTYPE, records, after=member.tobuf(tarfile.USTAR_FORMAT) + table)

    with pytest.raises(InvalidBundle):
        unpack_bundle(io.BytesIO(archive), target)

    assert list(target.iterdir()) == []


@pytest.mark.parametrize("size", [b"-1", b"-1000000", b"1000001"])
def test_invalid_size_in_an_extended_header_is_refused(size, target):
    text = b"size=" + size
    record = b"%d %s\n" % (len(text) + 4, text)
    member = tarfile.TarInfo("graph.data").tobuf(tarfile.USTAR_FORMAT)

    with pytest.raises(InvalidBundle):
        unpack_bundle(io.BytesIO(extended(tarfile.XHDTYPE, record, after=member + bytes(20_000))), target)


def test_ordinary_extended_headers_before_each_file_are_accepted(bundle, target):
    """Python writes an extended header with the modification time before each file."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(bundle.iterdir()):
            member = tar.gettarinfo(str(path), path.name)
            member.pax_headers = {"comment": "x" * 20_000}
            with path.open("rb") as file:
                tar.addfile(member, file)

    assert unpack_bundle(io.BytesIO(buffer.getvalue()), target).manifest.version == "v1"


@pytest.mark.parametrize("cut", [0, 10, 400])
def test_truncated_or_invalid_archive_is_refused(cut, bundle, target):
    with pytest.raises(InvalidBundle):
        unpack_bundle(io.BytesIO(archive_of(bundle)[:cut] if cut else b"no archive"), target)


def test_file_with_a_wrong_checksum_is_refused(bundle, target):
    (bundle / "popular.npy").write_bytes((bundle / "popular.npy").read_bytes()[:-1] + b"\x07")

    with pytest.raises(InvalidBundle, match=r"popular\.npy is .*sha256"):
        unpack_bundle(io.BytesIO(archive_of(bundle)), target)
