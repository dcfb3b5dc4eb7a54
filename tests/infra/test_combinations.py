"""What Lambda and API Gateway refuse only when a stack is being deployed."""

import pytest

from infra_cdk.constructs.event_stream import check_windows
from infra_cdk.constructs.python_function import check_fast_start
from tests.infra.assembly import Assembly


def test_snapstart_excludes_provisioned_concurrency() -> None:
    with pytest.raises(ValueError, match="'recommend': SnapStart and provisioned concurrency exclude each other"):
        check_fast_start("recommend", snap_start=True, provisioned_concurrency=2, storage_mb=512)


def test_snapstart_allows_512_mb_of_storage() -> None:
    with pytest.raises(ValueError, match="'recommend': SnapStart allows 512 MB of /tmp, 1024 MB are asked for"):
        check_fast_start("recommend", snap_start=True, provisioned_concurrency=0, storage_mb=1024)


@pytest.mark.parametrize(("snap_start", "concurrency", "storage_mb"), [(True, 0, 512), (False, 2, 1024)])
def test_either_way_of_starting_fast_is_allowed(snap_start: bool, concurrency: int, storage_mb: int) -> None:
    check_fast_start("recommend", snap_start=snap_start, provisioned_concurrency=concurrency, storage_mb=storage_mb)


def test_tumbling_window_excludes_parallel_batches_of_a_shard() -> None:
    with pytest.raises(ValueError, match=r"tumbling window \(60 s\) allows a parallelization factor of 1 only, 2 is"):
        check_windows(parallelization_factor=2, tumbling_window_s=60)


def test_no_function_has_both_ways_of_starting_fast(assembly: Assembly) -> None:
    provisioned = {
        alias.properties["FunctionName"]["Ref"]
        for alias in assembly.of_type("AWS::Lambda::Alias")
        if "ProvisionedConcurrencyConfig" in alias.properties
    }
    snapped = {f.logical_id for f in assembly.of_type("AWS::Lambda::Function") if "SnapStart" in f.properties}

    assert not provisioned & snapped


def test_snapstart_is_on_where_callers_wait_in_production_only(demo: Assembly, prod: Assembly) -> None:
    def snapped(assembly: Assembly) -> set[str]:
        functions = assembly.of_type("AWS::Lambda::Function")
        return {f.properties["Handler"].split(".")[1] for f in functions if "SnapStart" in f.properties}

    assert (snapped(demo), snapped(prod)) == (set(), {"collect", "recommend"})
    storage = prod.function("recommend").properties["EphemeralStorage"]
    assert storage == {"Size": 512}


def test_no_mapping_has_a_tumbling_window_with_parallel_batches(assembly: Assembly) -> None:
    for mapping in assembly.of_type("AWS::Lambda::EventSourceMapping"):
        factor = mapping.properties.get("ParallelizationFactor", 1)
        assert factor == 1 or "TumblingWindowInSeconds" not in mapping.properties
