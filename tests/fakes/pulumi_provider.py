"""A Google Cloud and a Docker that Pulumi's engine can talk to: its providers' protocol over a dict.

Kept as Google keeps them: what is computed is unknown until it is made, an identity that changes replaces
its resource, the same thing cannot be made twice, and what is protected against deletion refuses it.
Values are not judged here; the plan's own tests do that.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.provider.experimental import provider as protocol
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.mocks import MockResourceArgs
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN

from stacks.plan import computed

PACKAGES = ("gcp", "docker-build")
Properties = dict[str, PropertyValue]
_GUARDS = ("deletionProtection", "deletionProtectionEnabled")
# Google neither renames nor moves: another value of one of these is another resource.
_IDENTITY = frozenset(
    {"accountId", "datasetId", "location", "member", "name", "project", "repositoryId", "role", "secretId",
     "service", "serviceId", "sloId", "tableId", "topic"}
)  # fmt: skip


@dataclass(frozen=True)
class Kept:
    """A resource that exists: its type, its name in the program, and what it was last told."""

    kind: str
    name: str
    inputs: Properties


@dataclass
class StandIn(protocol.Provider):
    """All there is, by id; what was done to it, as (verb, id) in order; what it was configured with.

    `project` and its number are part of what it computes. What is in `refused_once` is not made at first.
    """

    project: str = "project"
    project_number: str = "1"
    refused_once: set[str] = field(default_factory=set)
    kept: dict[str, Kept] = field(default_factory=dict)
    done: list[tuple[str, str]] = field(default_factory=list)
    configured: list[dict[str, Any]] = field(default_factory=list)

    async def configure(self, request: protocol.ConfigureRequest) -> protocol.ConfigureResponse:
        self.configured.append(_plain(request.args))
        return protocol.ConfigureResponse(accept_secrets=True, supports_preview=True)

    async def check(self, request: protocol.CheckRequest) -> protocol.CheckResponse:
        package = kind_of(request.urn).split(":")[0]
        failures = [] if package in PACKAGES else [protocol.CheckFailure("", f"{package} is not made here")]
        return protocol.CheckResponse(request.new_inputs, failures)

    async def diff(self, request: protocol.DiffRequest) -> protocol.DiffResponse:
        old, new = self._existing(request.resource_id).inputs, request.new_inputs
        changed = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        return protocol.DiffResponse(
            changes=bool(changed),
            diffs=changed,
            replaces=[name for name in changed if name in _IDENTITY],
            # The new one takes the old one's name.
            delete_before_replace=True,
            detailed_diff={name: _detail(name, old, new) for name in changed},
        )

    async def create(self, request: protocol.CreateRequest) -> protocol.CreateResponse:
        made = Kept(kind_of(request.urn), request.name, request.properties)
        if request.preview:
            return protocol.CreateResponse("", self._foreseen(made))
        if any((one.kind, one.inputs) == (made.kind, made.inputs) for one in self.kept.values()):
            raise FileExistsError(f"409: {request.name} exists already")
        resource_id = id_of(made.kind, made.name)
        if resource_id in self.refused_once:
            self.refused_once.remove(resource_id)
            raise LookupError(f"404: what {request.name} counts is not known yet")
        self._keep("create", resource_id, made)
        return protocol.CreateResponse(resource_id, self._answered(made))

    async def update(self, request: protocol.UpdateRequest) -> protocol.UpdateResponse:
        old = self._existing(request.resource_id)
        made = Kept(old.kind, old.name, request.news)
        if request.preview:
            return protocol.UpdateResponse(self._foreseen(made))
        self._keep("update", request.resource_id, made)
        return protocol.UpdateResponse(self._answered(made))

    async def read(self, request: protocol.ReadRequest) -> protocol.ReadResponse:
        one = self.kept.get(request.resource_id)
        if one is None:
            return protocol.ReadResponse("")
        return protocol.ReadResponse(request.resource_id, self._answered(one), one.inputs)

    async def delete(self, request: protocol.DeleteRequest) -> None:
        one = self._existing(request.resource_id)
        if any(_value(one.inputs[guard]) for guard in _GUARDS if guard in one.inputs):
            raise PermissionError(f"400: {one.name} is protected against deletion")
        del self.kept[request.resource_id]
        self.done.append(("delete", request.resource_id))

    def _existing(self, resource_id: str) -> Kept:
        if resource_id not in self.kept:
            raise LookupError(f"404: {resource_id}")
        return self.kept[resource_id]

    def _keep(self, verb: str, resource_id: str, made: Kept) -> None:
        self.kept[resource_id] = made
        self.done.append((verb, resource_id))

    def _answered(self, made: Kept) -> Properties:
        inputs = _plain(made.inputs)
        answers = computed(MockResourceArgs(made.kind, made.name, inputs))
        return made.inputs | {name: _property(self._spelled(value)) for name, value in answers.items()}

    def _foreseen(self, made: Kept) -> Properties:
        # The SDK's own `PropertyValue.computed()` cannot be put on the wire; this is what the wire has.
        unknown = PropertyValue(UNKNOWN)
        return {name: made.inputs.get(name, unknown) for name in self._answered(made)}

    def _spelled(self, value: Any) -> Any:
        """Return an answer of the mocks with this project's name and number in place of theirs."""
        if not isinstance(value, str):
            return value
        named = value.replace("@project.", f"@{self.project}.").replace(
            "projects/project/", f"projects/{self.project}/"
        )
        return named.replace("service-1@", f"service-{self.project_number}@")


