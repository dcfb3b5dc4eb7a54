import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from local_cloud.resources.properties import Properties, PropertyError
from local_cloud.resources.resource_type import camel_case, generated_name

LOGICAL_IDS = st.text("abcXYZ019", min_size=1, max_size=255)


@example("X" * 255, 64, ".fifo")
@given(LOGICAL_IDS, st.sampled_from([64, 80, 128]), st.sampled_from(["", ".fifo"]))
def test_generated_name_is_within_its_limit(logical_id, limit, suffix):
    name = generated_name("shop", logical_id, limit=limit, suffix=suffix)

    assert len(name) <= limit
    assert name.startswith("shop-")
    assert name.endswith(suffix)


@example(["X" * 254, "X" * 255])
@given(st.lists(LOGICAL_IDS, min_size=2, max_size=2, unique=True))
def test_different_resources_have_different_names(logical_ids):
    names = {generated_name("shop", logical_id, limit=64, lower=True) for logical_id in logical_ids}

    assert len(names) == 2


def test_generated_name_has_stack_and_logical_id():
    # The suffix is the start of `printf shop/Orders | sha256sum`.
    assert generated_name("shop", "Orders", limit=64) == "shop-Orders-cfcccd38"


def test_camel_case_changes_keys_and_not_values():
    spelled = camel_case({"Level": "ALL", "Destinations": [{"LogGroupArn": "A"}]})

    assert spelled == {"level": "ALL", "destinations": [{"logGroupArn": "A"}]}


def test_unread_properties_are_listed_with_their_paths():
    properties = Properties(
        {"Name": "a", "Colour": "red", "Rules": [{"Prefix": "x", "Size": 1}], "Logging": {"Level": "ALL"}}
    )

    properties["Name"]
    properties.sections("Rules")[0].get("Prefix")
    properties.section("Logging").take("Format")

    assert list(properties.unread()) == ["Colour", "Rules[0].Size", "Logging.Level"]


def test_value_that_is_read_completely_counts_as_read():
    properties = Properties({"Policy": {"Statement": [{"Effect": "Allow"}]}})

    properties.take("Policy", "Missing")

    assert list(properties.unread()) == []


def test_missing_property_error_has_its_path():
    rule = Properties({"Rules": [{}]}).sections("Rules")[0]

    with pytest.raises(PropertyError, match=r"Rules\[0\]\.Status: is required"):
        rule["Status"]
