"""The stand-in for Google, asked over its wire as the engine asks it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN, deserialize_properties

from fakes.pulumi_provider import StandIn, served

URN = "urn:pulumi:dev::data-exposure-platform::exposure:ingest:Ingest${kind}::{name}"
ACCOUNT = "gcp:serviceaccount/account:Account"
TABLE = "gcp:bigquery/table:Table"
AGENT = "gcp:projects/serviceIdentity:ServiceIdentity"


class Engine:
    """Asks for one type of resource, in the order the engine would."""

    def __init__(self, port: int) -> None:
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def create(self, kind: str, name: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
        request = provider_pb2.CreateRequest(urn=URN.format(kind=kind, name=name), preview=preview)
        request.properties.update(inputs)
        return self.stub.Create(request)

    def diff(self, resource_id: str, inputs: dict[str, Any]) -> Any:
        request = provider_pb2.DiffRequest(urn=URN.format(kind=ACCOUNT, name="push"), id=resource_id)
        request.news.update(inputs)
        return self.stub.Diff(request)

    def delete(self, resource_id: str) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id=resource_id, urn=URN.format(kind=TABLE, name="rows")))


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def engine(stand_in: StandIn) -> Iterator[Engine]:
    with served(stand_in) as port:
        asking = Engine(port)
        yield asking
        asking.close()


def test_what_google_computes_is_unknown_until_the_resource_is_made(
    engine: Engine, stand_in: StandIn
) -> None:
    foreseen = engine.create(ACCOUNT, "push", {"accountId": "push"}, preview=True)
    assert foreseen.id == ""
    assert deserialize_properties(foreseen.properties, keep_unknowns=False) == {"accountId": "push"}
    assert foreseen.properties["email"] == UNKNOWN
    assert stand_in.kept == {}
    made = engine.create(ACCOUNT, "push", {"accountId": "push"})
    assert made.properties["email"] == "push@project.iam.gserviceaccount.com"
    assert list(stand_in.kept) == [made.id]


def test_what_exists_is_not_made_twice_under_another_name(engine: Engine) -> None:
    engine.create(ACCOUNT, "push", {"accountId": "push"})
    with pytest.raises(grpc.RpcError, match="409"):
        engine.create(ACCOUNT, "pusher", {"accountId": "push"})


def test_what_is_refused_once_is_not_made_and_then_is(engine: Engine, stand_in: StandIn) -> None:
    stand_in.refused_once.add(f"{ACCOUNT}/push")
    with pytest.raises(grpc.RpcError, match="not known yet"):
        engine.create(ACCOUNT, "push", {"accountId": "push"})
    assert stand_in.kept == {}
    engine.create(ACCOUNT, "push", {"accountId": "push"})
    assert [verb for verb, _ in stand_in.done] == ["create"]


def test_what_is_computed_bears_the_projects_own_name_and_number() -> None:
    with served(StandIn("data-exposure-dev", "100000000001")) as port:
        asking = Engine(port)
        email = asking.create(ACCOUNT, "push", {"accountId": "push"}).properties["email"]
        agent = asking.create(AGENT, "agent", {"service": "pubsub.googleapis.com"}).properties["member"]
        asking.close()
    assert email == "push@data-exposure-dev.iam.gserviceaccount.com"
    assert agent == "serviceAccount:service-100000000001@gcp-sa-pubsub.iam.gserviceaccount.com"


def test_a_difference_is_an_update_unless_it_is_the_identity_that_differs(engine: Engine) -> None:
    made = engine.create(ACCOUNT, "push", {"accountId": "push", "displayName": "Pushes"})
    same = engine.diff(made.id, {"accountId": "push", "displayName": "Pushes"})
    assert (same.changes, list(same.diffs)) == (provider_pb2.DiffResponse.DIFF_NONE, [])
    told = engine.diff(made.id, {"accountId": "push"})
    assert (list(told.diffs), list(told.replaces)) == (["displayName"], [])
    moved = engine.diff(made.id, {"accountId": "pull", "displayName": "Pushes"})
    assert (list(moved.diffs), list(moved.replaces)) == (["accountId"], ["accountId"])
    assert moved.deleteBeforeReplace


def test_what_is_guarded_against_deletion_is_kept_until_it_no_longer_is(
    engine: Engine, stand_in: StandIn
) -> None:
    made = engine.create(TABLE, "rows", {"tableId": "rows", "deletionProtection": True})
    with pytest.raises(grpc.RpcError, match="protected against deletion"):
        engine.delete(made.id)
    update = provider_pb2.UpdateRequest(id=made.id, urn=URN.format(kind=TABLE, name="rows"))
    update.news.update({"tableId": "rows", "deletionProtection": False})
    engine.stub.Update(update)
    engine.delete(made.id)
    assert stand_in.kept == {}
    assert [verb for verb, _ in stand_in.done] == ["create", "update", "delete"]


def test_what_is_gone_is_read_as_gone_and_found_by_nothing_else(engine: Engine) -> None:
    made = engine.create(ACCOUNT, "push", {"accountId": "push"})
    read = provider_pb2.ReadRequest(id=made.id, urn=URN.format(kind=ACCOUNT, name="push"))
    assert dict(engine.stub.Read(read).inputs) == {"accountId": "push"}
    assert engine.stub.Read(read).properties == made.properties
    engine.delete(made.id)
    assert engine.stub.Read(read).id == ""
    with pytest.raises(grpc.RpcError, match="404"):
        engine.diff(made.id, {"accountId": "push"})


def test_another_providers_resource_is_refused(engine: Engine) -> None:
    urn = URN.format(kind="aws:s3/bucket:Bucket", name="rows")
    refused = engine.stub.Check(provider_pb2.CheckRequest(urn=urn))
    assert [failure.reason for failure in refused.failures] == ["aws is not made here"]
