import re
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local_cloud.intrinsics import NO_VALUE, Evaluator, TemplateError

NAMES = {
    "AWS::Region": "eu-west-1",
    "AWS::NoValue": NO_VALUE,
    "Stage": "test",
    "Size": 3,
    "Version": "{{resolve:ssm:/version}}",
}


class FakeSurroundings:
    """Values of references by name. The name of an attribute is ``resource.attribute``."""

    values: Mapping[str, str] = {"Queue": "https://queue", "Queue.Arn": "arn:queue", "Queue.Tags.Name": "q"}

    def ref(self, logical_id: str) -> str:
        return self.values[logical_id]

    def attribute(self, logical_id: str, name: str) -> str:
        return self.values[f"{logical_id}.{name}"]

    def exported(self, name: str) -> str:
        return f"exported {name}"

    def stack_output(self, stack: str, output: str, region: str) -> str:
        return f"{stack}.{output} in {region}"

    def stored_parameter(self, name: str) -> str:
        return f"stored {name}"


def evaluator(**conditions):
    mappings = {"Sizes": {"test": {"memory": 128}}}
    return Evaluator(names=NAMES, conditions=conditions, mappings=mappings, surroundings=FakeSurroundings())


def evaluate(value):
    always, never = {"Fn::Equals": ["a", "a"]}, {"Fn::Equals": ["a", "b"]}
    return evaluator(Always=always, Never=never).evaluate(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Stage"}, "test"),
        ({"Ref": "AWS::Region"}, "eu-west-1"),
        ({"Ref": "Queue"}, "https://queue"),
        ({"Ref": "Version"}, "stored /version"),
        ({"Fn::GetStackOutput": {"StackName": "data", "OutputName": "Lake"}}, "data.Lake in eu-west-1"),
        (
            {"Fn::GetStackOutput": {"StackName": "data", "OutputName": "Lake", "Region": {"Ref": "Stage"}}},
            "data.Lake in test",
        ),
        ({"Fn::GetAtt": ["Queue", "Arn"]}, "arn:queue"),
        ({"Fn::GetAtt": "Queue.Tags.Name"}, "q"),
        ({"Fn::Sub": "${Stage}/${Queue.Arn}/${Size}/${!Stage}"}, "test/arn:queue/3/${Stage}"),
        ({"Fn::Sub": ["${Stage}-${mine}", {"mine": {"Ref": "Queue"}}]}, "test-https://queue"),
        ({"Fn::Join": ["-", ["a", {"Ref": "Stage"}, {"Ref": "Size"}]]}, "a-test-3"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::NoValue"}, "b"]]}, "a-b"),
        ({"Fn::Select": [1, ["a", "b"]]}, "b"),
        ({"Fn::Select": ["2", {"Fn::Split": [":", "arn:aws:sqs"]}]}, "sqs"),
        ({"Fn::If": ["Always", "yes", {"Ref": "Missing"}]}, "yes"),
        ({"Fn::If": ["Never", {"Ref": "Missing"}, "no"]}, "no"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "memory"]}, 128),
        ({"Fn::Base64": "shop"}, "c2hvcA=="),
        ({"Fn::ImportValue": {"Fn::Sub": "data-${Stage}"}}, "exported data-test"),
        ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
        ("{{resolve:ssm:/name}}!", "stored /name!"),
        ({"a": [{"Ref": "AWS::NoValue"}, 1], "b": {"Ref": "AWS::NoValue"}}, {"a": [1]}),
        ({"Fn::If": ["Never", "yes", {"Ref": "AWS::NoValue"}]}, NO_VALUE),
    ],
)
def test_intrinsic_is_evaluated_to_its_value(value, expected):
    assert evaluate(value) == expected


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"Fn::Cidr": ["10.0.0.0/16", 2]}, "unknown intrinsic function Fn::Cidr"),
        ({"Ref": "AWS::Moon"}, "unknown pseudo parameter AWS::Moon"),
        ({"Ref": "Stage", "Fn::Sub": "a"}, "Ref must be the only key, not next to ['Fn::Sub']"),
        ({"Fn::Select": [2, ["a", "b"]]}, "Fn::Select takes number 2 of ['a', 'b']"),
        ({"Fn::Select": [-1, ["a", "b"]]}, "Fn::Select takes number -1 of ['a', 'b']"),
        ({"Fn::Join": ["-", "ab"]}, "Fn::Join takes a string and a list, not ['-', 'ab']"),
        ({"Fn::Join": ["-", [["a"]]]}, "a part of Fn::Join must be a string, not ['a']"),
        ({"Fn::FindInMap": ["Sizes", "live", "memory"]}, "Fn::FindInMap finds no 'live'; there are ['test']"),
        ({"Fn::Select": ["one", ["a", "b"]]}, "Fn::Select takes number one of ['a', 'b']"),
        ({"Fn::Select": [0, {"Ref": "AWS::NoValue"}]}, "Fn::Select takes number 0 of AWS::NoValue"),
        ({"Fn::Split": [",", {"Ref": "AWS::NoValue"}]}, "the text of Fn::Split must be a string, not AWS::NoValue"),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "AWS::NoValue"}, "memory"]}, "Fn::FindInMap finds no AWS::NoValue"),
        ({"Fn::If": ["Sometimes", 1, 2]}, "unknown condition Sometimes"),
        ({"Fn::If": ["Always", 1]}, "Fn::If takes 3 arguments, not ['Always', 1]"),
        ({"Fn::Sub": ["a"]}, "Fn::Sub takes 2 arguments, not ['a']"),
        ("{{resolve:secretsmanager:key}}", "{{resolve:secretsmanager:key}}: only ssm is known here"),
    ],
)
def test_wrong_value_error_has_its_reason(value, message):
    with pytest.raises(TemplateError, match=re.escape(message)):
        evaluate(value)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"Fn::Equals": [{"Ref": "Stage"}, "test"]}, True),
        ({"Fn::Equals": [{"Ref": "Stage"}, "live"]}, False),
        ({"Fn::Not": [{"Condition": "IsTest"}]}, False),
        ({"Fn::And": [{"Condition": "IsTest"}, {"Fn::Equals": ["a", "b"]}]}, False),
        ({"Fn::Or": [{"Condition": "IsTest"}, {"Fn::Equals": ["a", "b"]}]}, True),
    ],
)
def test_condition_is_evaluated(condition, expected):
    is_test = {"Fn::Equals": [{"Ref": "Stage"}, "test"]}

    assert evaluator(IsTest=is_test, Tested=condition).holds("Tested") is expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"Fn::Contains": [["a"], "a"]}, "unknown condition function Fn::Contains"),
        ({"Fn::Equals": ["a"]}, "Fn::Equals takes 2 arguments, not ['a']"),
        ({"Fn::Not": []}, "Fn::Not takes 1 arguments, not []"),
    ],
)
def test_wrong_condition_error_has_its_reason(condition, message):
    with pytest.raises(TemplateError, match=re.escape(message)):
        evaluator(Tested=condition).holds("Tested")


