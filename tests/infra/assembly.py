"""Synthesis of an environment, and queries of its assembly."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from infra_cdk.app import create_app, read_context

OPTIONAL = {"check_kafka", "publish_lists", "read_kafka"}
"""Functions that exist only with settings that are off by default."""
FUNCTIONS = tuple(
    sorted({path.parent.name for path in (Path(__file__).parents[2] / "functions").glob("*/handler.py")} - OPTIONAL)
)
STACKS = (
    "attribution", "batch", "catalogue", "data", "lake", "observability", "pages", "privacy", "serving", "training",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resource:
    stack: str
    logical_id: str
    type: str
    properties: dict[str, Any]
    attributes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Assembly:
    directory: Path
    resources: tuple[Resource, ...]

    @classmethod
    def read(cls, directory: Path) -> Self:
        return cls(
            directory,
            tuple(
                Resource(
                    path.name.removesuffix(".template.json"),
                    logical_id,
                    resource["Type"],
                    resource.get("Properties", {}),
                    {key: value for key, value in resource.items() if key not in ("Type", "Properties")},
                )
                for path, template in templates(directory)
                for logical_id, resource in template["Resources"].items()
                # `Never` is the only condition of templates. It marks resources that the settings disable, so that
                # references of other stacks remain valid.
                if resource.get("Condition") != "Never"
            ),
        )

    @property
    def environment(self) -> str:
        return self.resources[0].stack.split("-")[1]

    def of_type(self, resource_type: str) -> list[Resource]:
        return [resource for resource in self.resources if resource.type == resource_type]

    def only(self, resource_type: str) -> Resource:
        (resource,) = self.of_type(resource_type)
        return resource

    def state_machine(self, part: str) -> Resource:
        """Return the state machine of the stack ``alsolike-<environment>-<part>``."""
        machines = self.of_type("AWS::StepFunctions::StateMachine")
        (resource,) = [machine for machine in machines if machine.stack.endswith(f"-{part}")]
        return resource

    def authorizer(self, kind: str) -> Resource:
        """Return the API's only authorizer of a type, such as ``JWT``."""
        (resource,) = self.authorizers(kind)
        return resource

    def authorizers(self, kind: str) -> list[Resource]:
        found = self.of_type("AWS::ApiGatewayV2::Authorizer")
        return [each for each in found if each.properties["AuthorizerType"] == kind]

    def glue_table(self, name: str) -> dict[str, Any]:
        definitions: list[dict[str, Any]] = [r.properties["TableInput"] for r in self.of_type("AWS::Glue::Table")]
        (definition,) = [definition for definition in definitions if definition["Name"] == name]
        return definition

    def function(self, name: str) -> Resource:
        (resource,) = [
            function
            for function in self.of_type("AWS::Lambda::Function")
            if function.properties["Handler"] == f"functions.{name}.handler.lambda_handler"
        ]
        return resource

    def referred(self, reference: dict[str, Any], *, stack: str) -> Resource:
        """Return the resource of a ``Ref`` or ``Fn::GetAtt`` in `stack`, or of an import from another stack."""
        if "Fn::ImportValue" in reference:
            return self._exported(reference["Fn::ImportValue"])
        name = reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0]
        (resource,) = [r for r in self.resources if r.stack == stack and r.logical_id == name]
        return resource

    def _exported(self, export: str) -> Resource:
        """Return the resource whose logical ID is the longest prefix of an export's name."""
        stack, _, name = export.partition(":")
        name = name.removeprefix("ExportsOutputRef").removeprefix("ExportsOutputFnGetAtt")
        found = [r for r in self.resources if r.stack == stack and name.startswith(r.logical_id)]
        return max(found, key=lambda resource: len(resource.logical_id))

    def role(self, function: Resource) -> Resource:
        return self.referred(function.properties["Role"], stack=function.stack)


