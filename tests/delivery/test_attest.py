"""An image carries, under its digest, what it is made of and how it was made; nothing else is said of it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from fakes.oci_registry import TOKEN, OciRegistry, digest, served
from fakes.script import load_script
from fakes.workflow import ROOT

SCRIPTS = ROOT / ".github" / "delivery"
GITHUB = {
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "owner/name",
    "GITHUB_REPOSITORY_ID": "123",
    "GITHUB_REPOSITORY_OWNER_ID": "45",
    "GITHUB_REF": "refs/heads/develop",
    "GITHUB_SHA": "a" * 40,
    "GITHUB_WORKFLOW_REF": "owner/name/.github/workflows/deploy.yml@refs/heads/develop",
    "GITHUB_EVENT_NAME": "push",
    "GITHUB_RUN_ID": "678",
    "GITHUB_RUN_ATTEMPT": "2",
}
IMAGE = f"europe-docker.pkg.dev/project/images/service:latest@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def attesting() -> Iterator[Any]:
    """Return the script as a module, its neighbour beside it."""
    sys.path.insert(0, str(SCRIPTS))
    yield load_script(SCRIPTS / "attest.py")
    sys.path.remove(str(SCRIPTS))


@pytest.fixture(params=[True, False], ids=["knows referrers", "from before referrers"])
def registry(request: pytest.FixtureRequest) -> Iterator[OciRegistry]:
    with served(OciRegistry(knows_referrers=request.param)) as running:
        yield running


@pytest.fixture
def sboms(tmp_path: Path) -> Sequence[Path]:
    """Return two lists of parts, as the step before has written them."""
    paths = [tmp_path / f"{name}.cdx.json" for name in ("api", "ingest")]
    for path in paths:
        path.write_text(json.dumps({"bomFormat": "CycloneDX", "of": path.name}))
    return paths


def image_in(attesting: Any, registry: OciRegistry, token: str = TOKEN) -> tuple[str, Any]:
    """Return a fresh image's name by digest, and the image."""
    ref = f"{registry.host}/project/images/service:latest@{registry.push_image()}"
    return ref, attesting.ImageInRegistry(ref, token, scheme="http")


def test_the_lists_and_the_statement_are_attached_to_the_images_digest(
    attesting: Any, registry: OciRegistry, sboms: Sequence[Path]
) -> None:
    ref, image = image_in(attesting, registry)
    digests = attesting.attest(image, attesting.provenance(ref, "dev", GITHUB), sboms)
    subject = ref.partition("@")[2]
    attached = registry.referrers(subject)
    assert [one["digest"] for one in attached] == digests
    kinds = [attesting.SBOM_KIND, attesting.SBOM_KIND, attesting.PROVENANCE_KIND]
    assert [one["artifactType"] for one in attached] == kinds
    documents = [json.loads(registry.document(one)) for one in digests]
    assert documents[:2] == [json.loads(path.read_text()) for path in sboms]
    assert documents[2]["subject"][0]["digest"] == {"sha256": subject.removeprefix("sha256:")}
    assert [one["digest"] for one in image.attached(attesting.SBOM_KIND)] == digests[:2]


def test_what_a_manifest_says_of_its_subject_is_what_the_registry_holds(
    attesting: Any, registry: OciRegistry, sboms: Sequence[Path]
) -> None:
    ref, image = image_in(attesting, registry)
    (first, *_) = attesting.attest(image, attesting.provenance(ref, "dev", GITHUB), sboms)
    subject = json.loads(registry.manifests[first][1])["subject"]
    kind, content = registry.manifests[ref.partition("@")[2]]
    assert subject == {"mediaType": kind, "digest": digest(content), "size": len(content)}


def test_an_image_is_attested_once_by_the_run_that_built_it(
    attesting: Any, registry: OciRegistry, sboms: Sequence[Path]
) -> None:
    ref, image = image_in(attesting, registry)
    attesting.attest(image, attesting.provenance(ref, "dev", GITHUB), sboms)
    before = dict(registry.manifests)
    later = {**GITHUB, "GITHUB_SHA": "b" * 40}
    assert attesting.attest(image, attesting.provenance(ref, "dev", later), sboms) == []
    assert registry.manifests == before


