"""Bills of the settings that protect a deployment, compared with values computed by hand."""

import dataclasses

import pytest

from operations import cost
from operations.cost.bill import DAYS
from operations.cost.summary import Function, Protection
from tests.unit.operations.cost.bills import NOTHING, dollars, summary


def bill(load=NOTHING, **protection):
    functions = {"recommend": Function(memory_mb=1_024, checks={"champion_check_s": 30})}
    return cost.estimate(summary(functions=functions, protection=Protection(**protection)), load)


def test_deployment_without_protection_costs_nothing_more():
    assert {line.service for line in bill().lines} <= {"Kinesis", "S3", "Lambda", "CloudWatch"}


def test_key_of_the_account_costs_requests_of_each_process():
    load = dataclasses.replace(NOTHING, requests_per_day=1_000)

    # One process sends one request for each of three services every five minutes.
    assert dollars(bill(load, own_key=True), "requests") == pytest.approx(3 * 730 * 12 * 3e-6)


def test_firewall_costs_its_list_rules_and_requests():
    load = dataclasses.replace(NOTHING, requests_per_day=1_000, static_percent=100)
    priced = bill(load, firewall_rules=4)

    assert (dollars(priced, "web ACL"), dollars(priced, "rules")) == (5.00, 4.00)
    assert dollars(priced, "requests") == pytest.approx(1_000 * DAYS * 4 * 0.60e-6)


def test_interface_endpoints_cost_hours_and_data():
    assert dollars(bill(endpoints=6), "interface endpoints") == pytest.approx(6 * 730 * 0.01)


def test_private_api_costs_rest_calls_and_no_transfer_to_the_internet():
    load = dataclasses.replace(NOTHING, requests_per_day=1_000)
    public, private = bill(load), bill(load, private_api=True)

    assert dollars(private, "calls") == pytest.approx(3.5 * dollars(public, "calls"))
    assert dollars(private, "calls") == pytest.approx(1_000 * DAYS * 3.50e-6)
    assert dollars(public, "answers") > 0
    assert dollars(private, "answers") == 0
    assert dollars(private, "responses of the private API") == pytest.approx(1_000 * DAYS * 2_200 / 1e9 * 0.01)


def test_audit_trail_costs_each_read_and_write_of_s3():
    load = dataclasses.replace(NOTHING, requests_per_day=1_000)
    priced = bill(load, audit_trail=True)
    requests = sum(line.quantity for line in priced.lines if line.price in ("s3_reads", "s3_writes"))

    assert requests > 0
    assert dollars(priced, "data events") == pytest.approx(requests * 1e-6)


def test_backups_cost_a_copy_of_tables_per_day_and_one_of_buckets():
    load = dataclasses.replace(NOTHING, users=1_000_000, items=1_000_000, item_changes_per_day=0)
    priced = bill(load, backup_days=30)
    stored_gb = sum(line.quantity for line in priced.lines if line.price == "s3_gb")

    assert dollars(priced, "tables") == pytest.approx(2_000_000 * 600 / 1e9 * 30 * 0.10)
    assert dollars(priced, "buckets") == pytest.approx(stored_gb * 0.05)
