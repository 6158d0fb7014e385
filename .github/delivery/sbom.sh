#!/bin/sh
# Lists, as CycloneDX, every package of each lock the image is built from, with the hashes it may have.
# The base image's own parts are not among them.
set -eu

if [ $# -lt 3 ]; then
    echo "usage: $0 CYCLONEDX FOLDER LOCK …      for example: $0 .sbom/bin/cyclonedx-py sbom api ingest" >&2
    exit 2
fi
command=$1 folder=$2
shift 2
locks=$(cd "$(dirname "$0")/../.." && pwd)/requirements
mkdir -p "$folder"
for lock in "$@"; do
    "$command" requirements "$locks/$lock.txt" --spec-version 1.6 --output-reproducible \
        --output-format JSON --output-file "$folder/$lock.cdx.json"
done
