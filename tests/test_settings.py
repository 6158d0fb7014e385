"""What the API is told by its environment of who may come in, and what becomes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from exposure import entrypoints
from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import StoredKeys, WrongKeys, write_keys
from exposure.api.access.tokens import TokenCallers
from exposure.settings import ApiSettings

REQUIRED = {
    "PROJECT": "p",
    "LOCATION": "EU",
    "PAGE_TOKEN_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(f"EXPOSURE_{name}", value)
    return monkeypatch


def test_unless_told_otherwise_nobody_is_known_no_page_reads_and_requests_are_counted(
    environment: pytest.MonkeyPatch,
) -> None:
    assert environment
    door = entrypoints._door(ApiSettings())
    assert (door.keys, door.tokens, door.origins, door.trusted_proxies) == (None, None, (), 1)
    assert door.limits is not None
    assert door.limits.address is not None
    assert door.limits.caller is not None
    assert door.limits.address.window_seconds == door.limits.caller.window_seconds == 60


async def test_everything_of_access_is_told_by_the_environment(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "keys.json").write_bytes(write_keys(StoredKeys()))
    told = {
        "KEYS_FILE": str(tmp_path / "keys.json"),
        "TOKEN_AUDIENCE": "https://api.example",
        "TOKEN_ISSUERS": "https://one.example, https://two.example",
        "TOKEN_ALGORITHMS": "ES256,RS256",
        "ADDRESS_REQUESTS": "5",
        "CALLER_REQUESTS": "0",
        "TRUSTED_PROXIES": "2",
        "CORS_ORIGINS": "https://page.example,http://localhost:3000",
    }
    for name, value in told.items():
        environment.setenv(f"EXPOSURE_{name}", value)
    settings = ApiSettings()
    assert settings.token_issuers == ("https://one.example", "https://two.example")
    assert settings.token_algorithms == ("ES256", "RS256")
    door = entrypoints._door(settings)
    assert isinstance(door.keys, KeyFile)
    assert isinstance(door.tokens, TokenCallers)
    assert door.limits is not None
    assert door.limits.address is not None
    assert (door.limits.address.requests, door.limits.caller) == (5, None)
    assert (door.trusted_proxies, door.origins) == (2, ("https://page.example", "http://localhost:3000"))
    await door.close()


WRONG = {
    "CORS_ORIGINS": [
        "https://page.example/",
        "page.example",
        "https://page.example/path",
        "https://*.example",
    ],
    "TOKEN_ALGORITHMS": ["none", "HS256", "RS256,HS512", "rs256", ","],
    "TOKEN_ISSUERS": [","],
    "TOKEN_AUDIENCE": [""],
    "TRUSTED_PROXIES": ["-1", "11", "all"],
    "ADDRESS_REQUESTS": ["-1", "many"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]], ids=str
)
def test_a_setting_that_cannot_be_meant_stops_the_start_and_is_named(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(f"EXPOSURE_{name}", value)
    with pytest.raises(ValidationError, match=name.lower()):
        ApiSettings()


def test_a_keys_file_that_is_not_there_or_not_right_stops_the_start_and_is_named(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    environment.setenv("EXPOSURE_KEYS_FILE", str(tmp_path / "keys.json"))
    with pytest.raises(FileNotFoundError, match=r"keys\.json"):
        entrypoints._door(ApiSettings())
    (tmp_path / "keys.json").write_text("[]")
    with pytest.raises(WrongKeys, match=r"keys\.json"):
        entrypoints._door(ApiSettings())
