#!/usr/bin/env bash
# Brings a stack up to date under the house's rules, in one stage of a release, and says which image it runs now.
# On trial the newest revision of the API has its declared share of requests; whole, all of them; back, all go to
# what answered before the trial. The environment names the state (PULUMI_BACKEND_URL).
set -euo pipefail

if [ $# -ne 2 ] || [[ ! $2 =~ ^(trial|whole|back)$ ]]; then
    echo "usage: $0 STACK trial|whole|back      for example: $0 dev whole" >&2
    exit 2
fi
stack=organization/data-exposure-platform/$1
# Absolute: Pulumi runs the program in a folder of its own.
PYTHONPATH=$(cd "$(dirname "$0")/../.." && pwd)/src
export PYTHONPATH PULUMI_SKIP_UPDATE_CHECK=true

pulumi login "$PULUMI_BACKEND_URL"
before=$(pulumi stack output --json --stack "$stack" |
    python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin).get("revisions", {})))')
release=null tried=false
if [ "$2" != whole ]; then
    release="{\"stage\": \"$2\", \"revisions\": $before}"
fi
# Where nothing answered before, there is nothing to share with: the first release has everything at once.
if [ "$2" = trial ] && [ "$before" != "{}" ]; then
    tried=true
fi
pulumi up --stack "$stack" --config "data-exposure-platform:release=$release" \
    --policy-pack stacks/policy --yes --non-interactive --color never
image=$(pulumi stack output image --stack "$stack")
printf '%s\n' "image=$image" "tried=$tried" >>"${GITHUB_OUTPUT:-/dev/null}"
{
    case $2 in
    trial) echo "$1 tries \`$image\`." ;;
    back) echo "$1 went back to the revisions before \`$image\`; all else is as the commit declares it. Revert it." ;;
    whole)
        echo "$1 runs \`$image\`."
        if [ "$1" = dev ]; then
            echo "To promote it, make it the value of \`image\` in Pulumi.prod.yaml by a pull request to master."
        fi
        echo "To roll back, revert the commit."
        ;;
    esac
} >>"${GITHUB_STEP_SUMMARY:-/dev/stdout}"
