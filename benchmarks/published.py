"""Published HR@10 and NDCG@10 of leave-one-out, with all items ranked and the items of the history masked.

`benchmarks.quality` uses the same protocol. For models marked with *, the source quotes another paper.
"""

from __future__ import annotations

from typing import NamedTuple


class Source(NamedTuple):
    """Publication of results.

    `training` is the maximum length of a history, the number of seeds, and the selection of the settings.
    """

    text: str
    training: str


class Published(NamedTuple):
    model: str
    hr: float
    ndcg: float
    source: Source


S3REC = Source(
    "S3-Rec's repository (Zhou et al., CIKM 2020), table with all items ranked",
    "histories of 50; seeds and selection of the settings not stated",
)
ESASREC = Source(
    "eSASRec's repository (Tikhonovich et al., RecSys 2025), README; on a graphics card",
    "histories of 50; settings from a grid on validation folds; seeds not stated",
)
BSAREC = Source(
    "BSARec (Shin et al., AAAI 2024), its table of results",
    "histories of 50; one seed (42); epoch by validation; selection of the settings not stated",
)
WEAREC = Source(
    "WEARec (Xu et al., AAAI 2026), its repository's logs",
    "histories of 50; one seed (42); epoch by validation; the logs list test figures of 88 settings per set, of which "
    "the published ones have the best HR@10, and for Beauty and Sports also the best NDCG@10",
)
BSAREC_LOG = Source(
    "BSARec's repository, its log for LastFM",
    "histories of 50; one seed (42); epoch by validation; selection of the settings not stated",
)
TVREC = Source(
    "TV-Rec (Shin et al., NeurIPS 2025), its table of results",
    "histories, seeds and selection of the settings not examined",
)
GENREC = Source(
    "GenRec's repository, README; on a graphics card", "histories of 50; seeds and selection of the settings not stated"
)

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
        Published("WEARec", 0.1041, 0.0614, WEAREC),
    ),
    "sports": (
        Published("SASRec", 0.0350, 0.0192, S3REC),
        Published("S3-Rec", 0.0385, 0.0204, S3REC),
        Published("TIGER*", 0.0400, 0.0225, ESASREC),
        Published("HSTU", 0.0437, 0.0243, ESASREC),
        Published("OneRec-SFT 1.7B", 0.0596, 0.0325, GENREC),
        Published("eSASRec", 0.0560, 0.0323, ESASREC),
        Published("SASRec, sampled softmax", 0.0569, 0.0314, ESASREC),
        Published("WEARec", 0.0631, 0.0367, WEAREC),
    ),
    "lastfm": (
        Published("SASRec", 0.0688, 0.0390, S3REC),
        Published("S3-Rec", 0.0743, 0.0427, S3REC),
        Published("BSARec", 0.0807, 0.0435, BSAREC_LOG),
        Published("WEARec", 0.0899, 0.0465, WEAREC),
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
