"""Import of pyarrow without pandas, because loading pandas takes as long as reading a small data file."""

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
    """Prevent pyarrow from importing pandas for its first array, unless pandas is already imported.

    pyarrow tries to import pandas once, to recognise Series. If the import fails, it tries again for each conversion to
    pandas (`_PandasAPIShim` in pyarrow/pandas-shim.pxi).
    """
    if "pandas" not in sys.modules:
        finder = _WithoutPandas()
        sys.meta_path.insert(0, finder)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(finder)
