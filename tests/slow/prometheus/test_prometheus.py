"""Prometheus of Debian on a booted cloud, with the configuration of docs/prometheus.md."""

import json
import re
import shutil
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from operations.grafana import prometheus_dashboard
from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import SECONDS_PER_DAY, Shop, eventually, write_history
from tests.fakes.ports import reserved_port

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed (apt-get)")

PAGE = Path(__file__).parents[3] / "docs" / "prometheus.md"
STALE = "AlsolikeTrainingMonitoringStale"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with Shop.booted(synthesized(**QUICK, champion_stale_days=2), tmp_path_factory.mktemp("shop"), tls=True) as shop:
        yield shop


class Prometheus:
    def __init__(self, port):
        self._url = f"http://127.0.0.1:{port}/api/v1"

    def get(self, path, **query):
        with urllib.request.urlopen(f"{self._url}/{path}?{urllib.parse.urlencode(query)}", timeout=10) as response:
            return json.load(response)["data"]

    def value(self, query):
        """Return the value of a query with one result, or None without a result."""
        found = self.get("query", query=query)["result"]
        return float(found[0]["value"][1]) if found else None

    def firing(self):
        alerts = self.get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@pytest.fixture(scope="module")
def prometheus(shop, tmp_path_factory):
    directory = tmp_path_factory.mktemp("prometheus")
    key = shop.alsolike("keys", "create", "prometheus", "--access", "metrics")["environment"]
    (directory / "secret").write_text(key["AWS_SECRET_ACCESS_KEY"])
    (directory / "alsolike.rules.yml").write_text(shop.run_alsolike("prometheus", "rules"))
    configuration: dict[str, Any] = {}
    for snippet in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.M | re.S):
        configuration |= yaml.safe_load(snippet)
    (scraped,) = configuration["scrape_configs"]
    scraped["basic_auth"]["username"] = key["AWS_ACCESS_KEY_ID"]
    scraped["tls_config"] = {"ca_file": shop.cloud.state.certificate}
    # Short intervals are safe here, because the function has one process, which responds from its cache.
    scraped["scrape_interval"], scraped["scrape_timeout"] = "5s", "5s"
    (target,) = scraped["static_configs"]
    target["targets"], target["labels"]["environment"] = [urllib.parse.urlsplit(shop.cloud.api_url).netloc], "demo"
    configuration["global"] = {"evaluation_interval": "1s"}
    (directory / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    checked = subprocess.run(
        ["promtool", "check", "config", "prometheus.yml"], cwd=directory, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    port = reserved_port()
    with (directory / "log").open("w") as log:
        process = subprocess.Popen(
            [
                "prometheus",
                "--config.file=prometheus.yml",
                f"--web.listen-address=127.0.0.1:{port}",
                "--storage.tsdb.path=data",
            ],
            cwd=directory,
            stdout=log,
            stderr=log,
        )
    try:
        yield Prometheus(port)
    finally:
        process.terminate()
        process.wait(30)


def test_prometheus_has_the_metrics_of_the_shop(shop, prometheus):
    for number in range(3):
        assert shop.send(f"user-{number}", "pear").status == 200
    shop.cloud.flush()

    assert eventually(lambda: prometheus.value("alsolike_events_accepted_total"), holds=lambda n: n == 3, within_s=180)
    latency = "histogram_quantile(0.99, sum by (le) (alsolike_api_latency_seconds_bucket))"
    found = prometheus.value(latency)
    assert found is not None
    assert 0 < found < 30
    assert prometheus.value("count(alsolike_alarm_active)") > 15
    assert prometheus.value("sum(alsolike_source_up)") == 5


def test_prometheus_evaluates_every_dashboard_query(shop, prometheus):
    variables = {"$environment": "demo", "$region": "eu-west-1", "$function": ".*", "$__rate_interval": "2m"}

    def panels_with_values():
        found = set()
        for panel in prometheus_dashboard()["panels"]:
            for target in panel.get("targets", ()):
                query = target["expr"]
                for name, value in variables.items():
                    query = query.replace(name, value)
                if prometheus.get("query", query=query)["result"]:
                    found.add(panel["title"])
        return found

    # The other panels have values only after the first drift check, stream record or attributed day.
    always = {
        "Requests to the API",
        "Requests answered with an error",
        "Time until the API's response",
        "Accepted events",
        "Responses with recommendations",
        "Monthly cost of the deployment at the load of the last 24 hours",
        "1 while an alarm of CloudWatch is active",
    }
    assert always <= eventually(panels_with_values, holds=always.issubset, within_s=120)


def test_alert_fires_while_the_champion_is_stale_and_ends_after_training(shop, prometheus, tmp_path):
    now = time.time()
    write_history(tmp_path / "old.csv", users=60, days=24, end=now - 4 * SECONDS_PER_DAY)
    shop.alsolike("import", "interactions", tmp_path / "old.csv")
    shop.alsolike("train")
    shop.invoke("MonitorModels")

    assert STALE in eventually(prometheus.firing, holds=lambda alerts: STALE in alerts, within_s=180)
    age = prometheus.value("alsolike_champion_age_seconds")
    assert age is not None
    assert 4 < age / SECONDS_PER_DAY < 6

    write_history(tmp_path / "new.csv", users=60, days=28, end=now)
    shop.alsolike("import", "interactions", tmp_path / "new.csv")
    shop.alsolike("train")
    shop.invoke("MonitorModels")

    assert STALE not in eventually(prometheus.firing, holds=lambda alerts: STALE not in alerts, within_s=180)