def test_the_statement_comes_last_so_a_broken_attempt_is_made_again(
    attesting: Any, registry: OciRegistry, sboms: Sequence[Path]
) -> None:
    ref, image = image_in(attesting, registry)
    lists = [attesting.Attachment(path.name, attesting.SBOM_KIND, path.read_bytes()) for path in sboms]
    image.attach(lists)
    digests = attesting.attest(image, attesting.provenance(ref, "dev", GITHUB), sboms)
    assert len(image.attached(attesting.SBOM_KIND)) == 2
    assert [one["digest"] for one in image.attached(attesting.PROVENANCE_KIND)] == digests[-1:]


def test_a_token_the_registry_does_not_know_attaches_nothing(
    attesting: Any, registry: OciRegistry, sboms: Sequence[Path]
) -> None:
    ref, image = image_in(attesting, registry, token="another")
    with pytest.raises(attesting.RegistryRefused):
        attesting.attest(image, attesting.provenance(ref, "dev", GITHUB), sboms)
    assert registry.referrers(ref.partition("@")[2]) == []


def test_an_image_that_is_not_there_is_refused(attesting: Any, registry: OciRegistry) -> None:
    ref = f"{registry.host}/project/images/service@sha256:{'1' * 64}"
    image = attesting.ImageInRegistry(ref, TOKEN, scheme="http")
    with pytest.raises(attesting.RegistryRefused, match="no such image"):
        image.attach([attesting.Attachment("x", "text/plain", b"x")])


@pytest.mark.parametrize("ref", ["host/image:latest", "image@sha256:0", "host/image@md5:0"])
def test_a_name_without_a_digest_is_none(attesting: Any, ref: str) -> None:
    with pytest.raises(ValueError, match="by its digest"):
        attesting.ImageInRegistry(ref, TOKEN)


def test_the_statement_says_who_built_what_from_which_commit_and_which_locks(attesting: Any) -> None:
    statement = attesting.provenance(IMAGE, "dev", GITHUB)
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["predicateType"] == "https://slsa.dev/provenance/v1"
    assert statement["subject"] == [{"name": IMAGE.partition("@")[0], "digest": {"sha256": "0" * 64}}]
    made = statement["predicate"]["buildDefinition"]
    source, *inputs = made["resolvedDependencies"]
    assert source["uri"] == "git+https://github.com/owner/name@refs/heads/develop"
    assert source["digest"] == {"gitCommit": "a" * 40}
    assert {one["name"]: one["digest"]["sha256"] for one in inputs} == {
        name: hashlib.sha256((ROOT / name).read_bytes()).hexdigest()
        for name in ("stacks/Dockerfile", "requirements/api.txt", "requirements/ingest.txt")
    }
    assert made["externalParameters"]["workflow"]["path"] == ".github/workflows/deploy.yml"
    run = statement["predicate"]["runDetails"]
    assert run["builder"]["id"] == (
        "https://github.com/owner/name/.github/workflows/deploy.yml@refs/heads/develop"
    )
    assert run["metadata"]["invocationId"] == "https://github.com/owner/name/actions/runs/678/attempts/2"


def test_every_lock_the_image_is_built_from_is_named_and_listed(attesting: Any) -> None:
    dockerfile = (ROOT / "stacks" / "Dockerfile").read_text()
    locks = {f"requirements/{name}" for name in ("api.txt", "ingest.txt")}
    assert locks == {
        word for word in dockerfile.split() if word.startswith("requirements/") and word[-1] != "/"
    }
    assert locks | {"stacks/Dockerfile"} == set(attesting.INPUTS)


@pytest.mark.parametrize("lock", ["api", "ingest"])
def test_the_list_of_parts_names_each_package_of_a_lock_with_its_hashes(lock: str, tmp_path: Path) -> None:
    cyclonedx = Path(sys.executable).parent / "cyclonedx-py"
    finished = subprocess.run(
        [SCRIPTS / "sbom.sh", cyclonedx, tmp_path, lock],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 0, finished.stderr
    document = json.loads((tmp_path / f"{lock}.cdx.json").read_text())
    assert document["bomFormat"] == "CycloneDX"
    listed = {one["name"]: one for one in document["components"]}
    text = (ROOT / "requirements" / f"{lock}.txt").read_text()
    pins = dict(line.split(" ")[0].split("==") for line in text.splitlines() if line and line[0] != " ")
    assert {name: one["version"] for name, one in listed.items()} == pins
    hashes = {
        one["content"]
        for component in listed.values()
        for reference in component["externalReferences"]
        for one in reference["hashes"]
    }
    assert hashes == {
        word.removeprefix("--hash=sha256:") for word in text.split() if word.startswith("--hash")
    }
