"""Reference of the API's operations, from `docs/openapi.json`, and of the custom metrics."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from operations.metric_writers import METRICS, NAMESPACE

OPENAPI = Path(__file__).parents[1] / "openapi.json"
_LIMITS = {"minimum": "at least", "maximum": "at most", "maxLength": "at most", "maxItems": "at most"}
_UNITS = {"maxLength": " characters", "maxItems": " elements"}


def operations_page() -> str:
    """Return a page with every operation's purpose, scope, parameters, body fields and responses."""
    document = json.loads(OPENAPI.read_text())
    parts = [
        "# API operations",
        "All operations of [openapi.json](openapi.json), the API without a configuration of its own. [API](api.md) and "
        "[Operator API](operator-api.md) describe their use.",
    ]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            parts += _operation(f"{method.upper()} {path}", operation, document["components"]["schemas"])
    return "\n\n".join(parts) + "\n"


def _operation(route: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    yield f"## `{route}`"
    scopes = [scope for each in operation["security"] for scope in (*each.values(),) for scope in scope]
    needs = f"the scope `{scopes[0]}`" if scopes else "a session token" if "session" in str(operation) else "any token"
    yield f"{operation['summary']}. `{operation['operationId']}` requires {needs}."
    rows = [
        _row(f"{each['name']} ({each['in']})", each["schema"], each.get("required", False))
        for each in operation.get("parameters", ())
    ]
    if body := operation.get("requestBody"):
        schema = _resolved(body["content"]["application/json"]["schema"], schemas)
        rows += _fields("", schema)
    if rows:
        yield "\n".join(["| parameter or field | type | required | meaning |", "|---|---|---|---|", *rows])
    returned = operation["responses"]
    shown = [f"{status} ({_type(_content(each))})" if _content(each) else status for status, each in returned.items()]
    yield f"Responses: {', '.join(shown)}."


def _content(response: Mapping[str, Any]) -> Mapping[str, Any]:
    schema: Mapping[str, Any] = response.get("content", {}).get("application/json", {}).get("schema", {})
    return schema


def _fields(prefix: str, schema: Mapping[str, Any]) -> Iterator[str]:
    """Yield a row for each property, and for those of objects in it."""
    for name, field in schema["properties"].items():
        yield _row(f"{prefix}{name}", field, name in schema.get("required", ()))
        below, mark = (field["items"], "[].") if "items" in field else (field, ".")
        if below.get("properties"):
            yield from _fields(f"{prefix}{name}{mark}", below)


def _row(name: str, schema: Mapping[str, Any], required: bool) -> str:
    default = f" Default: {json.dumps(schema['default'])}." if "default" in schema else ""
    text = f"{schema.get('description', '')}{default}".replace("|", "\\|").strip()
    return f"| `{name}` | {_type(schema)} | {'yes' if required else ''} | {text} |"


def _type(schema: Mapping[str, Any]) -> str:
    """Return a schema's type and limits in words."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"] if value is not None)
    kinds = schema.get("type", [])
    names = [kind for kind in (kinds if isinstance(kinds, list) else [kinds]) if kind != "null"]
    if not names:
        return " or ".join(dict.fromkeys(filter(None, map(_type, schema.get("anyOf", schema.get("oneOf", ()))))))
    of = f" of {_type(schema['items'])}" if "items" in schema else ""
    limits = [f"{word} {schema[key]:,}{_UNITS.get(key, '')}" for key, word in _LIMITS.items() if schema.get(key)]
    return ", ".join([" or ".join(names) + of, *limits])


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found


def metrics_page() -> str:
    """Return a page with every custom metric, its function, dimensions and frequency."""
    rows = [
        f"| `{each.metric}` | `{each.service}` | {', '.join(f'`{name}`' for name in each.dimensions)} | {each.rhythm} |"
        for each in sorted(METRICS, key=lambda each: (each.metric, each.service))
    ]
    return "\n".join(
        [
            "# Metrics",
            "",
            f"All custom metrics, in the namespace `{NAMESPACE}`. [Observability](observability.md) describes "
            "dimensions, dashboards and alarms; `alsolike metrics` prints the cost of each metric.",
            "",
            "| metric | function | dimensions | sent |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )
