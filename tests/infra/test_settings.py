import dataclasses
from pathlib import Path

import botocore.session
import pytest

from infra_cdk.app import read_context
from infra_cdk.context import load_settings
from infra_cdk.regions import PANDAS_VERSION, TRAINING_IMAGES, repository_arn
from infra_cdk.settings import Settings
from infra_cdk.settings_checks import InvalidSettings


def environments(**values):
    return {"test": {"region": "us-east-1", **values}}


@pytest.mark.parametrize("name", ["demo", "dev", "prod"])
def test_every_environment_of_cdk_json_loads(name):
    settings = load_settings(read_context()["environments"], name)

    assert settings.name == name
    assert settings.image.endswith("-sagemaker")


def test_environment_overrides_the_defaults_of_its_size():
    given = environments(size="standard", stream_retention_hours=24)

    standard, large = load_settings(given, "test"), load_settings(given, "test", {"size": "large"})

    assert (standard.snap_start, standard.stream_retention_hours, standard.dashboards) == (True, 24, "health")
    assert (large.recommend_rate_per_s, large.stream_retention_hours, large.dashboards) == (3_000, 24, "all")
    assert load_settings(environments(), "test") == load_settings(environments(size="small"), "test")


def test_every_setting_has_a_meaning():
    assert [field.name for field in dataclasses.fields(Settings) if not field.metadata.get("meaning")] == []


def test_unknown_size_is_refused_with_the_sizes():
    with pytest.raises(InvalidSettings, match="size is 'huge', expected 'small' or 'standard' or 'large'"):
        load_settings(environments(size="huge"), "test")


