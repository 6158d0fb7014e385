#!/bin/sh
# Makes a virtual environment with exactly what a lock names, every file by its hash.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 FOLDER LOCK      for example: $0 .venv requirements/stacks.txt" >&2
    exit 2
fi
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$2"
