"""Names of the files in a model bundle."""

MANIFEST_FILE = "manifest.json"
RELATED_FILE = "related.tensors"
TABLES_FILE = "graph.tables.json"
ACTIONS_FILE = "actions.tensors"
RERANKER_FILE = "reranker.tensors"
GRAPH_FILE = "graph.onnx"
BIAS_GRAPH_FILE = "graph.bias.onnx"
DATA_FILE = "graph.data"
POPULAR_FILE = "popular.npy"
ID_FILES = ("ids.hash.npy", "ids.idx.npy", "ids.off.npy", "ids.blob")
META_FILES = ("meta.off.npy", "meta.blob")
CONTENT_FILE = "content.tensors"
PUBLIC_FILE = "public.tensors"
GROUPS_FILE = "popular.groups.json"
GRAPH_FILES = (GRAPH_FILE, BIAS_GRAPH_FILE, DATA_FILE, TABLES_FILE)
SERVED_FILES = (
    *GRAPH_FILES, POPULAR_FILE, GROUPS_FILE, RELATED_FILE, ACTIONS_FILE, RERANKER_FILE, *ID_FILES, *META_FILES,
)  # fmt: skip
"""Files that serving reads."""
FILES = (*SERVED_FILES, CONTENT_FILE, PUBLIC_FILE)

LATER_FILES = (RELATED_FILE, TABLES_FILE, ACTIONS_FILE, RERANKER_FILE, PUBLIC_FILE)
"""Optional files, which bundles of earlier versions lack."""