def test_references_are_the_resources_of_a_value():
    value = {
        "a": [{"Ref": "Queue"}, {"Ref": "Stage"}],
        "b": {"Fn::GetAtt": ["Table", "Arn"]},
        "c": {"Fn::Sub": ["${Topic.Arn} ${AWS::Region} ${mine} ${!Not}", {"mine": {"Ref": "Key"}}]},
        "d": {"Fn::Join": ["", ["x", {"Fn::GetAtt": "Role.Arn"}]]},
    }

    assert set(evaluator().references(value)) == {"Queue", "Table", "Topic", "Key", "Role"}


def test_references_follow_only_the_branch_of_the_condition():
    value = {"Fn::If": ["Never", {"Ref": "Queue"}, {"Ref": "Topic"}]}

    assert list(evaluator(Never={"Fn::Equals": [1, 2]}).references(value)) == ["Topic"]


PLAIN_TEXT = st.text(st.characters(exclude_characters="${}"))


@given(st.lists(PLAIN_TEXT, min_size=1), st.sampled_from([",", ":", "::"]))
def test_split_is_the_inverse_of_join(parts, delimiter):
    splittable = [part for part in parts if delimiter[0] not in part] or [""]

    assert evaluate({"Fn::Split": [delimiter, {"Fn::Join": [delimiter, splittable]}]}) == splittable


@given(st.lists(PLAIN_TEXT, min_size=1))
def test_sub_with_values_is_their_concatenation(parts):
    text = "".join(f"${{part{position}}}" for position in range(len(parts)))
    values = {f"part{position}": part for position, part in enumerate(parts)}

    assert evaluate({"Fn::Sub": [text, values]}) == "".join(parts)


PLAIN_KEY = PLAIN_TEXT.filter(lambda key: key != "Ref" and not key.startswith("Fn::"))
PLAIN_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | PLAIN_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(PLAIN_KEY, inner),
)


@given(PLAIN_JSON)
def test_value_without_intrinsics_is_unchanged(value):
    assert evaluate(value) == value
