"""pyarrow without pandas, whose import takes as long as that of a small file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType

import pyarrow as pa


class _WithoutPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None, /) -> None:
        if fullname == "pandas":
            raise ImportError(fullname)


def leave_pandas_out() -> None:
    """Keep pyarrow from importing pandas for its first array, if pandas is not imported yet.

    pyarrow looks for pandas once, to recognise Series. If it finds none, it looks again for each conversion to pandas
    (`_PandasAPIShim` in pyarrow/pandas-shim.pxi).
    """
    if "pandas" not in sys.modules:
        finder = _WithoutPandas()
        sys.meta_path.insert(0, finder)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(finder)
