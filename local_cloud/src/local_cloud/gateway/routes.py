"""Routing of requests to an HTTP API.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

DEFAULT_KEY = "$default"
_VARIABLE = re.compile(r"\{([A-Za-z0-9._\-]+)(\+)?\}")


@dataclass(frozen=True, slots=True)
class Route:
    key: str
    function_arn: str
    timeout_s: float = 30.0
    authorizer_id: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        return "ANY" if self.key == DEFAULT_KEY else self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        return "/{proxy+}" if self.key == DEFAULT_KEY else self.key.partition(" ")[2]


@dataclass(frozen=True, slots=True)
class Match:
    """Route of a request, with the undecoded values of path variables."""

    route: Route
    encoded: Mapping[str, str]

    @property
    def parameters(self) -> dict[str, str]:
        return {name: unquote(value) for name, value in self.encoded.items()}


class RouteTable:
    def __init__(self, routes: Iterable[Route]) -> None:
        self._entries = sorted(
            ((_specificity(route), _pattern(route), route) for route in routes), key=lambda entry: entry[0]
        )

    def match(self, method: str, path: str) -> Match | None:
        """Return the route for an undecoded path, or None if there is none."""
        for _, pattern, route in self._entries:
            found = pattern.fullmatch(path) if route.method in ("ANY", method) else None
            if found:
                names = [variable[1] for variable in _VARIABLE.finditer(route.path)]
                return Match(route, {} if route.key == DEFAULT_KEY else dict(zip(names, found.groups(), strict=True)))
        return None


def _specificity(route: Route) -> tuple[object, ...]:
    """Return a key that sorts the most specific route first.

    Paths without a greedy variable are first. Then, from left to right, exact segments precede variables. Then methods
    precede `ANY`. `$default` is last.
    """
    if route.key == DEFAULT_KEY:
        return (1,)
    segments = route.path.strip("/").split("/")
    ranks = [2 if "+}" in segment else 1 if "{" in segment else 0 for segment in segments]
    return (0, any(rank == 2 for rank in ranks), ranks, route.method == "ANY")


def _pattern(route: Route) -> re.Pattern[str]:
    if route.key == DEFAULT_KEY:
        return re.compile(r".*")
    parts, position = [], 0
    for variable in _VARIABLE.finditer(route.path):
        parts.append(re.escape(route.path[position : variable.start()]))
        # After other segments, a greedy variable may be empty: /pets/{proxy+} matches /pets/, but not /pets.
        greedy = "(.*)" if variable.start() > 1 else "(.+)"
        parts.append(greedy if variable[2] else "([^/]+)")
        position = variable.end()
    parts.append(re.escape(route.path[position:]))
    return re.compile("".join(parts))
