#!/bin/sh
# Decodes files under an emulated arm64 Linux and compares symbols and pixels with this machine's. For Debian 12, as root, 350 MB:
#
#     sh scripts/arm64.sh [FOLDER] [PYTHON]
#
# FOLDER keeps what is downloaded (default $TMPDIR/skosh-arm64); PYTHON has skosh, scikit-image and pip (default .venv/bin/python).
# ONNX Runtime is an older one there: 1.32.0 crashes when it is imported under qemu 7.2, whatever processor is emulated.
set -eu

folder=${1:-${TMPDIR:-/tmp}/skosh-arm64}
python=$(command -v "${2:-.venv/bin/python}")
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
scripts=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$scripts/../src" && pwd)
root=$folder/root
packages=$root/usr/lib/python3/dist-packages

if ! command -v qemu-aarch64-static > /dev/null; then
    apt-get update && apt-get install -y qemu-user-static
fi

if [ ! -d "$packages/numpy" ]; then
    mkdir -p "$folder/debs" "$packages"
    dpkg --add-architecture arm64
    apt-get update
    cd "$folder/debs"
    for name in python3.11-minimal libpython3.11-minimal libpython3.11-stdlib libc6 libstdc++6 libgcc-s1 zlib1g libexpat1 \
        libffi8 libssl3 libbz2-1.0 liblzma5 libcrypt1 libuuid1; do
        apt-get download "$name:arm64"
    done
    for package in *.deb; do dpkg -x "$package" "$root"; done
    "$python" -m pip install --quiet --target "$packages" --only-binary=:all: --no-deps --python-version 3.11 \
        --platform manylinux2014_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_28_aarch64 \
        'numpy==2.4.*' 'pillow==13.*' 'onnxruntime==1.24.1'
fi

PYTHONPATH=$source "$python" "$scripts/arm64.py" write "$folder/files"
libraries=/usr/lib/aarch64-linux-gnu:/lib/aarch64-linux-gnu
exec qemu-aarch64-static -cpu max,sve=off -L "$root" -E "LD_LIBRARY_PATH=$libraries" -E "PYTHONHOME=$root/usr" \
    -E "PYTHONPATH=$packages:$source" "$root/usr/bin/python3.11" "$scripts/arm64.py" check "$folder/files"
