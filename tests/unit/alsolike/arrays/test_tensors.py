import json

import numpy as np
import pytest

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.runtime.errors import InvalidSnapshot


def write(path):
    tensors = {
        "bytes": np.array([1, 2, 3], np.uint8),
        "numbers": np.array([0.5, np.nan]),
        "none": np.zeros(0, np.int32),
    }
    with path.open("wb") as file:
        write_tensors(file, tensors, metadata={"format": "x"})
    return tensors


def test_arrays_are_read_back_mapped_and_read_only(tmp_path):
    written = write(tmp_path / "t")

    tensors, metadata = map_tensors(tmp_path / "t")

    assert metadata == {"format": "x"}
    assert tensors.keys() == written.keys()
    for name, array in written.items():
        np.testing.assert_array_equal(tensors[name], array)
        assert tensors[name].dtype == array.dtype
        assert not tensors[name].flags.owndata
        assert not tensors[name].flags.writeable
    assert tensors["numbers"].flags.aligned


def test_file_has_the_layout_of_the_safetensors_format(tmp_path):
    write(tmp_path / "t")

    data = (tmp_path / "t").read_bytes()

    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    assert header["numbers"] == {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
    assert header["bytes"] == {"dtype": "U8", "shape": [3], "data_offsets": [16, 19]}
    assert len(data) == 8 + size + 19
    assert size % 8 == 0


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: b"\xff" * len(data),
        lambda data: data.replace(b'"F64"', b'"F16"'),
        lambda data: data.replace(b"[16,19]", b"[16,99]"),
        lambda data: data.replace(b"__metadata__", b"__metadatb__"),
    ],
)
def test_damaged_file_is_refused(tmp_path, damage):
    write(tmp_path / "t")
    (tmp_path / "t").write_bytes(damage((tmp_path / "t").read_bytes()))

    with pytest.raises(InvalidSnapshot, match="t is unreadable"):
        map_tensors(tmp_path / "t")
