#!/usr/bin/env bash
# The platform's promise, kept once for every contract: a published row is served by the API in time, once and as
# it was published. It leaves a canary's row of each, which readers do not see. PYTHON is an interpreter with
# requirements/ingest.txt; EXPOSURE_CREDENTIAL, where the API asks for one, an identity token.
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: $0 PROJECT API_ADDRESS SECONDS      for example: $0 local http://127.0.0.1:8080 60" >&2
    exit 2
fi
PYTHONPATH=$(cd "$(dirname "$0")/../.." && pwd)/src
export PYTHONPATH
exec "${PYTHON:-python3}" -m exposure canary --project "$1" --url "$2" --within "$3s"
