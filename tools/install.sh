#!/bin/sh
# Installs a lock file and this project into an environment: install.sh PYTHON LOCK
# uv takes 40 s where pip takes four minutes; pip knows mirrors that only pip was told of.
set -eu
python=$1
lock=$2
if ! "$python" -m uv pip install --quiet --python "$python" --no-deps --require-hashes -r "$lock"; then
    echo "uv could not install $lock; trying with pip, which takes some minutes" >&2
    "$python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
fi
"$python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
