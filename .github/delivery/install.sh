#!/bin/sh
# Makes a virtual environment with exactly what a lock names, every file by its hash. A lock is whole, so pip resolves
# nothing (--no-deps): an older one takes a newer package for what is wanted with extras, which no hash covers.
set -eu

if [ $# -ne 2 ]; then
    echo "usage: $0 FOLDER LOCK      for example: $0 .venv requirements/stacks.txt" >&2
    exit 2
fi
"${PYTHON:-python3}" -m venv "$1"
"$1/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r "$2"