def test_demo_checks_often_and_production_retains_data():
    context = read_context()["environments"]

    demo, prod = load_settings(context, "demo"), load_settings(context, "prod")

    assert (demo.champion_check_s, demo.archive_window_s, demo.removal_policy) == (1, 1, "destroy")
    assert (prod.champion_check_s, prod.archive_window_s, prod.removal_policy) == (30, 60, "retain")
    assert (demo.configuration_check_s, prod.configuration_check_s) == (1, 30)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"shards": 2}, r"environments\.test\.shards is unknown; known are \['account', "),
        ({"name": "other"}, r"environments\.test\.name is unknown"),
        ({"stream_shards": "2"}, r"environments\.test\.stream_shards is '2', expected a whole number"),
        ({"stream_shards": True}, r"stream_shards is True, expected a whole number"),
        ({"stream_shards": 0}, r"environments\.test\.stream_shards is 0, expected 1 to 500"),
        ({"snap_start": 1}, r"snap_start is 1, expected true or false"),
        ({"region": None}, r"region is None, expected text"),
        ({"stream_mode": "auto"}, r"stream_mode is 'auto', expected 'provisioned' or 'on-demand'"),
        ({"alarm_email": 3}, r"alarm_email is 3, expected text or null"),
        ({"permissions_boundary": "bounds"}, r"permissions_boundary is 'bounds', expected the ARN of a managed policy"),
        ({"alarm_email": "ops"}, r"alarm_email is 'ops', expected an address"),
        ({"log_retention_days": 8}, r"log_retention_days is 8, expected one of \[1, 3, 5, 7"),
        ({"training_schedule": "daily"}, r"training_schedule is 'daily', expected rate\(1 day\), rate\(2 days\)"),
        (
            {"champion_check_s": 30, "canary_duration_s": 30, "canary_interval_s": 10},
            r"champion_check_s is 30, expected less than canary_duration_s, 30",
        ),
        (
            {"training_algorithms": ["popularity", "popularity"]},
            r"training_algorithms is \['popularity', 'popularity'\], expected each name once",
        ),
        (
            {"training_objective": ["click:1", "purchase:0.0"]},
            r"training_objective is 'purchase:0\.0', expected .* above 0",
        ),
        ({"training_instance_type": ""}, r"training_instance_type is '', expected ml\.FAMILY\.SIZE"),
        ({"training_instance_type": "ml.banana"}, r"training_instance_type is 'ml\.banana', expected ml\.FAMILY\.SIZE"),
        ({"training_instance_type": "m5.xlarge"}, r"training_instance_type is 'm5\.xlarge'"),
        ({"training_image": "python:3.12"}, r"test\.training_image is 'python:3\.12', expected ACCOUNT\.dkr\.ecr"),
        ({"training_image": ""}, r"training_image is '', expected ACCOUNT"),
        (
            {"training_image": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/own:a tag"},
            r"training_image is '123.*a tag', expected ACCOUNT",
        ),
        (
            {"monitoring_schedule": None, "retrain_interactions": 9},
            r"retrain_interactions is 9, expected null where monitoring_schedule is null",
        ),
        (
            {"training_schedule": "rate(1 day)"},
            r"training_schedule is 'rate\(1 day\)', expected a gap longer than canary_duration_s, 86400 s",
        ),
        ({"training_schedule": "rate(23 hours)"}, r"training_schedule is .* expected a gap longer than"),
        ({"lake_first_date": "2020-2-1"}, r"lake_first_date is '2020-2-1', expected a day such as 2020-01-31"),
        ({"lake_first_date": "2020-02-30"}, r"lake_first_date is '2020-02-30', expected a day such as 2020-01-31"),
        ({"cors_origins": "https://a.example"}, r"cors_origins is 'https://a.example', expected a list of text"),
        ({"cors_origins": [7]}, r"cors_origins is \[7\], expected a list of text"),
        ({"gate_margin_percent": 2.5}, r"gate_margin_percent is 2\.5, expected a whole number"),
        ({"reserved_recommend": 3}, r"reserved_recommend is 3, expected more than batch_concurrency, 3"),
        *(
            ({name: 9, "provisioned_concurrency": 10}, f"{name} is 9, expected at least provisioned_concurrency, 10")
            for name in ("reserved_collect", "reserved_sessions", "reserved_recommend")
        ),
        (
            {"reserved_consumers": 7, "stream_shards": 2, "update_parallelization": 4},
            r"reserved_consumers is 7, expected at least stream_shards times update_parallelization, 2 times 4",
        ),
        (
            {"snap_start": True, "provisioned_concurrency": 1},
            r"provisioned_concurrency is 1, expected 0 where snap_start",
        ),
        (
            {"training_max_wait_s": 3_600},
            r"training_max_wait_s is 3600, expected at least training_max_runtime_s, 14400",
        ),
        ({"training_budget_s": 14_401}, r"training_budget_s is 14401, expected at most training_max_runtime_s, 14400"),
        ({"training_algorithms": ["ease"]}, r"training_algorithms is \['ease'\], expected popularity among them"),
        ({"training_algorithms": ["EASE!"]}, r"training_algorithms is 'EASE!', expected names of a-z, 0-9 and _"),
        ({"dataset_engine": "flink"}, r"dataset_engine is 'flink', expected 'auto' or 'lambda' or 'spark'"),
        # An extended canary has 2 * 604,800 / 544 checks of nine events, and an execution has 20,000 events for checks.
        (
            {"canary_duration_s": 604_800, "canary_interval_s": 544},
            r"canary_interval_s is 544, expected at least 545 where canary_duration_s is 604800",
        ),
        ({"canary_duration_s": 60, "canary_interval_s": 61}, r"canary_interval_s is 61, expected at most .* 60"),
    ],
)
def test_invalid_value_is_refused_with_its_place(values, message):
    with pytest.raises(InvalidSettings, match=message):
        load_settings(environments(**values), "test")


LIMITS = {
    field.name: field.metadata["limits"] for field in dataclasses.fields(Settings) if field.metadata.get("limits")
}


@pytest.mark.parametrize("name", LIMITS)
def test_number_outside_of_its_limits_is_refused(name):
    minimum, maximum = LIMITS[name]

    for value in (minimum - 1, maximum + 1):
        with pytest.raises(InvalidSettings, match=f"{name} is {value}, expected {minimum} to {maximum}"):
            load_settings(environments(**{name: value}), "test")


