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

# What the add-on carries is for other platforms too, so it is resolved outside this project, whose own setting
# is Linux: for CPython 3.11, which Blender 4.2 to 5.0 are. The versions are those of core.txt but for scipy, where
# Blender's numpy decides. Left out is what nothing there imports: numpy is Blender's own, pycparser serves to build
# with cffi, and pygltflib asks for deprecated, which asks for wrapt, but does not use it.
root=$PWD
case $UV in /*) ;; *) UV=$root/$UV ;; esac
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
sed -nE '/^scipy==/d; s/^([a-z0-9._-]+==[^\\]*).*/\1/p' requirements/core.txt >"$scratch/core"
cpython="platform_python_implementation == 'CPython'"
old="python_full_version < '3.12'"
printf '[tool.uv]\nenvironments = ["%s and %s"]\n' "$cpython" "$old" >"$scratch/pyproject.toml"
cd "$scratch"
lock "$root/requirements/addon.txt" --group "$root/pyproject.toml:addon" -c core --no-emit-package numpy \
    --no-emit-package pycparser --no-emit-package deprecated --no-emit-package wrapt
sed -i -E "/^#/d; s/ ; $old and $cpython//" "$root/requirements/addon.txt"
cd "$root"

# The other Blenders that the add-on is tested in, for this machine alone.
for version in 4.2 5.0; do
    "$UV" pip compile "requirements/blender-$version.in" --python-version 3.11 --generate-hashes --no-emit-index-url \
        --no-emit-find-links --no-header --no-annotate --quiet -o "requirements/blender-$version.txt" >/dev/null
done
