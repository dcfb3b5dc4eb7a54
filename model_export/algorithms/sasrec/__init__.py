"""SASRec: attention over the order of the history. Only training needs torch."""

from model_export.algorithms.sasrec.model import Sasrec, SasrecModel

__all__ = ["Sasrec", "SasrecModel"]