@pytest.mark.parametrize(
    ("service", "shape", "names"),
    [
        ("lambda", "BatchSize", ["update_batch_size", "archive_batch_size"]),
        (
            "lambda", "MaximumBatchingWindowInSeconds",
            ["update_window_s", "archive_window_s", "trends_window_s", "publish_window_s"],
        ),
        ("lambda", "ParallelizationFactor", ["update_parallelization"]),
        ("lambda", "MaximumRetryAttemptsEventSourceMapping", ["update_retries"]),
        ("lambda", "MemorySize", ["lake_memory_mb"]),
        ("apigatewayv2", "IntegerWithLengthBetween0And3600", ["session_cache_s"]),
        ("wafv2", "RateLimit", ["waf_requests_per_address"]),
    ],
)  # fmt: skip
def test_limits_of_settings_are_within_those_of_aws(service, shape, names):
    bounds = botocore.session.get_session().get_service_model(service).shape_for(shape).metadata

    for name in names:
        minimum, maximum = LIMITS[name]
        assert bounds["min"] <= minimum < maximum <= bounds["max"], name


def test_override_replaces_a_setting_and_is_validated():
    assert load_settings(environments(time_budget_ms=100), "test", {"time_budget_ms": 0}).time_budget_ms == 0
    with pytest.raises(InvalidSettings, match="time_budget is unknown"):
        load_settings(environments(), "test", {"time_budget": 0})


def test_training_without_spot_does_not_wait_for_capacity():
    settings = load_settings(environments(training_spot=False, training_max_wait_s=60), "test")

    assert settings.training_wait_s == settings.training_max_runtime_s == 14_400


def test_canary_of_a_week_may_be_checked_every_ten_minutes():
    week = environments(canary_duration_s=604_800, canary_interval_s=545, training_schedule="rate(8 days)")

    assert load_settings(week, "test").canary_interval_s == 545


@pytest.mark.parametrize(
    "values",
    [
        {"training_schedule": "rate(1 day)", "canary_duration_s": 86_399},
        {"training_schedule": "rate(1 hour)", "canary_share_percent": 0},
        {"training_schedule": "cron(0 3 * * ? *)"},
        {"training_schedule": None},
        {"champion_check_s": 60, "canary_duration_s": 60, "canary_interval_s": 60, "canary_share_percent": 0},
    ],
)
def test_canary_shorter_than_the_training_interval_is_accepted(values):
    load_settings(environments(**values), "test")


def test_production_trains_daily_and_canaries_end_before_the_next_run():
    prod = load_settings(read_context()["environments"], "prod")

    assert (prod.training_schedule, prod.canary_duration_s) == ("rate(1 day)", 43_200)


@pytest.mark.parametrize(
    "schedule",
    [
        "rate(24 hours)",
        "cron(0/15 8-17 ? * MON-FRI *)",
        "cron(0 10 L * ? 2026-2030)",
        "cron(0 8 ? * FRI-MON *)",
        "cron(0 22-2 * * ? *)",
    ],
)
def test_valid_eventbridge_schedule_is_accepted(schedule):
    assert load_settings(environments(compaction_schedule=schedule), "test").compaction_schedule == schedule


@pytest.mark.parametrize(
    ("field", "schedule"),
    [
        (f"{name}_schedule", schedule)
        for name in ("compaction", "training", "monitoring", "attribution")
        for schedule in ("rate(1 days)", "", "cron(0 3 * * * *)", "cron(0 3 * * ? 2030-2020)")
    ],
)
def test_invalid_eventbridge_schedule_is_refused(field, schedule):
    with pytest.raises(InvalidSettings, match=rf"test\.{field} is .*, expected rate\(1 day\).* cron\(\.\.\.\)"):
        load_settings(environments(**{field: schedule}), "test")


@pytest.mark.parametrize(
    "origin",
    [
        "https://shop.example",
        "https://www.my-shop.example:8443",
        "https://xn--schn-7qa.example",
        "https://10.0.0.1",
        "http://localhost",
        "http://localhost:3000",
        "http://127.0.0.1:8000",
    ],
)
def test_valid_origin_is_accepted(origin):
    assert load_settings(environments(cors_origins=[origin]), "test").cors_origins == [origin]


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "https://*",
        "https://*.shop.example",
        "http://shop.example",
        "http://localhost.shop.example",
        "https://shop.example/",
        "https://shop.example/app",
        "https://Shop.example",
        "https://me@shop.example",
        "https://shop.example:0",
        "https://shop.example:123456",
        "https://-shop.example",
        "https://shop..example",
        "https://shop.example\n",
        "shop.example",
        "null",
        "",
    ],
)
def test_invalid_origin_is_refused(origin):
    with pytest.raises(InvalidSettings, match=r"test\.cors_origins is .*, expected https://HOST or https://HOST:PORT"):
        load_settings(environments(cors_origins=["https://good.example", origin]), "test")


