"""Synthesized environments, each synthesized once for all workers of a run."""

import fcntl
import json
import os
from collections.abc import Callable

import pytest

from infra_cdk.constructs import own_algorithms
from tests.infra.assembly import Assembly, flat, synthesize, write_empty_layers
from tests.infra.moto_clients import moto_clients
from tests.infra.other_settings import PROTECTED, TWO_REGIONS

Synthesis = Callable[..., Assembly]


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """Return a folder that all workers of a run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def layers(shared):
    return write_empty_layers(shared / "layers")


@pytest.fixture(scope="session")
def synthesized(shared, layers):
    """Return a function that returns the assembly of an environment. The first worker synthesizes the assembly."""

    def read(environment, **settings):
        outdir = shared / f"assembly-{environment}"
        with (shared / f"assembly-{environment}.lock").open("a+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.seek(0)
            if not lock.read():
                synthesize(environment, layers=layers, outdir=outdir, settings=settings)
                lock.write("done")
        return Assembly.read(outdir)

    return read


@pytest.fixture(scope="module")
def clients():
    """Yield clients of an empty AWS account that accepts the complete template."""
    with moto_clients() as found:
        yield found


@pytest.fixture(scope="session")
def demo(synthesized):
    return synthesized("demo")


@pytest.fixture(scope="session")
def prod(synthesized):
    return synthesized("prod")


@pytest.fixture(scope="session")
def protected(synthesized):
    return synthesized("protected", **PROTECTED)


@pytest.fixture(scope="session")
def single(synthesized):
    return synthesized("single", region=TWO_REGIONS["region"])


@pytest.fixture(scope="session")
def double(synthesized):
    return synthesized("double", **TWO_REGIONS)


@pytest.fixture(scope="session")
def spare(synthesized):
    """Synthesize an environment without optional resources."""
    return synthesized(
        "spare",
        region="us-east-1",
        attribution_schedule=None,
        compaction_schedule=None,
        dashboards="none",
        dataset_engine="lambda",
        lake_cold_days=None,
        monitoring_schedule=None,
        training_schedule=None,
        web=False,
    )


@pytest.fixture(scope="session")
def other(synthesized, shared):
    """Synthesize an environment in which most settings of functions, schedules and jobs differ from their defaults."""
    package, sentence_model = shared / "own" / "package", shared / "own" / "sentence_model"
    for path in (package / "newcomers.py", *(sentence_model / n for n in ("model.safetensors", "tokenizer.json"))):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(path.name)
    (sentence_model / "config.json").write_text("{}")
    classes = ("recommend", "events", "session", "admin", "personalize")
    limits = {f"{name}_{limit}": n for n, name in enumerate(classes, start=1) for limit in ("rate_per_s", "burst")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own_algorithms, "ROOT", shared)
        return synthesized(
            "other",
            region="us-east-1",
            attribution_schedule="rate(12 hours)",
            attribution_window_days=30,
            champion_stale_days=14,
            compaction_schedule="rate(3 days)",
            static_lists_schedule="rate(2 hours)",
            dashboards="all",
            drift_hours=48,
            drift_psi_percent=10,
            drift_retrains=False,
            kafka={
                "topic": "shop-events",
                "cluster_arn": "arn:aws:kafka:us-east-1:123456789012:cluster/shop/2a3b-5",
                "secret_arn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:AmazonMSK_shop-a1b2c3",
                "secret_key_arn": "arn:aws:kms:us-east-1:123456789012:key/1234-abcd",
            },
            lake_first_date="2020-02-29",
            lake_memory_mb=4_096,
            lake_silent_hours=72,
            monitoring_schedule="rate(6 hours)",
            monthly_budget_usd=200,
            permissions_boundary="arn:aws:iam::123456789012:policy/boundary",
            profiles_warm_writes_per_s=8_000,
            quarantine_alarm_percent=20,
            reserved_collect=50,
            reserved_consumers=4,
            reserved_operators=3,
            reserved_recommend=100,
            reserved_sessions=20,
            retrain_interactions=5_000,
            sentence_model=str(sentence_model),
            spark_sample_interactions=2_000_000,
            spark_statistics=True,
            spark_timeout_minutes=90,
            spark_worker_type="G.2X",
            spark_workers=40,
            tracing=True,
            update_parallelization=4,
            training_algorithms=["popularity", "newcomers"],
            training_budget_mb=2_000,
            training_budget_s=600,
            training_objective=["click:1", "purchase:10"],
            training_package=str(package),
            training_spot=False,
            **limits,
        )


@pytest.fixture(scope="session")
def audited(synthesized):
    return synthesized(
        "audited",
        region="us-east-1",
        removal_policy="destroy",
        audit_trail=True,
        backup_days=60,
        backup_lock="compliance",
        gradual_releases=True,
        kms_key_arn="create",
        stack_drift_schedule="rate(30 days)",
        stack_protection=True,
    )


@pytest.fixture(params=["demo", "prod"])
def assembly(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def workflow(demo):
    machine = demo.state_machine("training")
    return json.loads(flat(machine.properties["DefinitionString"]))["States"]
