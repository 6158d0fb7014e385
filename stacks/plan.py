"""`make plan`: what a stack would declare, as a readable tree with counts; needs no account and no engine.

The program runs under the SDK's own mocks, which answer what Google would compute with plain stand-ins.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import pulumi
import yaml
from pulumi.runtime import mocks

from stacks.config import Settings

PROJECT = "data-exposure-platform"
_ROOT = Path(__file__).parent.parent
_COMPONENT = "exposure:"
_STACK = "pulumi:pulumi:Stack"


@dataclass(frozen=True)
class Recorded:
    """One declared resource: its inputs under their wire names, and what the engine was told of it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    urn: str
    parent: str
    protect: bool
    depends_on: tuple[str, ...]


@dataclass
class _Recorder(mocks.MockMonitor):
    """Keeps what is registered; the mocks alone would not see protection, parents and dependencies."""

    recorded: list[Recorded] = field(default_factory=list)

    def __init__(self) -> None:
        super().__init__(_Answers())
        self.recorded = []

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the SDK's name
        """Record one resource and answer it."""
        answer = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        if request.type == _STACK:
            # Only the first program of a process registers one; it declares nothing by itself.
            return answer
        inputs = pulumi.runtime.rpc.deserialize_properties(request.object, keep_unknowns=False)
        self.recorded.append(
            Recorded(
                type=request.type,
                name=request.name,
                inputs=inputs,
                urn=answer.urn,
                parent=request.parent,
                protect=request.protect,
                depends_on=tuple(request.dependencies),
            )
        )
        return answer


class _Answers(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        """Return the inputs and what Google would add to them."""
        return f"{args.name}-id", {**args.inputs, **computed(args)}

    def call(self, args: mocks.MockCallArgs) -> NoReturn:
        """Refuse: the program asks Google nothing while it is planned."""
        raise LookupError(f"the program calls {args.token}, for which there is no stand-in")


def computed(args: mocks.MockResourceArgs) -> dict[str, Any]:
    """Return what Google would add to a resource's inputs, under its wire names."""
    stand_ins: dict[str, Callable[[], dict[str, Any]]] = {
        "gcp:serviceaccount/account:Account": lambda: _account(args.inputs["accountId"]),
        "gcp:projects/serviceIdentity:ServiceIdentity": lambda: {
            "member": "serviceAccount:service-1@gcp-sa-pubsub.iam.gserviceaccount.com"
        },
        "gcp:artifactregistry/repository:Repository": lambda: {
            "registryUri": "europe-docker.pkg.dev/project/exposure", "name": args.inputs["repositoryId"]
        },
        "docker-build:index:Image": lambda: {
            "ref": f"{args.inputs['tags'][0]}@sha256:{'0' * 64}", "digest": f"sha256:{'0' * 64}"
        },
        "gcp:projects/iAMCustomRole:IAMCustomRole": lambda: {
            "name": f"projects/project/roles/{args.inputs['roleId']}"
        },
        "gcp:cloudrunv2/service:Service": lambda: {
            "uri": f"https://{args.inputs['name']}.example",
            "latestReadyRevision": _revision(args.inputs["name"], args.inputs["template"]),
        },
        "gcp:iam/workloadIdentityPool:WorkloadIdentityPool": lambda: {
            "name": f"projects/1/locations/global/pools/{args.inputs['workloadIdentityPoolId']}"
        },
        "gcp:memorystore/instance:Instance": lambda: {
            "endpoints": [{"connections": [{"pscAutoConnection": {"ipAddress": "10.0.0.2"}}]}],
            "managedServerCas": [{"caCerts": [{"certificates": ["a certificate"]}]}],
        },
        "gcp:monitoring/slo:Slo": lambda: {
            "name": f"projects/1/services/s/serviceLevelObjectives/{args.inputs.get('sloId', args.name)}"
        },
    }  # fmt: skip
    return stand_ins.get(args.typ, dict)()


def _revision(service: str, template: Mapping[str, Any]) -> str:
    """Return a name as a revision's: another for every other content."""
    content = json.dumps(template, sort_keys=True, default=str).encode()
    return f"projects/project/locations/l/services/{service}/revisions/{service}-{zlib.crc32(content):08x}"


def _account(account_id: str) -> dict[str, Any]:
    email = f"{account_id}@project.iam.gserviceaccount.com"
    return {
        "email": email,
        "member": f"serviceAccount:{email}",
        "name": f"projects/project/serviceAccounts/{email}",
    }


def settings_of(stack: str) -> Settings:
    """Return the settings of a stack's file, checked as `pulumi up` checks them."""
    document = yaml.safe_load((_ROOT / f"Pulumi.{stack}.yaml").read_text())
    return Settings.model_validate(document["config"][f"{PROJECT}:settings"])


def record(stack: str, declare: Callable[[], object]) -> list[Recorded]:
    """Return every resource `declare` registers, in the order of their names."""
    monitor = _Recorder()
    # The SDK's runner waits on the thread's event loop, which it does not make itself.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(_Answers(), project=PROJECT, stack=stack, preview=False, monitor=monitor)
        pulumi.runtime.test(declare)()  # type: ignore[no-untyped-call]
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return sorted(monitor.recorded, key=lambda one: (one.type, one.name))


def describe(plan: list[Recorded]) -> str:
    """Return the plan as a tree of components, resources and inputs, with counts at the end."""
    children: dict[str, list[Recorded]] = {}
    for one in plan:
        children.setdefault(one.parent, []).append(one)
    lines: list[str] = []
    urns = {one.urn for one in plan}
    for one in plan:
        if one.parent not in urns:
            _write(one, children, lines, 0)
    kinds = Counter(one.type for one in plan if not one.type.startswith(_COMPONENT))
    lines.append("")
    lines.extend(f"{count:>4} {kind}" for kind, count in sorted(kinds.items()))
    lines.append(f"{sum(kinds.values()):>4} resources")
    return "\n".join(lines) + "\n"


def _write(one: Recorded, children: dict[str, list[Recorded]], lines: list[str], depth: int) -> None:
    indent = "  " * depth
    lines.append(f"{indent}{one.name}  [{one.type}]{'  protected' if one.protect else ''}")
    for name, value in sorted(one.inputs.items()):
        text = json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)
        lines.append(f"{indent}    {name}: {text}")
    for child in children.get(one.urn, []):
        _write(child, children, lines, depth + 1)


def main() -> None:
    """Print the plan of the stack named on the command line."""
    from stacks.platform import declare  # noqa: PLC0415 - the SDK wants its mocks first

    stack = sys.argv[1]
    if not (_ROOT / f"Pulumi.{stack}.yaml").exists():
        sys.exit(f"there is no Pulumi.{stack}.yaml: stacks are dev and prod")
    settings = settings_of(stack)
    sys.stdout.write(describe(record(stack, lambda: declare(settings))))
    sys.stdout.flush()
    # The SDK's worker threads leave event loops behind, and the interpreter's end would complain of each.
    os._exit(0)


if __name__ == "__main__":
    main()
