#!/usr/bin/env bash
# Keeps one open issue while what runs differs from what is declared, and closes it once it does not.
set -euo pipefail

if [ $# -ne 2 ]; then
    echo "usage: $0 RESULT RUN_ADDRESS      RESULT is what GitHub says of the previews: success, failure, …" >&2
    exit 2
fi
result=$1 run=$2
title="Drift: what runs is not what is declared"
number=$(gh issue list --state open --search "in:title \"$title\"" --limit 1 --json number --jq '.[0].number // empty')

if [ "$result" = success ]; then
    if [ -n "$number" ]; then
        gh issue close "$number" --comment "Nothing differs any more: $run"
    fi
elif [ -n "$number" ]; then
    gh issue comment "$number" --body "Still so: $run"
else
    gh issue create --title "$title" --body "The nightly preview found differences, or did not come to its end: $run

Somebody changed a resource by hand, or a deploy did not finish. Run \`pulumi up\` to bring back what is declared, or
declare what should stay."
fi
