"""SASRec: attention over the order of the history. Only the training requires torch."""

from model_export.algorithms.sasrec.model import Sasrec, SasrecModel

__all__ = ["Sasrec", "SasrecModel"]
