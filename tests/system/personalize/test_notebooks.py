"""Public notebooks of Amazon Personalize, with an unchanged boto3."""

import json

import numpy as np

from tests.booted import personalize_scenario
from tests.booted.personalize_notebooks import Notebook, domain_recommenders, first_campaign, three_solutions
from tests.booted.uploads import IMPORT_BUCKET, upload, upload_interactions, upload_items

GENRES = ("Drama", "Comedy", "Crime")


def test_first_campaign_recommends_and_follows_events(shop, personalize):
    interactions = upload_interactions(shop.cloud.client("s3"), "first/interactions.csv")

    found = first_campaign(Notebook.of(personalize, names="first"), interactions=interactions, user="p-0")

    assert len(found["before"]) == len(found["after"]) == 25


def test_three_solutions_on_the_same_data_have_campaigns(shop, personalize):
    s3 = shop.cloud.client("s3")
    interactions = upload_interactions(s3, "poc/interactions.csv", event_type="watch", users="m", items="movie")
    items = upload_items(s3, "poc-items/items.csv", genres=GENRES)
    upload(s3, "poc-batch/users.json", '{"userId": "m-1"}\n{"userId": "m-2"}\n')
    attributes = {"itemAttributes": f'ITEMS.GENRE = "{GENRES[1]}"'}
    upload(s3, "poc-batch/genres.json", json.dumps(attributes))

    found = three_solutions(
        Notebook.of(personalize, names="poc"), interactions=interactions, items=items, user="m-0", item="movie-01",
        genres=GENRES,
        batch=(f"s3://{IMPORT_BUCKET}/poc-batch/users.json", f"s3://{IMPORT_BUCKET}/poc-batch/out/"),
        segments=(f"s3://{IMPORT_BUCKET}/poc-batch/genres.json", f"s3://{IMPORT_BUCKET}/poc-batch/out/"),
    )  # fmt: skip

    assert len(found["for user"]) == len(found["after events"]) == 25
    assert "movie-01" not in found["similar"]
    for aisle, genre in enumerate(GENRES):
        assert found[genre]
        assert {item[:7] for item in found[genre]} == {f"movie-{aisle}"}
    assert found["1970s"]
    assert found["unwatched"]
    assert sorted(found["ranked"]) == sorted(found["for user"][:5])
    lines = s3.get_object(Bucket=IMPORT_BUCKET, Key="poc-batch/out/users.json.out")["Body"].read().splitlines()
    assert [json.loads(line)["input"]["userId"] for line in lines] == ["m-1", "m-2"]
    (line,) = s3.get_object(Bucket=IMPORT_BUCKET, Key="poc-batch/out/genres.json.out")["Body"].read().splitlines()
    segment = json.loads(line)
    users = segment.pop("output")["recommendedUsers"]
    assert segment == attributes
    assert len(users) == 5
    assert all(user.startswith("m-") for user in users)


def test_domain_recommenders_respond_and_are_deleted(shop, personalize):
    interactions = upload_interactions(shop.cloud.client("s3"), "domain/interactions.csv", event_type="View")

    found = domain_recommenders(
        Notebook.of(personalize, names="domain"), interactions=interactions, user="p-0", item="item-01"
    )

    assert len(found["viewed"]) == 10
    assert len(found["recommended"]) == 20
    assert "item-01" not in found["viewed"]


def test_program_provisions_trains_recommends_and_cleans_up(shop, personalize):
    s3 = shop.cloud.client("s3")
    location = upload_interactions(s3)
    s3.put_object(Bucket=IMPORT_BUCKET, Key="users.json", Body=b'{"userId": "p-1"}\n{"userId": "nobody"}\n')
    # With a champion of other tests in this folder, the gate would compare the program's model with that champion.
    shop.run_alsolike("models", "repair", "--without-champion", "--reason", "another shop")
    batch = f"s3://{IMPORT_BUCKET}/users.json", f"s3://{IMPORT_BUCKET}/out/"

    found = personalize_scenario.run(personalize, location=location, user="p-0", batch=batch)

    assert {len(items) for items in found["lists"]} == {25}
    # The user's imported interactions have items of aisle 0. Exploration can put an item of another aisle into any
    # place. So mean places over all lists are compared: a single list would fail with a probability of 0.5%.
    aisles = np.array([[item[:6] for item in items] for items in found["lists"]])
    assert np.argmin([np.nonzero(aisles == f"item-{aisle}")[1].mean() for aisle in range(3)]) == 0
    assert found["later"]
    assert found["lists"][0][0] not in found["without"]
    assert len(found["recommended"]) == 10
    lines = s3.get_object(Bucket=IMPORT_BUCKET, Key="out/users.json.out")["Body"].read().splitlines()
    answers = [json.loads(line) for line in lines]
    assert [answer["input"]["userId"] for answer in answers] == ["p-1", "nobody"]
    assert [len(answer["output"]["recommendedItems"]) for answer in answers] == [25, 25]
    assert 0 < found["metrics"]["normalized_discounted_cumulative_gain_at_10"] <= 1
