"""Values of templates as text: one sorted line per value, without the CDK's hashes."""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.infra.assembly import Assembly, Resource, flat

FOLDER = Path(__file__).with_name("snapshots")
BASE = "demo"
"""Environment whose snapshot contains all values. Other snapshots contain only the differences from this snapshot."""
WIDTH = 140
COVERED = {
    *("AWS::IAM::Policy", "AWS::IAM::Role", "AWS::Lambda::Permission"),  # test_permissions.py
    "AWS::ApiGatewayV2::Integration",  # test_serving.py
    *("AWS::Lambda::Alias", "AWS::Lambda::Version"),  # test_gradual_releases.py
    "AWS::Lambda::LayerVersion",  # test_functions.py, as layers of functions
    "AWS::S3::BucketPolicy",  # test_data.py
}
"""Resource types that snapshots leave out, because the named tests cover them."""
COVERED_VALUES = re.compile(r"\.(RouteSettings|StorageDescriptor|ViewOriginalText|Code|Layers|LoggingConfig|Role)$")


def facts(assembly: Assembly) -> list[str]:
    """Return lines such as ``data/Users.BillingMode = "PAY_PER_REQUEST"``."""
    own = re.compile(rf"((?i:alsolike)[-_/ ]?|--env |\"){assembly.environment}")
    lines = (line for each in assembly.resources if each.type not in COVERED for line in _lines(each))
    return sorted(own.sub(r"\1ENV", line) for line in lines)


def read(environment: str) -> list[str]:
    return (FOLDER / f"{environment}.txt").read_text().splitlines()


def differences(before: Sequence[str], after: Sequence[str]) -> list[str]:
    return [line for line in difflib.ndiff(before, after) if line.startswith(("- ", "+ "))]


def _lines(resource: Resource) -> Iterator[str]:
    name = f"{resource.stack.rpartition('-')[2]}/{_plain(resource.logical_id)}"
    if resource.type == "AWS::ApiGatewayV2::Route":
        yield f"{name} = {json.dumps(_plain(resource.properties), sort_keys=True)}"
        return
    policies = {key: resource.attributes.get(key) for key in ("DeletionPolicy", "UpdateReplacePolicy")}
    yield f"{name} = {resource.type} {json.dumps({key: value for key, value in policies.items() if value})}"
    for key, value in resource.properties.items():
        if key == "DashboardBody":
            yield from _widgets(name, _plain(json.loads(flat(value))))
        else:
            yield from _leaves(f"{name}.{key}", _plain(json.loads(flat(value)) if key == "DefinitionString" else value))


def _widgets(name: str, body: Any) -> Iterator[str]:
    """Yield a line per metric of each widget, and a line with the other properties."""
    for widget in body["widgets"]:
        properties = dict(widget["properties"])
        place = f"{name}.{properties.pop('title', widget['type'])}"
        for metric in properties.pop("metrics", ()):
            yield f"{place}.metrics = {json.dumps(metric, sort_keys=True)}"
        yield f"{place} = {json.dumps(properties, sort_keys=True)}"


def _leaves(path: str, value: Any) -> Iterator[str]:
    if COVERED_VALUES.search(path):
        return
    text = json.dumps(value, sort_keys=True)
    if len(text) <= WIDTH or not isinstance(value, dict | list):
        yield f"{path} = {text}"
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _leaves(f"{path}.{key}", inner)


def _plain(value: Any) -> Any:
    """Return a value with intrinsic functions as strings and without the hashes of names and assets."""
    match value:
        case {"Ref": str()} | {"Fn::GetAtt": list()} | {"Fn::ImportValue": str()} | {"Fn::Sub": str()}:
            return _plain(flat(value))
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(map(str, map(_plain, parts)))
        case str():
            value = re.sub(r"ExportsOutput(?:Ref|FnGetAtt)(\w+?)[0-9A-F]{8}(\w*?)[0-9A-F]{8}", r"\1 \2", value).rstrip()
            # Digests of assets are replaced first, because some end with eight digits, like the CDK's hashes of names.
            # A number that stands alone is kept: it is a price, or the number of an account.
            value = re.sub(r"[0-9a-f]{64}", "HASH", value)
            return re.sub(r"((?<![\w.])[\d.]+(?!\w))|(?<=\w)([0-9A-F]{8})+(?![0-9A-Za-z])", r"\1", value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
    return value
