"""What the API is told by its environment of who may come in, and what becomes of it."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from exposure.api.access.key_file import KeyFile
from exposure.api.access.keys import StoredKeys, WrongKeys, write_keys
from exposure.api.access.tokens import TokenCallers
from exposure.api.cache.redis_entries import RedisEntries
from exposure.api.cache.shared import NothingShared
from exposure.assembly import api
from exposure.contracts.catalog import Catalog
from exposure.freshness import check_replica_interval
from exposure.settings import ApiSettings
from fakes.declarations import declared

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
    door = api.door(ApiSettings())
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
    door = api.door(settings)
    assert isinstance(door.keys, KeyFile)
    assert isinstance(door.tokens, TokenCallers)
    assert door.limits is not None
    assert door.limits.address is not None
    assert (door.limits.address.requests, door.limits.caller) == (5, None)
    assert (door.trusted_proxies, door.origins) == (2, ("https://page.example", "http://localhost:3000"))
    await door.close()


def test_unless_told_otherwise_one_process_may_ask_what_bigquery_takes_of_all_and_no_caller_has_a_budget(
    environment: pytest.MonkeyPatch,
) -> None:
    assert environment
    settings = ApiSettings()
    limits = api.reader_limits(settings)
    assert (limits.per_second, limits.burst, limits.bulkhead.concurrency) == (80, 16, 16)
    assert limits.deadline == settings.query_deadline
    assert limits.bulkhead.patience == timedelta(milliseconds=250)
    assert api.door(settings).budget is None


def test_how_much_is_asked_and_what_a_caller_may_bill_is_told_by_the_environment(
    environment: pytest.MonkeyPatch,
) -> None:
    told = {"QUERY_DEADLINE": "PT3S", "QUERY_THREADS": "4", "QUERIES_PER_SECOND": "7"}
    for name, value in (told | {"CALLER_DAILY_BYTES": "1000000"}).items():
        environment.setenv(f"EXPOSURE_{name}", value)
    settings = ApiSettings()
    limits = api.reader_limits(settings)
    assert (limits.per_second, limits.burst, limits.bulkhead.concurrency) == (7, 4, 4)
    assert limits.deadline == timedelta(seconds=3)
    door = api.door(settings)
    assert door.budget is not None
    assert door.limits is not None
    assert door.budget.bytes_a_day == 1_000_000
    # In one place, which is closed once.
    assert door.budget.buckets is door.limits.buckets


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
    "QUERIES_PER_SECOND": ["0", "101"],
    "CALLER_DAILY_BYTES": ["-1", "10 GB"],
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
        api.door(ApiSettings())
    (tmp_path / "keys.json").write_text("[]")
    with pytest.raises(WrongKeys, match=r"keys\.json"):
        api.door(ApiSettings())


def test_unless_told_otherwise_answers_are_kept_inside_what_contracts_promise(
    environment: pytest.MonkeyPatch,
) -> None:
    assert environment
    cache = api.kept_answers(ApiSettings())
    assert cache is not None
    windows = cache.windows
    oldest = windows.lifetime + max(windows.while_revalidating, windows.if_error)
    assert timedelta(0) < oldest <= timedelta(seconds=50)
    assert isinstance(cache.shared, NothingShared)


@pytest.mark.parametrize(
    ("told", "complaint"),
    [
        ({"CACHE_LIFETIME": "PT51S"}, "cache_lifetime of 51 s is too long"),
        ({"CACHE_STALE_WHILE_REVALIDATE": "PT31S"}, "cache_stale_while_revalidate of 31 s is too long"),
        ({"CACHE_STALE_IF_ERROR": "PT31S"}, "cache_stale_if_error of 31 s is too long"),
        ({"CACHE_LIFETIME": "PT50S"}, "cache_stale_while_revalidate of 20 s is too long"),
        ({"CACHE_LIFETIME": "-PT1S"}, "greater than or equal to 0"),
        ({"CACHE_BYTES": "0"}, "greater than or equal to 1048576"),
    ],
)
def test_answers_that_would_be_older_than_promised_are_refused_by_name(
    environment: pytest.MonkeyPatch, told: dict[str, str], complaint: str
) -> None:
    for name, value in told.items():
        environment.setenv(f"EXPOSURE_{name}", value)
    with pytest.raises(ValidationError, match=complaint):
        ApiSettings()


@pytest.mark.parametrize(
    ("interval", "kept", "is_refused"),
    [(5, 35, False), (5, 36, True), (2, 44, False), (2, 45, True), (17, 0, True), (16, 0, False)],
)
def test_rows_of_a_replica_are_refused_where_they_would_be_older_than_promised(
    interval: int, kept: int, is_refused: bool
) -> None:
    catalog = Catalog((declared(replica=timedelta(days=1)),))
    complaint = pytest.raises(ValueError, match=f"replica_interval of {interval} s is too long")
    with complaint if is_refused else nullcontext():
        check_replica_interval(catalog, timedelta(seconds=interval), timedelta(seconds=kept))
    check_replica_interval(Catalog((declared(),)), timedelta(hours=1), timedelta(0))


def test_with_no_lifetime_nothing_is_kept(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EXPOSURE_CACHE_LIFETIME", "PT0S")
    assert api.kept_answers(ApiSettings()) is None


async def test_with_a_store_all_instances_share_their_answers_are_shared_too(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("EXPOSURE_REDIS_URL", "redis://127.0.0.1:9")
    cache = api.kept_answers(ApiSettings())
    assert cache is not None
    assert isinstance(cache.shared, RedisEntries)
    await cache.shared.close()
