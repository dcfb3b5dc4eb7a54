"""Service descriptions of botocore in the core layer."""

import re

import orjson

from layers import descriptions

SERVICE = {
    "metadata": {"serviceId": "Shelf", "documentation": "of the service"},
    "operations": {
        "GetBook": {
            "input": {"shape": "GetBookRequest"},
            "errors": [{"shape": "NoSuchBook"}],
            "documentation": "<p>Gets a book.</p>",
        },
        "BurnBook": {"input": {"shape": "BurnBookRequest"}},
    },
    "shapes": {
        "GetBookRequest": {
            "type": "structure",
            "members": {"documentation": {"shape": "Text", "documentation": "Its."}},
        },
        "NoSuchBook": {"type": "structure", "members": {}, "exception": True},
        "Text": {"type": "string"},
        "BurnBookRequest": {"type": "structure", "members": {"Heat": {"shape": "Degrees"}}},
        "Degrees": {"type": "integer"},
    },
}


def test_description_keeps_only_called_operations_and_their_shapes():
    assert descriptions.described(SERVICE, frozenset({"get_book"})) == {
        "metadata": {"serviceId": "Shelf", "documentation": "of the service"},
        "operations": {"GetBook": {"input": {"shape": "GetBookRequest"}, "errors": [{"shape": "NoSuchBook"}]}},
        "shapes": {
            "GetBookRequest": {"type": "structure", "members": {"documentation": {"shape": "Text"}}},
            "NoSuchBook": {"type": "structure", "members": {}, "exception": True},
            "Text": {"type": "string"},
        },
    }


def test_stored_descriptions_equal_those_of_this_botocore(tmp_path):
    descriptions.write(tmp_path)

    kept = {path.relative_to(descriptions.FOLDER): path for path in descriptions.FOLDER.rglob("*.json")}
    assert {path.relative_to(tmp_path) for path in tmp_path.rglob("*.json")} == set(kept)
    for name, path in kept.items():
        assert (tmp_path / name).read_bytes() == path.read_bytes(), (
            f"{name} is not current: python -m layers.descriptions"
        )


def test_services_of_all_clients_have_endpoints():
    text = "\n".join(path.read_text() for source in descriptions.SOURCES for path in source.rglob("*.py"))
    lists = re.findall(r"client\(service.*?for service in \((.*?)\)", text, re.DOTALL)
    called = {*re.findall(r'\bclient\(\s*"([a-z0-9]+)"', text), *re.findall(r'"([a-z0-9]+)"', " ".join(lists))}
    prefixes = {"cloudwatch": "monitoring", "sagemaker": "api.sagemaker", "stepfunctions": "states"}

    assert called >= {"s3", "dynamodb", "secretsmanager", "sagemaker", "kinesis", "cloudwatch"}
    assert {prefixes.get(service, service) for service in called} <= descriptions.ENDPOINTS


def test_endpoints_of_unused_services_are_omitted():
    document = orjson.loads((descriptions.FOLDER / "endpoints.json").read_bytes())

    assert [partition["partition"] for partition in document["partitions"]][:2] == ["aws", "aws-cn"]
    assert {*document["partitions"][0]["services"]} == descriptions.ENDPOINTS
