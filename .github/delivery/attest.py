"""Attaches to an image what it is made of and how it was made, once, under its digest in its own registry.

`attest.py IMAGE STACK SBOM …` in a job of GitHub's; REGISTRY_TOKEN may write to the registry, the rest is
GitHub's own environment. Each SBOM is a CycloneDX document of one lock; how it was made is an in-toto
statement with SLSA's provenance. Neither is signed: whoever may write to the registry could attach others.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry import Attachment, ImageInRegistry, RegistryRefused, digest_of

ROOT = Path(__file__).resolve().parents[2]
SBOM_KIND = "application/vnd.cyclonedx+json"
PROVENANCE_KIND = "application/vnd.in-toto+json"
# Of what goes into the image, all that is not the commit's own source is named by these.
INPUTS = ("stacks/Dockerfile", "requirements/api.txt", "requirements/ingest.txt")


def provenance(image: str, stack: str, github: Mapping[str, str]) -> dict[str, Any]:
    """Return the statement of who built the image from what.

    Formats: https://in-toto.io/Statement/v1, https://slsa.dev/spec/v1.0/provenance
    """
    name, _, digest = image.partition("@sha256:")
    return {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": name, "digest": {"sha256": digest}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": _definition(stack, github),
            "runDetails": {
                "builder": {"id": f"{github['GITHUB_SERVER_URL']}/{github['GITHUB_WORKFLOW_REF']}"},
                "metadata": {
                    "invocationId": f"{_repository(github)}/actions/runs/{github['GITHUB_RUN_ID']}"
                    f"/attempts/{github['GITHUB_RUN_ATTEMPT']}"
                },
            },
        },
    }


def _definition(stack: str, github: Mapping[str, str]) -> dict[str, Any]:
    source = {
        "uri": f"git+{_repository(github)}@{github['GITHUB_REF']}",
        "digest": {"gitCommit": github["GITHUB_SHA"]},
    }
    # As GitHub writes it: owner/name/.github/workflows/deploy.yml@ref.
    path = github["GITHUB_WORKFLOW_REF"].partition("@")[0].removeprefix(f"{github['GITHUB_REPOSITORY']}/")
    return {
        "buildType": f"{_repository(github)}/blob/{github['GITHUB_SHA']}/{path}",
        "externalParameters": {
            "workflow": {"ref": github["GITHUB_REF"], "repository": _repository(github), "path": path},
            "stack": stack,
        },
        "internalParameters": {
            "github": {
                "event_name": github["GITHUB_EVENT_NAME"],
                "repository_id": github["GITHUB_REPOSITORY_ID"],
                "repository_owner_id": github["GITHUB_REPOSITORY_OWNER_ID"],
            }
        },
        "resolvedDependencies": [source, *(_input(name) for name in INPUTS)],
    }


def _repository(github: Mapping[str, str]) -> str:
    return f"{github['GITHUB_SERVER_URL']}/{github['GITHUB_REPOSITORY']}"


def _input(name: str) -> dict[str, Any]:
    algorithm, _, value = digest_of((ROOT / name).read_bytes()).partition(":")
    return {"name": name, "digest": {algorithm: value}}


def attest(image: ImageInRegistry, statement: Mapping[str, Any], sboms: Sequence[Path]) -> list[str]:
    """Attach the lists of parts and then the statement; return their digests, none when one is there already.

    The statement comes last: where it is, everything is. Raises RegistryRefused.
    """
    if image.attached(PROVENANCE_KIND):
        return []
    return image.attach(
        [
            *(Attachment(path.name, SBOM_KIND, path.read_bytes()) for path in sboms),
            Attachment(
                "provenance.json",
                PROVENANCE_KIND,
                json.dumps(statement, sort_keys=True).encode(),
                {"in-toto.io/predicate-type": str(statement["predicateType"])},
            ),
        ]
    )


def main(ref: str, stack: str, *sboms: str) -> None:
    """Attach, and say in the step's log what is where."""
    image = ImageInRegistry(ref, os.environ["REGISTRY_TOKEN"])
    try:
        digests = attest(image, provenance(ref, stack, os.environ), [Path(one) for one in sboms])
    except RegistryRefused as error:
        sys.exit(f"{ref}: {error}")
    if not digests:
        sys.stdout.write(f"{ref} was attested when it was built\n")
    for digest in digests:
        sys.stdout.write(f"attached to {ref}: {digest}\n")


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(f"usage: {sys.argv[0]} IMAGE STACK SBOM …")
    main(*sys.argv[1:])
