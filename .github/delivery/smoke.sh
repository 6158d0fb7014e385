#!/usr/bin/env bash
# The platform's promise, kept once: a message published to data-ingestion-topic is served by the API in time.
# It leaves one row, `smoke-…`. PYTHON is an interpreter with requirements/ingest.txt; API_TOKEN, where the API
# asks for one, an identity token.
set -euo pipefail

if [ $# -ne 3 ]; then
    echo "usage: $0 PROJECT API_ADDRESS SECONDS      for example: $0 local http://127.0.0.1:8080 60" >&2
    exit 2
fi
project=$1 api=$2 seconds=$3
PYTHONPATH=$(cd "$(dirname "$0")/../.." && pwd)/src
export PYTHONPATH
id=smoke-$(date -u +%Y%m%dT%H%M%S)-$$
headers=()
if [ -n "${API_TOKEN:-}" ]; then
    headers=(--header "Authorization: Bearer $API_TOKEN")
fi

printf '{"id": "%s", "timestamp": "%s", "data": "smoke"}\n' "$id" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" |
    "${PYTHON:-python3}" -m exposure publish analytics_table - --project "$project"
published=$SECONDS
while true; do
    # curl's own failures, such as a name that is not known yet, are answers like others: ask again.
    answer=$(curl --silent --show-error --max-time 10 --write-out '\n%{http_code}' ${headers[@]+"${headers[@]}"} \
        "$api/v1/analytics_table/$id" 2>&1) || true
    waited=$((SECONDS - published))
    if [ "${answer##*$'\n'}" = 200 ] && [[ $answer == *"$id"* ]]; then
        break
    fi
    if [ "$waited" -ge "$seconds" ]; then
        echo "$id is not served $waited s after it was published; the last answer: $answer" >&2
        exit 1
    fi
    sleep 0.5
done
echo "$id is served $waited s after it was published"
