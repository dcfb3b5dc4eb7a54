# An image for `training_image` (docs/training.md): what the job would install at each start is in it already.
# Build from the repository's root:  docker build -f docs/examples/training.Dockerfile -t alsolike-training:1 .
#
# No code of Alsolike's: it arrives in the channel `code`, so that the image is built anew only when libraries change.
# No ENTRYPOINT: the job names its own, `sh -c ...`, which needs sh and python3 on the path.
FROM python:3.12-slim

COPY model_export/requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

# What algorithms of your own need, such as torch for SASRec:
# RUN pip install --no-cache-dir torch==2.13.0
