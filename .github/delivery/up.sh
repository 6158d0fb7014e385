#!/usr/bin/env bash
# Brings a stack up to date under the house's rules and says which image it runs now.
# The environment names the state (PULUMI_BACKEND_URL).
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 STACK      for example: $0 dev" >&2
    exit 2
fi
stack=organization/data-exposure-platform/$1
# Absolute: Pulumi runs the program in a folder of its own.
PYTHONPATH=$(cd "$(dirname "$0")/../.." && pwd)/src
export PYTHONPATH PULUMI_SKIP_UPDATE_CHECK=true

pulumi login "$PULUMI_BACKEND_URL"
pulumi up --stack "$stack" --policy-pack stacks/policy --yes --non-interactive --color never
image=$(pulumi stack output image --stack "$stack")
{
    echo "$1 runs \`$image\`."
    if [ "$1" = dev ]; then
        echo "To promote it, make it the value of \`image\` in Pulumi.prod.yaml by a pull request to master."
    fi
    echo "To roll back, revert the commit."
} >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
