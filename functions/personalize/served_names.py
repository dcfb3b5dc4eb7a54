"""Names of campaigns, recommenders and filters, which occur in requests for recommendations.

Filters may use the columns of the configuration and of the datasets' schemas.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

from alsolike.configuration import avro
from alsolike.configuration.aliases import NEXT_BEST_ACTION, RECIPES, Alias, Recipe
from alsolike.configuration.arns import resource_name
from alsolike.configuration.columns import property_name
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.configuration.rules import Exploration
from alsolike.configuration_document.client_resources import NO_NAMES, OwnNames
from alsolike.configuration_document.document import COLUMN
from alsolike.declarations.limits import MAX_FILTER_CHARACTERS
from alsolike.filters.parser import parse
from alsolike.filters.tree import ColumnDataset
from alsolike.filters.types import mismatches
from alsolike.filters.undeclared_names import undeclared
from alsolike.runtime.errors import InvalidFilter, InvalidInput, PersonalizeError
from alsolike.runtime.s3 import S3Object
from alsolike.schema import validation
from functions.personalize.codes import EXISTS, INVALID
from functions.personalize.resources import CAMPAIGN, DATASET, FILTER, RECOMMENDER, SCHEMA, SOLUTION, Kind
from functions.personalize.store import Resource, ResourceStore

_KINDS = tuple(kind.noun for kind in (SCHEMA, DATASET, SOLUTION, CAMPAIGN, RECOMMENDER, FILTER))
ITEMS, USERS = "ITEMS", "USERS"
_IDS = {ITEMS: "ITEM_ID", USERS: "USER_ID"}
ATTEMPTS = 5
NEW_FOR_DAYS = 30
"""Default age in days up to which items are new, as in Personalize."""

FOR_YOU = Recipe("for-you")
"""Recipe of solutions that name no known recipe. Personalize would select a recipe automatically."""


class ServedNames:
    """S3 object with the names of resources. Names in the shop's configuration take precedence."""

    def __init__(self, store: ResourceStore, stored: S3Object, configuration: Callable[[], Configuration]) -> None:
        self._store, self._stored, self._configuration = store, stored, configuration

    def check(self, kind: Kind, name: str, request: Mapping[str, Any], *, now_ms: int) -> None:
        """Raise `PersonalizeError` if the name exists already, or the filter expression or a setting is invalid."""
        configuration = self._configuration()
        used_names = (
            configuration.filters if kind is FILTER else {**configuration.aliases, **configuration.recommenders}
        )
        if name in used_names:
            raise PersonalizeError(f"{kind.field} {name!r} exists already in the configuration", EXISTS)
        if kind is FILTER:
            _check_expression(request["filterExpression"], self._compiled(NO_NAMES).added_to(configuration))
            return
        other = RECOMMENDER if kind is CAMPAIGN else CAMPAIGN
        same_name = self._store.get(other.noun, name, now_ms=now_ms)
        if same_name is not None and same_name.deleted_ms is None:
            raise PersonalizeError(f"the {other.field} {name!r} has this name already", EXISTS)
        exploration(kind, request)

    def publish(self) -> None:
        """Add the names and columns of all resources to the object, and remove names of deleted resources.

        Names without a resource are kept, because a recovery in another region may restore only the object.
        """

        def change(content: Any) -> tuple[None, bytes | None]:
            known = NO_NAMES if content is None else OwnNames.from_json(content.body, etag=content.etag)
            body = self._compiled(known).to_json()
            return None, None if content is not None and content.body == body else body

        self._stored.update(change, attempts=ATTEMPTS)

    def _compiled(self, known: OwnNames) -> OwnNames:
        resources = self._store.all(*_KINDS)
        deleted = {(item.kind, item.name) for item in resources if item.deleted_ms is not None}
        existing = [item for item in resources if item.deleted_ms is None]
        solutions = {item.key: item for item in existing if item.kind == SOLUTION.noun}
        aliases = {
            name: alias
            for name, alias in known.aliases.items()
            if deleted.isdisjoint({(CAMPAIGN.noun, name), (RECOMMENDER.noun, name)})
        }
        filters = {name: text for name, text in known.filters.items() if (FILTER.noun, name) not in deleted}
        for item in existing:
            if item.kind == FILTER.noun:
                filters[item.name] = item.request["filterExpression"]
            elif item.kind == RECOMMENDER.noun:
                aliases[item.name] = _alias(item, RECOMMENDER, item.request)
            elif item.kind == CAMPAIGN.noun:
                solution = solutions.get(item.request["solutionVersionArn"].split("/")[-2])
                aliases[item.name] = _alias(item, CAMPAIGN, solution.request if solution else {})
        schemas = {item.key: item.request["schema"] for item in existing if item.kind == SCHEMA.noun}
        columns = {ITEMS: known.item_columns, USERS: known.user_columns}
        for item in sorted(resources, key=lambda item: item.deleted_ms is None):  # Existing datasets take precedence.
            if item.kind == DATASET.noun and (dataset := item.request["datasetType"]) in columns:
                schema = None if item.deleted_ms else schemas.get(resource_name(item.request["schemaArn"]))
                columns[dataset] = {} if schema is None else _columns(schema, dataset)
        return OwnNames(aliases, filters, columns[ITEMS], columns[USERS])


