#!/usr/bin/env bash
# One piece of a training on a machine that is lent for minutes: start or go on, stop in time, and leave a bundle to go on from anywhere.
#
#   scripts/gpu_piece.sh DATA VAL OUT [MINUTES] [more options of skosh train]
#
# The first piece starts from the shipped weights (INIT=skosh; INIT= for nothing); the next ones resume the run in RUN (runs/gpu of the checkout) if it is still there, else
# start from the last bundle: INIT=path/to/bundle. OUT/bundle.tar is 9 MB, OUT/log.jsonl and OUT/train.log say how it went.
# CONFIG names the configuration (stream). Nothing is fetched: PyTorch, NumPy, Pillow 11.3, ONNX Runtime, onnx, onnxscript, pytorch-msssim, constriction, typer, rich
# and pyyaml have to be there. The bundle has no fitted tables and no
# corrections (skosh export --calibrate): its files are some 7 % larger than they need to be.
set -euo pipefail
data=$1 val=$2 out=$3 minutes=${4:-8.5}
shift $(($# < 4 ? $# : 4))
root=$(cd "$(dirname "$0")/.." && pwd)
run=${RUN:-$root/runs/gpu} init=${INIT-skosh}
export PYTHONPATH=$root/src${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
mkdir -p "$out"
if [ -f "$run/checkpoint.pt" ]; then from=(--resume); elif [ -n "$init" ]; then from=(--init "$init"); else from=(); fi
"${PYTHON:-python3}" -m skosh train --config "${CONFIG:-stream}" --data "$data" --val "$val" --out "$run" \
    --minutes "$minutes" "${from[@]}" "$@" 2>&1 | tee -a "$out/train.log"
"${PYTHON:-python3}" -m skosh export "$run" -o "$run-bundle" --force
tar -cf "$out/bundle.tar" -C "$(dirname "$run")" "$(basename "$run")-bundle"
if [ -f "$run/log.jsonl" ]; then cp "$run/log.jsonl" "$out/"; fi
