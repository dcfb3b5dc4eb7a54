"""Algorithm that counts item transitions slowly, writes checkpoints and rejects large shops."""

from __future__ import annotations

import dataclasses
import sys
import time
from typing import ClassVar

import numpy as np
import scipy.sparse as sp

from model_export.algorithms.building_blocks.item_to_item import ItemRows, ItemRowsModel
from model_export.api import Algorithm
from model_export.data.interactions import Interactions
from model_export.processes.checkpoints import checkpoint

STEPS, STEP_S = 15, 0.1
MAX_ITEMS = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Patient(Algorithm):
    name: ClassVar[str] = "patient"
    position_decay: float = 0.5

    def fit(self, interactions: Interactions) -> ItemRowsModel:
        if interactions.items > MAX_ITEMS:
            raise RuntimeError(f"{interactions.items} items are too many for a patient shop")
        saved = checkpoint(self, interactions)
        assert saved is not None, "the job keeps checkpoints"
        done, table = 0, np.zeros((interactions.items + 1, interactions.items + 1))
        if saved.is_file():
            with np.load(saved) as state:
                done, table = int(state["done"]), state["table"]
            sys.stdout.write(f"patient goes on from step {done}\n")
        same_user = np.flatnonzero(interactions.user[1:] == interactions.user[:-1])
        slices = np.array_split(same_user, STEPS)
        for step in range(done, STEPS):
            np.add.at(table, (interactions.item[slices[step]], interactions.item[slices[step] + 1]), 1.0)
            time.sleep(STEP_S)
            partial = saved.with_name(f".{saved.name}")
            with partial.open("wb") as file:
                np.savez(file, done=step + 1, table=table)
            partial.replace(saved)
        rows = ItemRows.from_blocks([sp.csr_array(table[1:])], items=interactions.items, n=interactions.items)
        return ItemRowsModel(settings=self, items=interactions.items, rows=rows)
