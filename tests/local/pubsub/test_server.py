"""The server as a whole: one port, one data folder, and a power cut."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from google.api_core import exceptions

from exposure.local.pubsub import statements
from exposure.local.pubsub.server import PortInUse, PubSubConfig, PubSubFailed, PubSubServer
from exposure.local.pubsub.storage import DataFolderLocked, Storage
from exposure.local.pubsub.wire import PubsubMessage, Subscription, Topic
from fakes.pubsub_server import (
    PATIENCE_SECONDS,
    Clients,
    running,
    subscription_path,
    topic_path,
    wait_until,
)
from fakes.push_receiver import PushReceiver

SERVER = """
import asyncio, sys
from pathlib import Path
from exposure.local.pubsub.server import PubSubConfig, PubSubServer

async def serve():
    async with PubSubServer(PubSubConfig(Path(sys.argv[1]), 0)) as server:
        print(server.address, flush=True)
        await asyncio.Event().wait()

asyncio.run(serve())
"""


async def test_a_second_server_on_a_data_folder_is_refused_and_leaves_the_first_in_peace(
    tmp_path: Path,
) -> None:
    async with PubSubServer(PubSubConfig(tmp_path, 0)) as first:
        with pytest.raises(DataFolderLocked, match=str(tmp_path)):
            await PubSubServer(PubSubConfig(tmp_path, 0)).start()
        assert first.broker.topics == {}


@pytest.mark.parametrize("which", ["port", "certificates_port"])
async def test_a_port_in_use_is_named_and_the_data_folder_is_free_again(tmp_path: Path, which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config = PubSubConfig(tmp_path, **{"port": 0, which: port})
        with pytest.raises(PortInUse, match=f"port {port} is in use") as refused:
            await PubSubServer(config).start()
    assert refused.value.port == port
    async with PubSubServer(PubSubConfig(tmp_path, 0)):
        pass


async def test_two_servers_do_not_share_a_port(tmp_path: Path) -> None:
    async with PubSubServer(PubSubConfig(tmp_path / "a", 0)) as first:
        port = int(first.address.split(":")[1])
        with pytest.raises(PortInUse):
            await PubSubServer(PubSubConfig(tmp_path / "b", port)).start()


async def test_a_server_can_be_started_stopped_and_started_again(tmp_path: Path) -> None:
    for _ in range(3):
        async with PubSubServer(PubSubConfig(tmp_path, 0)) as server:
            assert server.address.startswith("127.0.0.1:")
            assert server.certificates_url.startswith("http://127.0.0.1:")


async def test_nothing_is_left_running_after_a_stop(tmp_path: Path) -> None:
    before = asyncio.all_tasks()
    async with PubSubServer(PubSubConfig(tmp_path, 0)):
        pass
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("pubsub")]


def test_a_power_cut_in_the_middle_of_publishing_loses_no_message_that_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-c", SERVER, str(tmp_path)]
    answered: set[str] = set()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        monkeypatch.setenv("PUBSUB_EMULATOR_HOST", process.stdout.readline().strip())
        clients = Clients()
        clients.declare("one")
        publishing = threading.Thread(target=publish_until_the_end, args=(clients, answered))
        publishing.start()
        wait_until(lambda: len(answered) > 500)
        process.kill()
        publishing.join()
        clients.close()
    with running(tmp_path) as again:
        ids = {
            delivery.message.message_id
            for delivery in again.server.broker.subscription(subscription_path("one"))
        }
    assert len(answered) > 500
    assert answered <= ids


def publish_until_the_end(clients: Clients, answered: set[str]) -> None:
    messages = [{"data": b"x" * 100}] * 20
    try:
        while True:
            answered.update(clients.publish_raw("one", *messages, retry=None))
    except exceptions.GoogleAPICallError:
        return


async def test_a_stored_subscription_that_cannot_be_pushed_is_logged_once_and_the_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, receiver: PushReceiver
) -> None:
    topic = Topic(name=topic_path("one"))
    broken = Subscription(name=subscription_path("broken"), topic=topic.name)
    broken.push_config.push_endpoint = "http://127.0.0.1:99999/x"
    broken.message_retention_duration.seconds = 600
    storage = Storage(tmp_path)
    await storage.commit(statements.put("topics", topic), statements.put("subscriptions", broken))
    await storage.close()
    sound = Subscription(name=subscription_path("sound"), topic=topic.name)
    sound.push_config.push_endpoint = receiver.url
    async with PubSubServer(PubSubConfig(tmp_path, 0)) as server:
        await server.broker.create_subscription(sound)
        await server.broker.publish(topic.name, [PubsubMessage(data=b"x")])
        async with asyncio.timeout(PATIENCE_SECONDS):
            while server.backlog(sound.name):
                await asyncio.sleep(0.005)
        assert server.backlog(broken.name) == 1
    assert len(receiver.requests) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"{broken.name} cannot be pushed to {broken.push_config.push_endpoint}; its messages wait"
    ]


async def test_an_error_that_ends_deadlines_and_retries_is_told_and_ends_the_waiting_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise ZeroDivisionError("planted")

    async with PubSubServer(PubSubConfig(tmp_path, 0)) as server:
        monkeypatch.setattr(server.broker, "wake", broken)
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(PubSubFailed, match=r"ZeroDivisionError\('planted'\)"):
                await server.failed()
    assert "deadlines and retries have ended" in caplog.text


async def test_waiting_for_a_failure_ends_with_the_server(tmp_path: Path) -> None:
    async with PubSubServer(PubSubConfig(tmp_path, 0)) as server:
        waiting = asyncio.create_task(server.failed())
        await asyncio.sleep(0)
        assert not waiting.done()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await waiting
