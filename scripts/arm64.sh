#!/bin/sh
# Installs the built wheel on an emulated arm64 Linux, where constriction has no package, decodes the golden files there,
# and compares symbols and pixels. For Debian 12 or newer on another processor; no root, 700 MB:
#
#     sh scripts/arm64.sh [FOLDER] [PYTHON]
#
# FOLDER keeps what is downloaded (default $TMPDIR/skosh-arm64); PYTHON has skosh and pip (default .venv/bin/python).
# CPU names the processor that qemu emulates (default neoverse-n1). Nothing is installed on this machine: Debian's
# packages, qemu among them, are unpacked into FOLDER, with a state of apt of their own.
set -eu

folder=${1:-${TMPDIR:-/tmp}/skosh-arm64}
python=$(command -v "${2:-.venv/bin/python}")
python=$(cd "$(dirname "$python")" && pwd)/$(basename "$python")
mkdir -p "$folder"
folder=$(cd "$folder" && pwd)
scripts=$(cd "$(dirname "$0")" && pwd)
root=$folder/root

if [ ! -e "$root/usr/bin/python3.13" ]; then
    here=$(dpkg --print-architecture)
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep '/debian/$' | head -n 1)
    mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial" "$folder/debs" "$folder/here" "$root"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > "$folder/apt/sources.list"
    : > "$folder/apt/status"
    cat > "$folder/apt/apt.conf" << END
Dir::State "$folder/apt";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt";
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
APT::Architecture "arm64";
APT::Architectures { "arm64"; "$here"; };
APT::Sandbox::User "root";
END
    export APT_CONFIG="$folder/apt/apt.conf"
    apt-get update
    cd "$folder/debs"
    apt-get download "qemu-user:$here" python3.13-minimal libpython3.13-minimal libpython3.13-stdlib python3-pip-whl \
        libc6 libstdc++6 libgcc-s1 zlib1g libexpat1 libffi8 libssl3t64 libzstd1 libbz2-1.0 liblzma5
    dpkg -x qemu-user_*.deb "$folder/here"
    ln -s usr/lib "$root/lib"
    for package in *_arm64.deb *_all.deb; do dpkg -x "$package" "$root"; done
    unset APT_CONFIG
fi

# Subprocesses would run here and not there; nothing below starts one.
cat > "$folder/emulated" << END
#!/bin/sh
exec "$folder/here/usr/bin/qemu-aarch64" -cpu "${CPU:-neoverse-n1}" -L "$root" \\
    -E LD_LIBRARY_PATH=/usr/lib/aarch64-linux-gnu "\$@"
END
chmod +x "$folder/emulated"

# The wheel as anyone would build it, installed by pip under emulation into a new virtual environment. Python compiles
# modules when they are first used: pip would take many emulated minutes to compile all of numba.
rm -rf "$folder/wheel" "$folder/venv" "$folder/files"
"$python" -m pip wheel --quiet --no-deps --wheel-dir "$folder/wheel" "$scripts/.."
"$folder/emulated" "$root/usr/bin/python3.13" -m venv --without-pip "$folder/venv"
"$folder/emulated" "$folder/venv/bin/python" "$(echo "$root"/usr/share/python-wheels/pip-*.whl)/pip" install \
    --no-compile --only-binary=:all: "$folder"/wheel/skosh-*.whl

exec "$python" "$scripts/arm64.py" compare "$folder"
