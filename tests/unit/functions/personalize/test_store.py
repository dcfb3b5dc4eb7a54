"""DynamoDB table of the control plane's resources."""

import dataclasses

from functions.personalize.store import Resource, ResourceStore


def test_saved_progress_keeps_a_concurrent_update(personalize, aws):
    store = ResourceStore(aws("dynamodb"), "resources")
    read = Resource("Recommender", "mine", "mine", {"recommenderConfig": {}}, 1)
    store.insert(read)
    updated = dataclasses.replace(read, request={"recommenderConfig": {"a": 1}}, updated_ms=2)

    store.update(updated)
    store.save_progress(dataclasses.replace(read, progress={"status": "ACTIVE"}))

    assert store.get("Recommender", "mine", now_ms=3) == dataclasses.replace(updated, progress={"status": "ACTIVE"})
