"""What is attached to an image in its registry: documents that name the image by its digest as their subject.

The few calls of the OCI distribution specification 1.1 that this takes, over HTTP, with a token. It neither
builds nor pushes images, and follows no redirect to another host.
https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urljoin, urlsplit
from urllib.request import Request, urlopen

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
_READABLE = ", ".join(
    (
        MANIFEST,
        INDEX,
        *(f"application/vnd.docker.distribution.manifest{kind}.v2+json" for kind in ("", ".list")),
    )
)
# What stands for a config where there is none.
_EMPTY = b"{}"
_EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
_TIMEOUT_SECONDS = 60


class RegistryRefused(Exception):
    """The registry did not do what it was asked; says which call and what was answered."""


@dataclass(frozen=True)
class Attachment:
    """A document to attach. `kind` is its media type, and what it is asked for by."""

    title: str
    kind: str
    content: bytes
    annotations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """One answer; header fields by their names in lower case."""

    status: int
    fields: Mapping[str, str]
    body: bytes


def digest_of(content: bytes) -> str:
    """Return the content's digest as registries write it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(kind: str, content: bytes) -> dict[str, Any]:
    """Return what a manifest says of a content it names."""
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content)}


class ImageInRegistry:
    """One image by its digest, `host/path@sha256:…`, and what is attached to it."""

    def __init__(self, ref: str, token: str, *, scheme: str = "https") -> None:
        name, _, self._digest = ref.partition("@")
        host, _, path = name.partition("/")
        if not self._digest.startswith("sha256:") or not path:
            raise ValueError(f"'{ref}' names no image by its digest")
        # A tag before the digest says nothing more.
        self._base = f"{scheme}://{host}/v2/{path.partition(':')[0]}/"
        self._token = token

    def attached(self, kind: str) -> list[Mapping[str, Any]]:
        """Return the descriptors of the documents of a kind that are attached."""
        return [one for one in self._referrers() if one.get("artifactType") == kind]

    def attach(self, attachments: Sequence[Attachment]) -> list[str]:
        """Attach the documents, in their order; return the digests they are found under.

        Raises RegistryRefused.
        """
        subject = self._subject()
        return [self._attach(one, subject) for one in attachments]

    def _attach(self, one: Attachment, subject: Mapping[str, Any]) -> str:
        for content in (_EMPTY, one.content):
            self._put_blob(content)
        layer = descriptor(one.kind, one.content)
        layer["annotations"] = {"org.opencontainers.image.title": one.title}
        manifest: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "artifactType": one.kind,
            "config": descriptor(_EMPTY_TYPE, _EMPTY),
            "layers": [layer],
            "subject": dict(subject),
        }
        if one.annotations:
            manifest["annotations"] = dict(one.annotations)
        content = json.dumps(manifest, separators=(",", ":"), sort_keys=True).encode()
        answer = self._put_manifest(digest_of(content), MANIFEST, content)
        if "oci-subject" not in answer.fields:
            self._list_under_tag({**descriptor(MANIFEST, content), "artifactType": one.kind})
        return digest_of(content)

    def _subject(self) -> Mapping[str, Any]:
        answer = self._ask("GET", f"manifests/{self._digest}", accept=_READABLE)
        if answer.status != 200 or digest_of(answer.body) != self._digest:
            raise RegistryRefused(f"{self._digest}: no such image ({answer.status})")
        kind = answer.fields.get("content-type", MANIFEST)
        return {**descriptor(kind, answer.body)}

    def _put_blob(self, content: bytes) -> None:
        if self._ask("HEAD", f"blobs/{digest_of(content)}").status == 200:
            return
        begun = self._ask("POST", "blobs/uploads/")
        if begun.status != 202:
            raise RegistryRefused(f"an upload could not begin ({begun.status}): {begun.body[:200]!r}")
        place = urljoin(self._base, begun.fields["location"])
        joint = "&" if urlsplit(place).query else "?"
        url = f"{place}{joint}{urlencode({'digest': digest_of(content)})}"
        ended = self._ask("PUT", url, content, kind="application/octet-stream")
        if ended.status != 201:
            raise RegistryRefused(f"a blob was not taken ({ended.status}): {ended.body[:200]!r}")

    def _put_manifest(self, reference: str, kind: str, content: bytes) -> Answer:
        answer = self._ask("PUT", f"manifests/{reference}", content, kind=kind)
        if answer.status != 201:
            raise RegistryRefused(f"a manifest was not taken ({answer.status}): {answer.body[:200]!r}")
        return answer

    def _referrers(self) -> list[dict[str, Any]]:
        answer = self._ask("GET", f"referrers/{self._digest}", accept=INDEX)
        return _manifests(answer) if answer.status == 200 else self._listed_under_tag()

    def _list_under_tag(self, one: Mapping[str, Any]) -> None:
        """Add to the list that registries from before the call for referrers are asked for instead."""
        listed = [known for known in self._listed_under_tag() if known["digest"] != one["digest"]]
        index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": [*listed, one]}
        self._put_manifest(self._tag, INDEX, json.dumps(index).encode())

    def _listed_under_tag(self) -> list[dict[str, Any]]:
        answer = self._ask("GET", f"manifests/{self._tag}", accept=INDEX)
        if answer.status not in (200, 404):
            raise RegistryRefused(f"what is attached could not be listed ({answer.status})")
        return _manifests(answer) if answer.status == 200 else []

    @property
    def _tag(self) -> str:
        return self._digest.replace(":", "-")

    def _ask(
        self, method: str, path: str, body: bytes | None = None, *, kind: str = "", accept: str = ""
    ) -> Answer:
        url = urljoin(self._base, path)
        fields = {"Content-Type": kind, "Accept": accept, "Content-Length": str(len(body or b""))}
        request = Request(url, body, {name: value for name, value in fields.items() if value}, method=method)  # noqa: S310
        # Not passed on where a registry sends the caller elsewhere for a blob.
        request.add_unredirected_header("Authorization", f"Bearer {self._token}")
        try:
            with urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - the scheme is https, or a test's
                return Answer(answer.status, _lower(answer.headers.items()), answer.read())
        except HTTPError as error:
            with error:
                return Answer(error.code, _lower(error.headers.items()), error.read())


def _manifests(answer: Answer) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = json.loads(answer.body).get("manifests") or []
    return listed


def _lower(fields: Any) -> dict[str, str]:
    return {name.lower(): value for name, value in fields}
