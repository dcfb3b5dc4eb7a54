"""Published HR@10 and NDCG@10 of the same protocol: leave-one-out, all items ranked, items of the history masked.

For models marked with *, the source quotes another paper.
"""

from __future__ import annotations

from typing import NamedTuple


class Published(NamedTuple):
    model: str
    hr: float
    ndcg: float
    source: str


S3REC = "S3-Rec's repository (Zhou et al., CIKM 2020), table with all items ranked"
ESASREC = "eSASRec's repository (Tikhonovich et al., RecSys 2025), README; on a graphics card"
BSAREC = "BSARec (Shin et al., AAAI 2024), its table of results"
TVREC = "TV-Rec (Shin et al., NeurIPS 2025), its table of results"
GENREC = "GenRec's repository, README; on a graphics card"

PUBLISHED = {
    "beauty": (
        Published("popularity", 0.0152, 0.0068, S3REC),
        Published("SASRec", 0.0605, 0.0318, S3REC),
        Published("S3-Rec", 0.0647, 0.0327, S3REC),
        Published("TIGER*", 0.0648, 0.0384, ESASREC),
        Published("ActionPiece*", 0.0775, 0.0424, ESASREC),
        Published("HSTU", 0.0788, 0.0439, ESASREC),
        Published("OneRec-SFT 1.7B", 0.0925, 0.0501, GENREC),
        Published("eSASRec", 0.0928, 0.0523, ESASREC),
        Published("SASRec, sampled softmax", 0.0921, 0.0531, ESASREC),
        Published("TV-Rec", 0.1017, 0.0608, TVREC),
        Published("BSARec", 0.1008, 0.0611, BSAREC),
    ),
    "sports": (
        Published("SASRec", 0.0350, 0.0192, S3REC),
        Published("S3-Rec", 0.0385, 0.0204, S3REC),
        Published("TIGER*", 0.0400, 0.0225, ESASREC),
        Published("HSTU", 0.0437, 0.0243, ESASREC),
        Published("OneRec-SFT 1.7B", 0.0596, 0.0325, GENREC),
        Published("eSASRec", 0.0560, 0.0323, ESASREC),
        Published("SASRec, sampled softmax", 0.0569, 0.0314, ESASREC),
    ),
    "toys": (
        Published("SASRec", 0.0675, 0.0374, S3REC),
        Published("S3-Rec", 0.0700, 0.0376, S3REC),
        Published("TIGER*", 0.0712, 0.0432, ESASREC),
        Published("HSTU", 0.0778, 0.0450, ESASREC),
        Published("OneRec-SFT 1.7B", 0.0946, 0.0541, GENREC),
        Published("eSASRec", 0.0939, 0.0538, ESASREC),
        Published("SASRec, sampled softmax", 0.0970, 0.0580, ESASREC),
    ),
}