@pytest.mark.parametrize(("retention_hours", "age_hours"), [(24, 23), (168, 167), (169, 168), (8_760, 168)])
def test_record_age_is_below_the_retention_and_at_most_a_week(retention_hours, age_hours):
    settings = Settings(name="test", region="us-east-1", stream_retention_hours=retention_hours)

    assert settings.record_age_hours == age_hours


def test_unknown_environment_is_refused_with_the_known_ones():
    with pytest.raises(InvalidSettings, match=r"'staging' is not in cdk\.json: context\.environments has \['test'\]"):
        load_settings(environments(), "staging")


def test_missing_region_is_refused():
    with pytest.raises(InvalidSettings, match=r"environments\.test\.region is missing"):
        load_settings({"test": {}}, "test")


def test_context_without_environments_is_refused():
    with pytest.raises(InvalidSettings, match=r"context\.environments is None"):
        load_settings(None, "demo")


@pytest.mark.parametrize("name", ["My Shop", "1st", "", "shop-", "a" * 17, "paws", "my-cognito"])
def test_invalid_environment_name_is_refused(name):
    with pytest.raises(InvalidSettings, match=f"name is {name!r}, expected 1 to 16 lower-case letters"):
        load_settings({name: {"region": "us-east-1"}}, name)


def test_region_without_a_known_image_is_refused_with_the_setting():
    settings = Settings(name="test", region="eu-west-9")

    with pytest.raises(InvalidSettings, match=r"'eu-west-9' is not in TRAINING_IMAGES.*set training_image"):
        _ = settings.image


@pytest.mark.parametrize("region", ["ap-east-2", "ap-southeast-6"])
@pytest.mark.parametrize("given", [{"size": "standard"}, {"size": "large"}, {"snap_start": True}])
def test_snap_start_in_a_region_without_it_is_refused(region, given):
    with pytest.raises(InvalidSettings, match=rf"snap_start is True, expected false in {region}, where Lambda has no"):
        load_settings(environments(region=region, **given), "test")


@pytest.mark.parametrize("given", [{"size": "small"}, {"size": "large", "snap_start": False}])
def test_region_without_snap_start_is_accepted_without_it(given):
    assert not load_settings(environments(region="ap-east-2", **given), "test").snap_start


@pytest.mark.parametrize(
    "given",
    [
        {"reserved_recommend": 4},
        {"reserved_collect": 10, "provisioned_concurrency": 10},
        {"reserved_operators": 1, "provisioned_concurrency": 10},
        {"reserved_consumers": 8, "stream_shards": 2, "update_parallelization": 4},
        {"reserved_consumers": 1, "stream_shards": 2, "stream_mode": "on-demand"},
    ],
)
def test_smallest_reserved_concurrency_is_accepted(given):
    load_settings(environments(**given), "test")


@pytest.mark.parametrize("architecture", ["arm64", "x86_64"])
def test_pandas_layer_has_the_architecture_and_the_locked_version(architecture):
    settings = Settings(name="test", region="eu-central-1", architecture=architecture)
    root = Path(__file__).parents[2]
    lock = (root / "requirements.lock").read_text()

    assert f"/py3.13/{architecture}/" in settings.pandas_layer
    assert f"\nawswrangler=={PANDAS_VERSION} " in lock


def test_configured_layer_and_image_replace_those_of_aws():
    image = "123456789012.dkr.ecr.eu-west-9.amazonaws.com/own/training:1"
    settings = Settings(name="test", region="eu-west-9", pandas_layer_arn="arn:layer", training_image=image)

    assert (settings.pandas_layer, settings.image) == ("arn:layer", image)


def test_training_registries_are_in_their_regions():
    assert all(image.split(".")[3] == region for region, image in TRAINING_IMAGES.items())


def test_image_outside_ecr_is_refused():
    with pytest.raises(ValueError, match=r"'python:3\.12' is not ACCOUNT"):
        repository_arn("python:3.12", partition="aws")
