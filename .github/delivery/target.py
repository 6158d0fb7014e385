"""What a job must know of a stack before it may do anything, read from the stack's own file and nowhere else.

`python .github/delivery/target.py dev deploy >> "$GITHUB_OUTPUT"`, with requirements/stacks.txt installed.
Nothing here is secret and nothing is kept in GitHub's variables: names of accounts and of the pool follow
from the project. Remarks go to standard error in the form GitHub shows beside a run.
"""

from __future__ import annotations

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(_ROOT), str(_ROOT / "src")]

from stacks.config import DeliverySettings, Settings  # noqa: E402 - the path comes first
from stacks.plan import settings_of  # noqa: E402
from stacks.release import trial_uri  # noqa: E402
from stacks.service import service_uri  # noqa: E402

# The branch whose pushes deploy a stack.
STACKS = {"dev": "develop", "prod": "master"}
ROLES = ("deploy", "preview")


def target_of(stack: str, role: str, settings: Settings) -> dict[str, str]:
    """Return what to become and where to go; `configured` is false while the stack lets GitHub in nowhere.

    Raises ValueError for a stack that is deployed from another branch or in another environment.
    """
    delivery = settings.delivery
    if delivery is None:
        return {"configured": "false"}
    declared, right = (delivery.environment, delivery.branch), (stack, STACKS[stack])
    if declared != right:
        raise ValueError(
            f"delivery of {stack} names environment {declared[0]} and branch {declared[1]}; "
            f"the workflows deploy it as {right[0]} from {right[1]}"
        )
    return {"configured": "true", **_identity(role, settings, delivery), **_places(settings)}


def _identity(role: str, settings: Settings, delivery: DeliverySettings) -> dict[str, str]:
    pool = f"projects/{settings.project_number}/locations/global/workloadIdentityPools/github"
    return {
        "provider": f"{pool}/providers/github-actions",
        "account": f"exposure-{role}@{settings.project}.iam.gserviceaccount.com",
        "state": f"gs://{delivery.state_bucket}",
    }


def _places(settings: Settings) -> dict[str, str]:
    api = service_uri("api", settings)
    tries = settings.new_revision_share is not None
    return {
        "project": settings.project,
        "registry": f"{settings.region}-docker.pkg.dev",
        "api": api,
        "candidate": trial_uri(api) if tries else api,
        "tries": "true" if tries else "false",
        "access": settings.access,
        "builds": "true" if settings.image is None else "false",
    }


def remarks_of(stack: str, settings: Settings) -> list[str]:
    """Return what a person should see beside the run."""
    file = f"file=Pulumi.{stack}.yaml"
    remarks = []
    if settings.delivery is None:
        remarks.append(f"::notice {file}::delivery is null: GitHub does nothing in {stack} yet")
    if stack == "prod" and settings.image is None:
        remarks.append(
            f"::warning {file}::image is null: prod builds its own image and does not run the one dev ran"
        )
    return remarks


def main(stack: str, role: str) -> None:
    """Print the target as lines of `name=value`."""
    settings = settings_of(stack)
    for remark in remarks_of(stack, settings):
        sys.stderr.write(f"{remark}\n")
    for name, value in target_of(stack, role, settings).items():
        sys.stdout.write(f"{name}={value}\n")


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if len(arguments) != 2 or arguments[0] not in STACKS or arguments[1] not in ROLES:
        sys.exit(f"usage: {sys.argv[0]} {'|'.join(STACKS)} {'|'.join(ROLES)}")
    main(*arguments)
