"""Networks of SASRec without training."""

import numpy as np

from model_export.algorithms.sasrec import Sasrec, SasrecModel
from model_export.data.interactions import Floats

SMALL = Sasrec(size=8, heads=2, feed=2, length=4, dropout=0.2, negatives=16, epochs=2, max_epochs=4)


def untrained(settings: Sasrec, *, items: int) -> SasrecModel:
    rng = np.random.default_rng(0)
    size, wide = settings.size, settings.size * settings.feed
    shapes: dict[str, tuple[int, ...]] = {"item.weight": (items + 1, size), "position.weight": (settings.length, size)}
    shapes |= {"attend.weight": (3 * size, size), "attend.bias": (3 * size,)}
    shapes |= {"feed.weight": (2 * wide, size), "fed.weight": (size, wide)}
    for name in ("attended", "gate_attention", "gate_feed"):
        shapes |= {f"{name}.weight": (size, size), f"{name}.bias": (size,)}
    for name in ("norm_attention", "norm_feed", "norm_out"):
        shapes |= {f"{name}.weight": (size,), f"{name}.bias": (size,)}
    arrays: dict[str, Floats] = {name: rng.normal(0.0, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}
    arrays["item.weight"][0] = 0.0
    return SasrecModel(settings=settings, items=items, arrays=arrays)
