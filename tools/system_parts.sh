#!/bin/sh
# What wheels expect of the system: system_parts.sh core|test
# As root on a machine with apt-get the missing parts are installed; elsewhere the command is printed.
set -eu
PATH=$PATH:/sbin:/usr/sbin

# Open3D and OpenCV
libraries="libGL.so.1 libX11.so.6 libgomp.so.1 libudev.so.1 libglib-2.0.so.0"
packages="libgl1 libx11-6 libgomp1 libudev1 libglib2.0-0"
programs=""
if [ "${1:-core}" = test ]; then
    # bpy, a browser for the pages that pose a twin, and two readers that come with the system
    libraries="$libraries libXrender.so.1 libXfixes.so.3 libXi.so.6 libXext.so.6 libXt.so.6 libSM.so.6 libICE.so.6
        libxkbcommon.so.0"
    packages="$packages libxrender1 libxfixes3 libxi6 libxext6 libxt6 libsm6 libice6 libxkbcommon0
        chromium chromium-driver assimp-utils godot3-server"
    programs="chromium chromedriver assimp godot3-server"
fi

missing=""
known=$(ldconfig -p 2>/dev/null || true)
for library in $libraries; do
    case $known in *"$library"*) ;; *) missing="$missing $library" ;; esac
done
for program in $programs; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
done
[ -z "$missing" ] && exit 0

echo "missing on this machine:$missing" >&2
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    # shellcheck disable=SC2086  # one word a package
    apt-get install -y -qq --no-install-recommends $packages >/dev/null
else
    echo "on Debian and its kin: sudo apt-get install" $packages >&2
fi