def _columns(schema: str, dataset: str) -> Mapping[str, ColumnType]:
    """Return the columns of a dataset's schema. Categorical columns may contain lists, as in Personalize."""
    try:
        fields = avro.parse_schema(schema, where="schema").fields
    except InvalidInput:  # An earlier version accepted any text.
        return {}
    return {
        property_name(field.name): avro.column_type(field, is_list=field.categorical)
        for field in fields
        if field.name != _IDS[dataset] and COLUMN.fullmatch(field.name)
    }


def _alias(resource: Resource, kind: Kind, named: Mapping[str, Any]) -> Alias:
    recipe = recipe_of(named)
    ranks_actions = recipe.recommender == NEXT_BEST_ACTION
    return Alias(
        resource.name,
        recipe.recommender,
        hides=recipe.hides,
        exploration=exploration(kind, resource.request, ranks_actions=ranks_actions),
        recipe=_recipe_name(named) or None,
    )


def recipe_of(request: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a request, or `FOR_YOU` if the request has no known recipe."""
    return RECIPES.get(_recipe_name(request), FOR_YOU)


def _recipe_name(request: Mapping[str, Any]) -> str:
    return resource_name(str(request.get("recipeArn", "")))


def exploration(kind: Kind, request: Mapping[str, Any], *, ranks_actions: bool = False) -> Exploration | None:
    """Return the exploration that a campaign or recommender requests, or None for the weight 0.

    If `ranks_actions` is true, an explicit weight of 0 is returned too, because actions are explored by default.
    """
    settings = _object(_object(request, f"{kind.field}Config"), "itemExplorationConfig")
    share = _number(settings, "explorationWeight", default=0.0, maximum=1.0)
    days = _number(settings, "explorationItemAgeCutOff", default=NEW_FOR_DAYS, maximum=3_650.0)
    is_set = bool(share) or (ranks_actions and "explorationWeight" in settings)
    return Exploration(share, max(math.ceil(days), 1)) if is_set else None


def _object(holder: Mapping[str, Any], field: str) -> Mapping[str, Any]:
    value = holder.get(field)
    if value is not None and not isinstance(value, Mapping):
        raise PersonalizeError(f"{field} is {validation.describe(value)}, expected an object", INVALID)
    return value or {}


def _number(settings: Mapping[str, Any], field: str, *, default: float, maximum: float) -> float:
    text = settings.get(field, default)
    try:
        number = float(text)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number <= maximum:
        raise PersonalizeError(
            f"{field} is {validation.describe(text)}, expected a number from 0 to {maximum:g}", INVALID
        )
    return number


def _check_expression(expression: str, configuration: Configuration) -> None:
    if len(expression) > MAX_FILTER_CHARACTERS:
        problem = f"has {len(expression)} characters, expected at most {MAX_FILTER_CHARACTERS:,}"
        raise PersonalizeError(f"filterExpression {problem}", INVALID)
    try:
        filter_ = parse(expression)
    except InvalidFilter as error:
        raise PersonalizeError(f"filterExpression is invalid: {error}", INVALID) from error
    columns = {
        ColumnDataset.ITEMS: configuration.item_columns,
        ColumnDataset.CURRENT_USER: configuration.user_columns,
    }
    unknown = undeclared(filter_, item_columns=configuration.item_columns, user_columns=configuration.user_columns)
    for offset, message in itertools.chain(unknown, mismatches(filter_, columns)):
        raise PersonalizeError(f"filterExpression cannot be met: character {offset + 1}: {message}", INVALID)
