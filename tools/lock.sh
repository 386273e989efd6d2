#!/bin/sh
# Resolves requirements/*.txt anew from pyproject.toml: exact versions with hashes, no addresses.
# Run as `make lock`. What requirements/pins.in names stays as it is.
set -eu
cd "$(dirname "$0")/.."
UV=${UV:-.venv/bin/uv}

lock() {
    out=$1
    shift
    "$UV" pip compile "$@" --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-header --no-annotate --quiet -o "$out" >/dev/null
    # Every line would repeat the one environment that the locks are for.
    sed -i -E "s/ and implementation_name == 'cpython' and platform_machine == 'x86_64' and platform_python_implementation == 'CPython' and sys_platform == 'linux'//; s/ ; python_full_version < '3\.13'//" "$out"
}

lock requirements/test.txt pyproject.toml --extra blender --extra draco --extra timestamp --extra c2pa --extra record3d --extra cluster --extra cloud --group dev -c requirements/pins.in
lock requirements/core.txt pyproject.toml --group build -c requirements/test.txt
