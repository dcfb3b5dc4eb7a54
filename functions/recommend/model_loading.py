"""Loading a model version from the artefact bucket."""

from __future__ import annotations

from collections.abc import Callable

from alsolike.runtime.errors import InvalidBundle
from functions.recommend.bundle_cache import BundleCache
from functions.recommend.model import Model


def load(bundles: BundleCache, version: str, *, remaining_ms: Callable[[], float]) -> Model:
    """Load a version; if its files on the disk are damaged, download it again once.

    Raises
    ------
    InvalidBundle
        If the version is broken.
    Unavailable
        If S3 does not answer in time.
    """
    try:
        return _opened(bundles, version, remaining_ms=remaining_ms)
    except InvalidBundle:
        bundles.drop(version)
    try:
        return _opened(bundles, version, remaining_ms=remaining_ms)
    except InvalidBundle:
        bundles.drop(version)
        raise


def _opened(bundles: BundleCache, version: str, *, remaining_ms: Callable[[], float]) -> Model:
    model = Model(bundles.fetch(version, remaining_ms=remaining_ms))
    if model.version != version:
        raise InvalidBundle(f"the bundle of {version} is one of {model.version}")
    return model
