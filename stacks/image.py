"""The one image both services run: built here and deployed by its digest, or a digest built elsewhere.

Old images are removed by the registry's own policies; nothing is ever deployed by a tag.
"""

from __future__ import annotations

import pulumi
import pulumi_docker_build as docker_build
from pulumi_gcp import artifactregistry

from stacks.config import Settings

# As seen from this folder, where Pulumi runs the program: absolute paths would differ between machines.
_CONTEXT, _DOCKERFILE = "..", "Dockerfile"
# Long enough for an environment that still runs an older digest.
_DAYS_KEPT = "180d"
_IMAGES_KEPT = 50
_TAG = "latest"


class ServiceImage(pulumi.ComponentResource):
    """The registry and the image in it. `ref` names the image by digest."""

    def __init__(self, name: str, settings: Settings, opts: pulumi.ResourceOptions) -> None:
        super().__init__("exposure:image:ServiceImage", name, None, opts)
        self._child = pulumi.ResourceOptions(parent=self)
        repository = self._registry(settings)
        self._allow_pull(repository, settings)
        self.ref: pulumi.Output[str]
        if settings.image is None:
            self.ref = self._build(repository).ref
        else:
            self.ref = pulumi.Output.from_input(settings.image)
        self.register_outputs({"ref": self.ref})

    def _registry(self, settings: Settings) -> artifactregistry.Repository:
        return artifactregistry.Repository(
            "images",
            artifactregistry.RepositoryArgs(
                repository_id="exposure",
                location=settings.region,
                format="DOCKER",
                description="Images of the data exposure platform.",
                cleanup_policy_dry_run=False,
                cleanup_policies=[
                    artifactregistry.RepositoryCleanupPolicyArgs(
                        id="keep-recent",
                        action="KEEP",
                        most_recent_versions=artifactregistry.RepositoryCleanupPolicyMostRecentVersionsArgs(
                            keep_count=_IMAGES_KEPT
                        ),
                    ),
                    artifactregistry.RepositoryCleanupPolicyArgs(
                        id="delete-old",
                        action="DELETE",
                        condition=artifactregistry.RepositoryCleanupPolicyConditionArgs(
                            older_than=_DAYS_KEPT
                        ),
                    ),
                ],
            ),
            self._child,
        )

    def _allow_pull(self, repository: artifactregistry.Repository, settings: Settings) -> None:
        """Let others pull, so that other projects run the very images built here."""
        for member in settings.image_readers:
            artifactregistry.RepositoryIamMember(
                f"{member.partition(':')[2].partition('@')[0]}-pulls",
                artifactregistry.RepositoryIamMemberArgs(
                    repository=repository.name,
                    location=settings.region,
                    role="roles/artifactregistry.reader",
                    member=member,
                ),
                self._child,
            )

    def _build(self, repository: artifactregistry.Repository) -> docker_build.Image:
        return docker_build.Image(
            "service",
            docker_build.ImageArgs(
                push=True,
                # A tag is needed to push; the services are given the digest.
                tags=[repository.registry_uri.apply(lambda uri: f"{uri}/service:{_TAG}")],
                context=docker_build.BuildContextArgs(location=_CONTEXT),
                dockerfile=docker_build.DockerfileArgs(location=_DOCKERFILE),
                platforms=[docker_build.Platform.LINUX_AMD64],
                build_on_preview=False,
            ),
            self._child,
        )
