"""Operations of the control plane."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from alsolike.configuration import avro
from alsolike.configuration.aliases import RECIPES, SEGMENTS, Recipe
from alsolike.configuration.arns import resource_name
from alsolike.configuration.control_plane import EMPTY_LISTS, REFUSED
from alsolike.runtime.errors import InvalidInput, PersonalizeError
from alsolike.runtime.names import NAME, NAME_FORM
from alsolike.schema import validation
from functions.personalize.codes import (
    ACTIVE,
    BAD_TOKEN,
    DELETING,
    EXISTS,
    IN_PROGRESS,
    IN_USE,
    INVALID,
    LIMIT,
    NOT_FOUND,
    PENDING,
)
from functions.personalize.jobs import Batches, Imports
from functions.personalize.resources import (
    BATCH_JOB,
    CAMPAIGN,
    DATASET,
    DATASET_TYPES,
    DELETION_ORDER,
    EVENT_INTERACTIONS,
    GROUP,
    IMPORT_JOB,
    KINDS,
    PUBLISHED,
    RECOMMENDER,
    SCHEMA,
    SERVED,
    SOLUTION,
    SOLUTION_VERSION,
    TRACKER,
    Kind,
    short_id,
)
from functions.personalize.served_names import ServedNames, exploration, recipe_of
from functions.personalize.store import Resource, ResourceStore
from functions.personalize.trainings import Trainings

PAGE = 100
RECIPES_PREFIX = "arn:aws:personalize:::recipe/"
LATEST = "$LATEST"

_PARENTS = (DATASET, GROUP, SCHEMA, SOLUTION, SOLUTION_VERSION)
Parameters = Mapping[str, Any]
Operation = Callable[[Parameters, int], dict[str, Any]]


class ControlPlane:
    """Control plane of one deployment, which is one dataset group.

    `names_delay_ms` is the time after which requests for recommendations can use a new name.
    """

    def __init__(
        self,
        store: ResourceStore,
        *,
        trainings: Trainings,
        imports: Imports,
        batches: Mapping[Kind, Batches],
        names: ServedNames,
        arn_prefix: str,
        tracking_id: str,
        names_delay_ms: int,
    ) -> None:
        self._store, self._trainings, self._names = store, trainings, names
        self._imports, self._batches = imports, batches
        self._arn_prefix = arn_prefix
        self._tracking_id = tracking_id
        self._names_delay_ms = names_delay_ms
        self._operations: dict[str, Operation] = {
            "ListRecipes": self._list_recipes,
            "DescribeRecipe": self._recipe,
            "GetSolutionMetrics": self._metrics,
        }
        for kind in KINDS:
            self._operations |= {
                f"Create{kind.noun}": partial(self._create, kind),
                f"Describe{kind.noun}": partial(self._describe, kind),
                f"List{kind.noun}s": partial(self._list, kind),
            }
            if kind.has_deletion:
                self._operations[f"Delete{kind.noun}"] = partial(self._delete, kind)
            if kind.changed:
                self._operations[f"Update{kind.noun}"] = partial(self._update, kind)

    @property
    def operations(self) -> Sequence[str]:
        return [*self._operations, *EMPTY_LISTS]

    def answer(self, operation: str, parameters: Parameters, *, now_ms: int) -> dict[str, Any]:
        if operation in self._operations:
            return self._operations[operation](parameters, now_ms)
        if operation in EMPTY_LISTS:
            return {EMPTY_LISTS[operation]: []}
        if operation in REFUSED:
            raise PersonalizeError(f"{operation} is not available. {REFUSED[operation]}.", INVALID)
        problem = f"names the operation {operation!r}" if operation else "is missing"
        raise PersonalizeError(f"x-amz-target {problem}, expected AmazonPersonalize.<operation>", INVALID)

    def _create(self, kind: Kind, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        texts = {field: _text(parameters, field) for field in kind.required}
        name = texts.get(kind.name_field) or parameters.get(kind.name_field) or ""
        if (name or kind.name_field in kind.required) and not (isinstance(name, str) and NAME.fullmatch(name)):
            problem = f"is {validation.describe(name)}, expected {NAME_FORM}"
            raise PersonalizeError(f"{kind.name_field} {problem}", INVALID)
        key, request = self._checked(kind, texts, parameters, now_ms)
        kept = {field: request[field] for field in kind.kept if request.get(field) is not None}
        resource = Resource(kind.noun, key, name, kept, now_ms)
        self._insert(resource, kind)
        answer = {kind.arn_field: self._arn(kind, key)}
        if kind is GROUP and "domain" in kept:
            answer["domain"] = kept["domain"]
        if kind is TRACKER:
            self._add_event_dataset(texts["datasetGroupArn"], now_ms)
            answer["trackingId"] = self._tracking_id
        if kind in PUBLISHED:
            self._names.publish()
        self._state(kind, resource, now_ms)  # Starts the training or job.
        return answer

    def _checked(
        self, kind: Kind, texts: Mapping[str, str], parameters: Parameters, now_ms: int
    ) -> tuple[str, Parameters]:
        """Check a creation request. Return the new resource's key, and the request with defaults and resolved ARNs."""
        name = texts.get("name", "")
        if kind is GROUP:
            groups = [entry for entry in self._store.all(GROUP.noun, now_ms=now_ms) if entry.deleted_ms is None]
            if others := [entry for entry in groups if entry.key != name]:
                raise PersonalizeError(f"this deployment is the dataset group {others[0].name!r} already", LIMIT)
        parents = {
            parent: self._usable(parent, texts[parent.arn_field], now_ms)
            for parent in _PARENTS
            if parent.arn_field in texts and not texts[parent.arn_field].endswith(f"/{LATEST}")
        }
        if (recipe := parameters.get("recipeArn")) is not None:
            self._recipe({"recipeArn": recipe}, now_ms)
        if kind in SERVED:
            self._names.check(kind, name, parameters, now_ms=now_ms)
        if kind is IMPORT_JOB:
            self._imports.check(parameters)
        if kind is SCHEMA:
            _check_schema(texts["schema"])
        if kind is DATASET:
            return f"{parents[GROUP].key}/{_dataset_type(texts['datasetType'])}", parameters
        if kind is SOLUTION_VERSION:
            solution = parents[SOLUTION]
            return f"{solution.key}/{uuid.uuid4().hex[:8]}", {"trainingMode": "FULL", **solution.request, **parameters}
        if kind in self._batches:
            version = self._active_version(texts["solutionVersionArn"], now_ms)
            self._batches[kind].check(parameters, recommender=recipe_of(version.request).recommender)
            arn = self._arn(SOLUTION_VERSION, version.key)
            mode = {"batchInferenceJobMode": "BATCH_INFERENCE"} if kind is BATCH_JOB else {}
            return texts[kind.name_field], {**mode, **parameters, "solutionVersionArn": arn}
        if kind is RECOMMENDER:
            _check_is_served(recipe_of(parameters))
        if kind is CAMPAIGN:
            version = self._active_version(texts["solutionVersionArn"], now_ms)
            _check_is_served(recipe_of(version.request))
            return name, {**parameters, "solutionVersionArn": self._arn(SOLUTION_VERSION, version.key)}
        return short_id(name) if kind is TRACKER else texts[kind.name_field], parameters

    def _insert(self, resource: Resource, kind: Kind) -> None:
        if not self._store.insert(resource):
            raise PersonalizeError(f"{self._arn(kind, resource.key)} exists already", EXISTS)

    def _add_event_dataset(self, group_arn: str, now_ms: int) -> None:
        """Add the dataset of the tracker's events, as Personalize does."""
        key = f"{resource_name(group_arn)}/{EVENT_INTERACTIONS}"
        kept = {"datasetGroupArn": group_arn, "datasetType": EVENT_INTERACTIONS}
        self._store.insert(Resource(DATASET.noun, key, EVENT_INTERACTIONS, kept, now_ms))

    def _active_version(self, arn: str, now_ms: int) -> Resource:
        """Return a solution version that has trained a model.

        `$LATEST` in the ARN selects the solution's latest version.
        """
        if arn.endswith(f"/{LATEST}"):
            solution = self._existing(SOLUTION, arn.removesuffix(f"/{LATEST}"), now_ms)
            versions = self._versions_of(solution, now_ms)
            if not versions:
                raise PersonalizeError(f"the solution {solution.name!r} has no version", NOT_FOUND)
            version = versions[-1]
        else:
            version = self._usable(SOLUTION_VERSION, arn, now_ms)
        progressed = self._trainings.progressed(version)
        if progressed.progress["status"] != ACTIVE:
            raise PersonalizeError(f"solutionVersionArn is {arn}, which is {progressed.progress['status']}", IN_USE)
        return progressed

    def _versions_of(self, solution: Resource, now_ms: int) -> Sequence[Resource]:
        """Return the versions of a solution, latest last."""
        versions = self._store.all(SOLUTION_VERSION.noun, now_ms=now_ms)
        own = [entry for entry in versions if entry.key.startswith(f"{solution.key}/") and entry.deleted_ms is None]
        return sorted(own, key=lambda version: version.created_ms)

    def _describe(self, kind: Kind, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        resource = self._existing(kind, _text(parameters, kind.arn_field), now_ms)
        document = {**resource.request, **self._summary(kind, resource, now_ms)}
        if kind in SERVED and document["status"] in (IN_PROGRESS, DELETING):
            self._names.publish()  # Publish again, in case the creation or deletion request failed to publish.
        if kind is TRACKER:
            document |= {"trackingId": self._tracking_id, "accountId": self._arn_prefix.rpartition(":")[2]}
        if kind is SOLUTION and (versions := self._versions_of(resource, now_ms)):
            document["latestSolutionVersion"] = self._summary(SOLUTION_VERSION, versions[-1], now_ms)
        if resource.updated_ms is not None and kind.changed:
            document[f"latest{kind.noun}Update"] = {
                **{field: resource.request[field] for field in kind.changed if field in resource.request},
                "status": IN_PROGRESS if self._is_new(resource.updated_ms, now_ms) else ACTIVE,
                "creationDateTime": resource.updated_ms / 1000,
                "lastUpdatedDateTime": resource.updated_ms / 1000,
            }
        return {kind.field: document}

    def _update(self, kind: Kind, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        resource = self._usable(kind, _text(parameters, kind.arn_field), now_ms)
        version = None
        changes = {field: parameters[field] for field in kind.changed if parameters.get(field) is not None}
        if "solutionVersionArn" in changes:
            version = self._active_version(changes["solutionVersionArn"], now_ms)
            changes["solutionVersionArn"] = self._arn(SOLUTION_VERSION, version.key)
        changed = dataclasses.replace(resource, request={**resource.request, **changes}, updated_ms=now_ms)
        exploration(kind, changed.request)
        if version is not None:
            self._trainings.check_stored(version)
        if not self._store.update(changed):
            raise PersonalizeError(f"{self._arn(kind, resource.key)} is being deleted", IN_USE)
        if version is not None:  # Only a valid and stored update changes the champion.
            self._trainings.serve(version, reason=f"campaign {resource.name}", now_ms=now_ms)
        self._names.publish()
        return {kind.arn_field: self._arn(kind, resource.key)}

    def _delete(self, kind: Kind, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        arn = _text(parameters, kind.arn_field)
        if kind in SERVED and self._existing(kind, arn, now_ms).deleted_ms is not None:
            self._names.publish()  # Publish again, in case the deletion request failed to publish.
        resource = self._usable(kind, arn, now_ms)
        if used := self._users(kind, resource, now_ms):
            raise PersonalizeError(f"{arn} is in use. Delete these first, in this order: {', '.join(used)}", IN_USE)
        for part in self._parts(kind, resource, now_ms):
            self._store.delete(part.kind, part.key, now_ms=now_ms)
        self._store.delete(kind.noun, resource.key, now_ms=now_ms)
        if kind in PUBLISHED:
            self._names.publish()
        return {}

    def _users(self, kind: Kind, resource: Resource, now_ms: int) -> list[str]:
        """Return the ARNs of resources that must be deleted before `resource`, in the order of deletion."""
        if kind not in (GROUP, SCHEMA, SOLUTION):
            return []
        kinds = {other.noun: other for other in DELETION_ORDER}
        existing = [
            entry
            for entry in self._store.all(*kinds, now_ms=now_ms)
            if entry.deleted_ms is None and not _is_of_tracker(entry)
        ]
        users = [entry for entry in existing if _refers(entry, kind, f":{kind.path}/{resource.key}")]
        for solution in [entry for entry in users if entry.kind == SOLUTION.noun]:
            users += [entry for entry in existing if _refers(entry, SOLUTION, f":{SOLUTION.path}/{solution.key}")]
        users.sort(key=lambda entry: list(kinds).index(entry.kind))
        return [self._arn(kinds[entry.kind], entry.key) for entry in users]

    def _parts(self, kind: Kind, resource: Resource, now_ms: int) -> Sequence[Resource]:
        if kind is SOLUTION:
            return self._versions_of(resource, now_ms)
        if kind is GROUP:
            return [entry for entry in self._store.all(DATASET.noun, now_ms=now_ms) if _is_of_tracker(entry)]
        return []

    def _list(self, kind: Kind, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        parents = [(parent, parameters[parent.arn_field]) for parent in _PARENTS if parameters.get(parent.arn_field)]
        resources = [
            entry
            for entry in self._store.all(kind.noun, now_ms=now_ms)
            if all(_refers(entry, parent, _tail(str(arn))) for parent, arn in parents) and not _is_of_tracker(entry)
        ]
        shown, rest = _page(resources, parameters)
        return {kind.list_field: [self._summary(kind, entry, now_ms) for entry in shown], **rest}

    def _summary(self, kind: Kind, resource: Resource, now_ms: int) -> dict[str, Any]:
        return {
            **({kind.name_field: resource.name} if resource.name else {}),
            kind.arn_field: self._arn(kind, resource.key),
            **(self._state(kind, resource, now_ms) if kind.has_status else {}),
            "creationDateTime": resource.created_ms / 1000,
            "lastUpdatedDateTime": (resource.deleted_ms or resource.updated_ms or resource.created_ms) / 1000,
            **{field: resource.request[field] for field in kind.listed if field in resource.request},
        }

    def _state(self, kind: Kind, resource: Resource, now_ms: int) -> Mapping[str, str]:
        """Return the status of a resource, and the reason for a failure. Start its training or job if it has none."""
        if resource.deleted_ms is not None:
            return {"status": DELETING}
        if kind is IMPORT_JOB:
            return _status(self._imports.progressed(resource))
        if kind in self._batches:
            return _status(self._batches[kind].progressed(resource))
        trains = kind is SOLUTION_VERSION or (kind is RECOMMENDER and not self._trainings.has_model())
        if trains:
            state = _status(self._trainings.progressed(resource))
            # A recommender is pending from the gate's approval of its model until the model's promotion.
            if not (kind is RECOMMENDER and state["status"] == ACTIVE):
                return state
        if kind in SERVED and self._is_new(resource.created_ms, now_ms):
            return {"status": IN_PROGRESS}
        if trains or (kind is CAMPAIGN and not self._trainings.has_model()):
            return {"status": PENDING}
        return {"status": ACTIVE}

    def _is_new(self, changed_ms: int, now_ms: int) -> bool:
        """Return true if the function `recommend` has possibly not read a change yet."""
        return now_ms - changed_ms < self._names_delay_ms

    def _existing(self, kind: Kind, arn: str, now_ms: int) -> Resource:
        """Return the resource of an ARN, or raise `PersonalizeError`. The account and region of the ARN are ignored."""
        _, separator, key = arn.partition(f":{kind.path}/")
        resource = self._store.get(kind.noun, key, now_ms=now_ms) if separator and key else None
        if resource is None:
            raise PersonalizeError(f"{kind.arn_field} is {validation.describe(arn)}, which does not exist", NOT_FOUND)
        return resource

    def _usable(self, kind: Kind, arn: str, now_ms: int) -> Resource:
        """Return the resource of an ARN. Raise `PersonalizeError` if it does not exist or is being deleted."""
        resource = self._existing(kind, arn, now_ms)
        if resource.deleted_ms is not None:
            raise PersonalizeError(f"{arn} is being deleted", IN_USE)
        return resource

    def _arn(self, kind: Kind, key: str) -> str:
        return f"{self._arn_prefix}:{kind.path}/{key}"

    def _metrics(self, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        version = self._existing(SOLUTION_VERSION, _text(parameters, "solutionVersionArn"), now_ms)
        metrics = self._trainings.metrics(self._trainings.progressed(version))
        return {"solutionVersionArn": self._arn(SOLUTION_VERSION, version.key), "metrics": metrics}

    def _list_recipes(self, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        domain = parameters.get("domain")
        names = [name for name in RECIPES if domain is None or _domain(name) == domain]
        shown, rest = _page([_recipe_summary(name) for name in names], parameters)
        return {"recipes": shown, **rest}

    def _recipe(self, parameters: Parameters, now_ms: int) -> dict[str, Any]:
        arn = _text(parameters, "recipeArn")
        name = resource_name(arn)
        if name not in RECIPES:
            raise PersonalizeError(
                f"recipeArn is {validation.describe(arn)}, expected a recipe that ListRecipes returns", NOT_FOUND
            )
        return {"recipe": _recipe_summary(name)}


def _status(resource: Resource) -> Mapping[str, str]:
    return {name: resource.progress[name] for name in ("status", "failureReason") if name in resource.progress}


def _check_is_served(recipe: Recipe) -> None:
    if recipe.recommender == SEGMENTS:
        raise PersonalizeError(
            "the recipe selects user segments, expected another recipe: only CreateBatchSegmentJob supports it", INVALID
        )


def _check_schema(text: str) -> None:
    try:
        schema = avro.parse_schema(text, where="schema")
    except InvalidInput as error:
        raise PersonalizeError(str(error), INVALID) from error
    if not schema.fields:
        raise PersonalizeError("schema has no fields, expected at least one", INVALID)


def _dataset_type(text: str) -> str:
    dataset_type = text.upper()
    if dataset_type not in DATASET_TYPES:
        expected = f"expected one of {', '.join(DATASET_TYPES)}"
        raise PersonalizeError(f"datasetType is {text!r}, {expected}", INVALID)
    return dataset_type


def _is_of_tracker(resource: Resource) -> bool:
    return resource.kind == DATASET.noun and resource.name == EVENT_INTERACTIONS


def _refers(resource: Resource, parent: Kind, tail: str) -> bool:
    """Return true if a resource references the parent whose ARN ends with `tail`.

    A campaign or a job references a solution through a version of the solution.
    """
    arn = str(resource.request.get(parent.arn_field, ""))
    uses_version = parent is SOLUTION and f"{tail}/" in str(resource.request.get(SOLUTION_VERSION.arn_field, ""))
    return arn.endswith(tail) or uses_version


def _recipe_summary(name: str) -> dict[str, Any]:
    domain = _domain(name)
    return {
        "name": name,
        "recipeArn": f"{RECIPES_PREFIX}{name}",
        "status": ACTIVE,
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


def _page(elements: Sequence[Any], parameters: Parameters) -> tuple[list[Any], dict[str, str]]:
    """Return a page of a list, and `{"nextToken": ...}` with the index of the next element; {} after the last page."""
    token, size = parameters.get("nextToken") or "0", parameters.get("maxResults") or PAGE
    if not (isinstance(token, str) and token.isascii() and token.isdecimal() and int(token) <= len(elements)):
        raise PersonalizeError(
            f"nextToken is {validation.describe(token)}, expected a token from a response", BAD_TOKEN
        )
    if type(size) is not int or not 1 <= size <= PAGE:
        raise PersonalizeError(f"maxResults is {validation.describe(size)}, expected 1 to {PAGE}", INVALID)
    end = int(token) + size
    return list(elements[int(token) : end]), {"nextToken": str(end)} if end < len(elements) else {}
