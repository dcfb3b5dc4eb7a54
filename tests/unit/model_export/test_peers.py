"""Two processes train what one does."""

from pathlib import Path

import orjson
import pytest

from alsolike.errors import InvalidInput
from model_export import peers

NOWHERE = Path("nowhere")


def test_without_a_word_there_is_one_process() -> None:
    place = peers.place({}, NOWHERE)

    assert (place.rank, place.size, place.starts) == (0, 1, 0)


def test_torchrun_says_where_a_process_is() -> None:
    environment = {"RANK": "3", "WORLD_SIZE": "4", "MASTER_ADDR": "10.0.0.1", "MASTER_PORT": "29400"}

    place = peers.place(environment, NOWHERE, processes=8)

    assert place == peers.Place(rank=3, size=4, address="10.0.0.1:29400")


@pytest.mark.parametrize(("current", "rank"), [("algo-1", 0), ("algo-2", 4)])
def test_the_hosts_of_a_job_find_each_other(tmp_path: Path, current: str, rank: int) -> None:
    file = tmp_path / "resourceconfig.json"
    document = {"current_host": current, "hosts": ["algo-2", "algo-1"], "network_interface_name": "eth0"}
    file.write_bytes(orjson.dumps(document))

    place = peers.place({}, file, processes=4)

    assert place == peers.Place(rank=rank, size=8, address="algo-1:29500", starts=3, interface="eth0")


def test_a_host_that_is_not_of_the_job_is_named(tmp_path: Path) -> None:
    file = tmp_path / "resourceconfig.json"
    file.write_bytes(orjson.dumps({"current_host": "algo-3", "hosts": ["algo-1", "algo-2"]}))

    with pytest.raises(InvalidInput, match="current_host 'algo-3', expected one of algo-1, algo-2"):
        peers.place({}, file)
