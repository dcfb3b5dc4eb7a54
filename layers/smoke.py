"""Smoke tests of layers in a bare Python, which can import only the layers and the standard library."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from layers.contents import LayerError

# y = x · [[0, 1], [2, 3]], opset 17. The layers do not contain `onnx`, which could create the graph. A test builds
# equal bytes.
GRAPH = (
    "CAg6YQoRCgF4CgF3EgF5IgZNYXRNdWwSBXNtb2tlKhsIAggCEAFCAXdKEAAAAAAAAIA/AAAAQAAAQEBaEwoBeBIOCgwIARIICgIIAQoCCAJiEwoBeRIO"
    "CgwIARIICgIIAQoCCAJCBAoAEBE="
)

_SCRIPTS: Mapping[str, str] = {
    "core": """\
import aws_lambda_powertools.metrics, aws_lambda_powertools.logging, orjson
import alsolike.runtime.errors, alsolike.events.interactions, alsolike.configuration.configuration
assert orjson.loads(orjson.dumps({"k": 10})) == {"k": 10}
print("alsolike imported")
""",
    "onnx_runtime": f"""\
import base64, numpy, onnxruntime
session = onnxruntime.InferenceSession(base64.b64decode("{GRAPH}"), providers=["CPUExecutionProvider"])
answer = session.run(None, {{"x": numpy.array([[10.0, 1.0]], numpy.float32)}})[0]
assert answer.tolist() == [[2.0, 13.0]], answer
print("onnxruntime", onnxruntime.__version__, "ran a graph with numpy", numpy.__version__)
""",
    "sentences": """\
import tokenizers
model = tokenizers.models.WordLevel({"sofa": 0, "?": 1}, unk_token="?")
assert tokenizers.Tokenizer(model).encode("sofa").ids == [0]
print("tokenizers", tokenizers.__version__, "split a text")
""",
}


def run(name: str, folders: Sequence[Path]) -> str:
    """Run the smoke test of layer `name`. `folders` are the layers, built for this machine."""
    paths = [str(folder / "python") for folder in folders]
    script = f"import sys; sys.path[:0] = {paths!r}\n{_SCRIPTS[name]}"
    # With -I and -S, the environment and installed packages have no effect.
    command = [sys.executable, "-I", "-S", "-B", "-c", script]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise LayerError(f"layer {name} does not work on this machine:\n{result.stderr.strip()}")
    return result.stdout.strip()
