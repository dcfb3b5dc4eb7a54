from alsolike.lake.lake_objects import LakeObject, batches


def test_batches_keep_both_limits_and_the_order() -> None:
    objects = [LakeObject("key", size, "etag", 0) for size in (4, 6, 1, 20, 1, 1, 1)]

    found = [[one.size_bytes for one in batch] for batch in batches(objects, max_bytes=10, max_objects=2)]

    assert found == [[4, 6], [1], [20], [1, 1], [1]]
