#!/bin/sh
# Start of the training job in a container of SageMaker. This file is part of the unpacked code. Packages that the image
# lacks come from the channel `packages`, or are installed from requirements with hashes.
set -eu

code=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
export PYTHONPATH="$code:$code/layers/core/python${PYTHONPATH:+:$PYTHONPATH}"
# More threads than processors slow LAPACK down. SageMaker's images do not set the number.
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-$(getconf _NPROCESSORS_ONLN)}"
# With these thresholds, glibc reuses the memory of large arrays. Otherwise, the kernel would clear each new page.
export MALLOC_MMAP_THRESHOLD_="${MALLOC_MMAP_THRESHOLD_:-1073741824}"
export MALLOC_TRIM_THRESHOLD_="${MALLOC_TRIM_THRESHOLD_:-1073741824}"

# Without a network: the channel `packages` is the CDK's zip of all packages (`python -m layers.build training`).
base=${SAGEMAKER_BASE_DIR:-/opt/ml}
if [ -d "$base/input/data/packages" ]; then
    python3 -m zipfile -e "$base"/input/data/packages/*.zip "$base/packages"
    export PYTHONPATH="$PYTHONPATH:$base/packages/python"
fi

if ! python3 -c 'import numpy, onnx, onnxruntime, orjson, pyarrow, scipy' 2>/dev/null; then
    echo "installing the training requirements"
    python3 -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
        -r "$code/model_export/requirements.txt"
fi

# Own algorithms: the channel `package` is the CDK's zip of a folder. Its requirements.txt lists further packages.
if [ -d "$base/input/data/package" ]; then
    export ALSOLIKE_PACKAGE="$base/package"
    python3 -m zipfile -e "$base"/input/data/package/*.zip "$ALSOLIKE_PACKAGE"
    if [ -f "$ALSOLIKE_PACKAGE/requirements.txt" ]; then
        echo "installing what the own algorithms need"
        python3 -m pip install --quiet --disable-pip-version-check --no-input -r "$ALSOLIKE_PACKAGE/requirements.txt"
    fi
fi

# A sentence model: the channel `sentence_model` is the CDK's zip of a folder.
if [ -d "$base/input/data/sentence_model" ]; then
    export ALSOLIKE_SENTENCE_MODEL="$base/sentence_model"
    python3 -m zipfile -e "$base"/input/data/sentence_model/*.zip "$ALSOLIKE_SENTENCE_MODEL"
    if ! python3 -c 'import model2vec' 2>/dev/null; then
        echo "installing what opens the sentence model"
        python3 -m pip install --quiet --disable-pip-version-check --no-input --require-hashes \
            -r "$code/model_export/sentences.txt"
    fi
fi

exec python3 -m model_export.job.train
