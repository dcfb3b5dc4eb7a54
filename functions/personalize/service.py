"""The operations of the control plane on schemas, dataset groups, datasets, event trackers, solutions and recipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from alsolike.contract import validation
from alsolike.domain.aliases import RECIPES
from alsolike.domain.control_plane import EMPTY_LISTS, NO_ACTIONS, REFUSED
from alsolike.runtime.errors import PersonalizeError
from alsolike.runtime.names import NAME, NAME_FORM
from functions.personalize.resources import (
    DATASET,
    DATASET_TYPES,
    EVENT_INTERACTIONS,
    GROUP,
    KINDS,
    SCHEMA,
    SOLUTION,
    TRACKER,
    Kind,
    tracker_id,
)
from functions.personalize.store import Resource, ResourceStore

PAGE = 100
RECIPES_PREFIX = "arn:aws:personalize:::recipe/"

INVALID = "InvalidInputException"
NOT_FOUND = "ResourceNotFoundException"
EXISTS = "ResourceAlreadyExistsException"
IN_USE = "ResourceInUseException"
LIMIT = "LimitExceededException"
BAD_TOKEN = "InvalidNextTokenException"  # noqa: S105  no password

Parameters = Mapping[str, Any]
Operation = Callable[[Parameters, int], dict[str, Any]]


class ControlPlane:
    """The control plane of one deployment, which is one dataset group.

    Parameters
    ----------
    arn_prefix
        Beginning of all ARNs.
    tracking_id
        The tracking id of every event tracker.
    """

    def __init__(self, store: ResourceStore, *, arn_prefix: str, tracking_id: str) -> None:
        self._store = store
        self._arn_prefix = arn_prefix
        self._tracking_id = tracking_id
        self._operations: dict[str, Operation] = {"ListRecipes": self._list_recipes, "DescribeRecipe": self._recipe}
        for kind in KINDS:
            self._operations |= {
                f"Create{kind.noun}": self._creation(kind),
                f"Describe{kind.noun}": self._description(kind),
                f"Delete{kind.noun}": self._deletion(kind),
                f"List{kind.noun}s": self._listing(kind),
            }

    @property
    def operations(self) -> Sequence[str]:
        """Names of the operations that work."""
        return [*self._operations, *EMPTY_LISTS]

    def answer(self, operation: str, parameters: Parameters, *, now_ms: int) -> dict[str, Any]:
        """Return the response to an operation.

        Raises
        ------
        PersonalizeError
            With the code of Amazon Personalize.
        """
        if operation in self._operations:
            return self._operations[operation](parameters, now_ms)
        if operation in EMPTY_LISTS:
            return {EMPTY_LISTS[operation]: []}
        if operation in REFUSED:
            raise PersonalizeError(f"{operation} is not available. {REFUSED[operation]}.", INVALID)
        raise PersonalizeError(
            f"x-amz-target names the operation {operation!r}, expected AmazonPersonalize.<operation>",
            INVALID,
        )

    def _creation(self, kind: Kind) -> Operation:
        def create(parameters: Parameters, now_ms: int) -> dict[str, Any]:
            texts = {field: _text(parameters, field) for field in kind.required}
            name = texts["name"]
            if not NAME.fullmatch(name):
                raise PersonalizeError(f"name is {validation.describe(name)}, expected {NAME_FORM}", INVALID)
            key = self._checked(kind, texts, parameters, now_ms)
            kept = {field: parameters[field] for field in kind.kept if parameters.get(field) is not None}
            self._insert(Resource(kind.noun, key, name, kept, now_ms), kind)
            answer = {kind.arn_field: self._arn(kind, key)}
            if kind is GROUP and "domain" in kept:
                answer["domain"] = kept["domain"]
            if kind is TRACKER:
                self._add_event_dataset(texts["datasetGroupArn"], now_ms)
                answer["trackingId"] = self._tracking_id
            return answer

        return create

    def _checked(self, kind: Kind, texts: Mapping[str, str], parameters: Parameters, now_ms: int) -> str:
        """Return the id of a new resource, whose references exist."""
        name = texts["name"]
        if kind is GROUP:
            others = [each for each in self._store.all(GROUP.noun, now_ms=now_ms) if each.key != name]
            if [each for each in others if each.deleted_ms is None]:
                raise PersonalizeError(f"this deployment is the dataset group {others[0].name!r} already", LIMIT)
        if "datasetGroupArn" in texts:
            group = self._existing(GROUP, texts["datasetGroupArn"], now_ms)
        if kind is DATASET:
            dataset_type = texts["datasetType"].upper()
            if dataset_type not in DATASET_TYPES:
                expected = f"expected one of {', '.join(DATASET_TYPES)}"
                more = f". {NO_ACTIONS}" if dataset_type.startswith("ACTION") else ""
                raise PersonalizeError(f"datasetType is {texts['datasetType']!r}, {expected}{more}", INVALID)
            self._existing(SCHEMA, texts["schemaArn"], now_ms)
            return f"{group.key}/{dataset_type}"
        if kind is SOLUTION and (recipe := parameters.get("recipeArn")) is not None:
            self._recipe({"recipeArn": recipe}, now_ms)
        return tracker_id(name) if kind is TRACKER else name

    def _insert(self, resource: Resource, kind: Kind) -> None:
        if not self._store.insert(resource):
            raise PersonalizeError(f"{self._arn(kind, resource.key)} exists already", EXISTS)

    def _add_event_dataset(self, group_arn: str, now_ms: int) -> None:
        """Add the dataset of the tracker's events, which Personalize creates as well."""
        key = f"{group_arn.rpartition('/')[2]}/{EVENT_INTERACTIONS}"
        kept = {"datasetGroupArn": group_arn, "datasetType": EVENT_INTERACTIONS}
        self._store.insert(Resource(DATASET.noun, key, EVENT_INTERACTIONS, kept, now_ms))

    def _description(self, kind: Kind) -> Operation:
        def describe(parameters: Parameters, now_ms: int) -> dict[str, Any]:
            found = self._existing(kind, _text(parameters, kind.arn_field), now_ms)
            document = {**self._summary(kind, found), **found.request}
            if kind is TRACKER:
                document |= {"trackingId": self._tracking_id, "accountId": self._arn_prefix.rpartition(":")[2]}
            return {kind.field: document}

        return describe

    def _deletion(self, kind: Kind) -> Operation:
        def delete(parameters: Parameters, now_ms: int) -> dict[str, Any]:
            arn = _text(parameters, kind.arn_field)
            found = self._existing(kind, arn, now_ms)
            if found.deleted_ms is not None:
                raise PersonalizeError(f"{arn} is being deleted", IN_USE)
            if used := self._users(kind, found, now_ms):
                raise PersonalizeError(f"{arn} is used by {', '.join(used)}", IN_USE)
            self._store.delete(kind.noun, found.key, now_ms=now_ms)
            return {}

        return delete

    def _users(self, kind: Kind, found: Resource, now_ms: int) -> list[str]:
        """Return the ARNs of the resources that refer to this one."""
        if kind not in (GROUP, SCHEMA):
            return []
        return [
            self._arn(other, each.key)
            for other in KINDS
            for each in self._store.all(other.noun, now_ms=now_ms)
            if each.deleted_ms is None
            and str(each.request.get(kind.arn_field, "")).endswith(f":{kind.path}/{found.key}")
        ]

    def _listing(self, kind: Kind) -> Operation:
        def list_(parameters: Parameters, now_ms: int) -> dict[str, Any]:
            group = parameters.get("datasetGroupArn")
            found = [
                self._summary(kind, each)
                for each in self._store.all(kind.noun, now_ms=now_ms)
                if group is None or str(each.request.get("datasetGroupArn", "")).endswith(_tail(str(group)))
            ]
            return _page(found, parameters, field=f"{kind.field}s")

        return list_

    def _summary(self, kind: Kind, found: Resource) -> dict[str, Any]:
        status = "ACTIVE" if found.deleted_ms is None else "DELETE IN_PROGRESS"
        return {
            "name": found.name,
            kind.arn_field: self._arn(kind, found.key),
            **({"status": status} if kind.has_status else {}),
            "creationDateTime": found.created_ms / 1000,
            "lastUpdatedDateTime": (found.deleted_ms or found.created_ms) / 1000,
            **{field: found.request[field] for field in kind.listed if field in found.request},
        }

    def _existing(self, kind: Kind, arn: str, now_ms: int) -> Resource:
        """Return a resource by type and name: ARNs of another account and region are accepted."""
        _, found, key = arn.partition(f":{kind.path}/")
        resource = self._store.get(kind.noun, key, now_ms=now_ms) if found and key else None
        if resource is None:
            raise PersonalizeError(f"{kind.arn_field} is {validation.describe(arn)}, which does not exist", NOT_FOUND)
        return resource

    def _arn(self, kind: Kind, key: str) -> str:
        return f"{self._arn_prefix}:{kind.path}/{key}"

    def _list_recipes(self, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        domain = parameters.get("domain")
        names = [name for name in RECIPES if domain is None or _domain(name) == domain]
        return _page([_recipe_summary(name) for name in names], parameters, field="recipes")

    def _recipe(self, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        arn = _text(parameters, "recipeArn")
        name = arn.rpartition("/")[2]
        if name not in RECIPES:
            raise PersonalizeError(f"recipeArn is {validation.describe(arn)}; ListRecipes returns all", NOT_FOUND)
        return {"recipe": _recipe_summary(name)}


def _recipe_summary(name: str) -> dict[str, Any]:
    domain = _domain(name)
    return {
        "name": name,
        "recipeArn": f"{RECIPES_PREFIX}{name}",
        "status": "ACTIVE",
        **({"domain": domain} if domain else {}),
    }


def _domain(recipe: str) -> str | None:
    return next(
        (domain for mark, domain in (("-ecomm-", "ECOMMERCE"), ("-vod-", "VIDEO_ON_DEMAND")) if mark in recipe), None
    )


def _text(parameters: Parameters, field: str) -> str:
    value = parameters.get(field)
    if not isinstance(value, str) or not value:
        raise PersonalizeError(f"{field} is {validation.describe(value)}, expected a non-empty string", INVALID)
    return value


def _tail(arn: str) -> str:
    """Return the type and name of an ARN, with the colon before them."""
    return f":{arn.rpartition(':')[2]}"


def _page(found: Sequence[dict[str, Any]], parameters: Parameters, *, field: str) -> dict[str, Any]:
    """Return a page of a list, whose token is the index of the next element."""
    token = parameters.get("nextToken") or "0"
    if not (isinstance(token, str) and token.isascii() and token.isdecimal() and int(token) <= len(found)):
        raise PersonalizeError(f"nextToken is {validation.describe(token)}, expected one of a response", BAD_TOKEN)
    start, size = int(token), min(int(parameters.get("maxResults") or PAGE), PAGE)
    end = start + size
    return {field: list(found[start:end]), **({"nextToken": str(end)} if end < len(found) else {})}