def kind_of(urn: str) -> str:
    """Return the type a URN ends in; its parents' types, joined with `$`, come before it."""
    return urn.split("::")[-2].rsplit("$", maxsplit=1)[-1]


def id_of(kind: str, name: str) -> str:
    """Return the id of a resource that is made, of its type and its name in the program."""
    return f"{kind}/{name}"


def _detail(name: str, old: Properties, new: Properties) -> protocol.PropertyDiff:
    verb = "UPDATE" if name in old and name in new else "ADD" if name in new else "DELETE"
    kind = f"{verb}_REPLACE" if name in _IDENTITY else verb
    return protocol.PropertyDiff(protocol.PropertyDiffKind[kind], input_diff=True)


def _plain(properties: Properties) -> dict[str, Any]:
    return {name: _value(each) for name, each in properties.items()}


def _value(wire: PropertyValue) -> Any:
    inner: Any = wire.value
    if isinstance(inner, Mapping):
        return {name: _value(each) for name, each in inner.items()}
    if isinstance(inner, Sequence) and not isinstance(inner, str):
        return [_value(each) for each in inner]
    return inner


def _property(value: Any) -> PropertyValue:
    if isinstance(value, Mapping):
        return PropertyValue({name: _property(each) for name, each in value.items()})
    if isinstance(value, list):
        return PropertyValue([_property(each) for each in value])
    return PropertyValue(value)


class _Attachable(ProviderServicer):
    """The SDK's server, which expects to be started by an engine, with what one that finds it asks first."""

    async def Handshake(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def Attach(self, request: Any, context: Any) -> Any:  # noqa: N802 - the protocol's
        return empty_pb2.Empty()


@contextmanager
def served(stand_in: StandIn) -> Iterator[int]:
    """Serve the stand-in on a loopback port, which is yielded, from a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        server, port = asyncio.run_coroutine_threadsafe(_start(stand_in), loop).result()
        try:
            yield port
        finally:
            asyncio.run_coroutine_threadsafe(server.stop(None), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _start(stand_in: StandIn) -> tuple[Any, int]:
    server = grpc.aio.server()
    servicer = _Attachable([], version("pulumi-gcp"), stand_in, engine_address="")
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return server, port
