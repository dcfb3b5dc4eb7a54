"""Program for Amazon Personalize, from the creation of the dataset group to its deletion, with an unchanged boto3."""

import json

import numpy as np

from tests.booted import personalize_scenario
from tests.booted.uploads import IMPORT_BUCKET, upload_interactions


def test_program_provisions_trains_recommends_and_cleans_up(shop, personalize):
    s3 = shop.cloud.client("s3")
    location = upload_interactions(s3)
    s3.put_object(Bucket=IMPORT_BUCKET, Key="users.json", Body=b'{"userId": "p-1"}\n{"userId": "nobody"}\n')
    # Otherwise, the gate would compare the program's model with the champion of the other tests in this folder.
    shop.run_alsolike("models", "repair", "--without-champion", "--reason", "another shop")
    batch = f"s3://{IMPORT_BUCKET}/users.json", f"s3://{IMPORT_BUCKET}/out/"

    found = personalize_scenario.run(personalize, location=location, user="p-0", batch=batch)

    assert len(found["items"]) == 25
    # The user's imported interactions have items of aisle 0. Exploration can put an item of another aisle into any
    # place.
    aisles = np.array([int(item[5]) for item in found["items"] if item.startswith("item-")])
    assert np.argmin([np.flatnonzero(aisles == aisle).mean() for aisle in range(3)]) == 0
    assert found["later"]
    assert found["items"][0] not in found["without"]
    assert len(found["recommended"]) == 10
    lines = s3.get_object(Bucket=IMPORT_BUCKET, Key="out/users.json.out")["Body"].read().splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["input"]["userId"] for answer in answers] == ["p-1", "nobody"]
    assert [len(answer["output"]["recommendedItems"]) for answer in answers] == [25, 25]
    assert 0 < found["metrics"]["normalized_discounted_cumulative_gain_at_10"] <= 1