def templates(directory: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(directory.glob("*.template.json")):
        yield path, json.loads(path.read_bytes())


def write_empty_layers(directory: Path) -> Path:
    """Write folders of nearly empty layers. The tests in tests/system/layers cover the contents of real layers."""
    for name in ("core", "onnx_runtime", "sentences"):
        for architecture in ("arm64", "x86_64"):
            python = directory / f"{name}-{architecture}" / "python"
            python.mkdir(parents=True, exist_ok=True)
            (python / f"{name}.py").touch()
    (directory / "training-x86_64" / "python").mkdir(parents=True, exist_ok=True)
    (directory / "training-x86_64" / "python" / "numpy.py").touch()
    (directory / "glue-x86_64.gluewheels.zip").touch()
    return directory


def synthesize(environment: str, *, layers: Path, outdir: Path, settings: Mapping[str, Any] | None = None) -> Assembly:
    """Synthesize an environment of `cdk.json`, or one with `settings`.

    The templates are not validated against CloudFormation's schema.
    """
    context = read_context()
    if settings:
        context["environments"] = {environment: dict(settings)}
    create_app(context, environment=environment, outdir=outdir, layers=layers, check_templates=False).synth()
    return Assembly.read(outdir)


def in_stack(assembly: Assembly, part: str, resource_type: str) -> list[Resource]:
    return [r for r in assembly.of_type(resource_type) if r.stack.endswith(f"-{part}")]


def lake_rules(assembly: Assembly) -> list[dict[str, Any]]:
    (bucket,) = [
        b
        for b in assembly.of_type("AWS::S3::Bucket")
        if b.properties.get("LoggingConfiguration", {}).get("LogFilePrefix") == "lake/"
    ]
    rules: list[dict[str, Any]] = bucket.properties["LifecycleConfiguration"]["Rules"]
    return rules


def statements(role: Resource, *, effect: str = "Allow") -> list[dict[str, Any]]:
    return [
        statement
        for policy in role.properties.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Effect"] == effect
    ]


def all_statements(assembly: Assembly) -> list[tuple[Resource, dict[str, Any]]]:
    return [(role, statement) for role in assembly.of_type("AWS::IAM::Role") for statement in statements(role)]


def granted(role: Resource) -> set[tuple[str, str]]:
    """Return the permissions of a role as pairs of an action and the short name of its resource."""
    return _pairs(statements(role))


def denied(role: Resource) -> set[tuple[str, str]]:
    return _pairs(statements(role, effect="Deny"))


def _pairs(statements: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {
        (action, _short(flat(resource)))
        for statement in statements
        for resource in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }


def listed(value: Any) -> list[Any]:
    """Return a policy's value as a list. IAM writes a single value without brackets."""
    return value if isinstance(value, list) else [value]


def flat(value: Any) -> str:
    """Return an intrinsic function as a string: ``{Ref: A}`` as ``A``, and an import as the export's name."""
    match value:
        case str():
            return value
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(flat(part) for part in parts)
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": [str(name), str(attribute)]}:
            return f"{name}.{attribute}"
        case {"Fn::ImportValue": str(export)}:
            return export.partition(":")[2]
        case {"Fn::Sub": str(text)}:
            return text
        case {"Fn::Select": [int(), _]}:
            return "selected"
    raise AssertionError(f"unknown intrinsic {value!r}")


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def _short(arn: str) -> str:
    if arn.endswith(".Arn") and "Log" in arn:
        return "Log"
    for mark, name in (
        ("DataLakeArtefacts", "Artefacts"),
        ("DataLake", "Lake"),
        ("EventsStream", "Stream"),
        ("ProfileItems", "Profiles"),
        ("KeysEncryption", "KeysEncryption"),
        ("AttKeys", "Keys"),
        ("AttResources", "Resources"),
        ("HashKey", "HashKey"),
        ("SessionKey", "SessionKey"),
        ("Catalogue", "Catalogue"),
        ("AttUsers", "Users"),
        (":model-package/", "Packages"),
        (":cloudformation:", "Stacks"),
        ("ImportsStateMachine", "Imports"),
        ("WorkflowStateMachine", "Workflow"),
        ("Models.", "Models"),
        ("AttModelsModelPackageGroupArn", "Models"),
        ("RecommendLive", "Recommend"),
        ("cdk-hnb659fds-assets", "Code"),
    ):
        if mark in arn:
            exported, slash, key = arn.partition("/")
            return name + slash + key if exported.startswith("ExportsOutput") else name
    return arn
