#!/usr/bin/env bash
# Previews a stack under the house's rules and keeps what was printed as the step's output `report`.
# The environment names the state (PULUMI_BACKEND_URL). Where no changes are expected, the real resources are
# looked at first and any difference is a failure.
set -euo pipefail

# A comment on GitHub has at most 65,536 characters, and escaping makes more of them.
most_bytes=40000

if [ $# -ne 2 ]; then
    echo "usage: $0 STACK EXPECTS_NO_CHANGES      for example: $0 dev false" >&2
    exit 2
fi
stack=$1
strictness=()
if [ "$2" = true ]; then
    strictness=(--refresh --diff --expect-no-changes)
fi
# Absolute: Pulumi runs the program in a folder of its own.
PYTHONPATH=$(cd "$(dirname "$0")/../.." && pwd)/src
export PYTHONPATH PULUMI_SKIP_UPDATE_CHECK=true

pulumi login "$PULUMI_BACKEND_URL"
report=$(mktemp)
status=0
pulumi preview --stack "organization/data-exposure-platform/$stack" --policy-pack stacks/policy \
    --non-interactive --color never ${strictness[@]+"${strictness[@]}"} 2>&1 | tee "$report" || status=$?

# What a pull request makes its preview print must not end the value and begin another output.
mark=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
{
    echo "report<<$mark"
    # The cut may fall inside a character.
    head -c "$most_bytes" "$report" | iconv -c -f utf-8 -t utf-8 || true
    echo
    echo "$mark"
} >>"${GITHUB_OUTPUT:-/dev/null}"
rm -f "$report"
exit "$status"
