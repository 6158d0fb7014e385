"""What each process is told by its environment; nothing else in the house reads it.

Each service has its own class, so a service that lacks a value fails at start with that value's name.
The infrastructure program writes these very names (`EXPOSURE_` and the field in capitals).
"""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from exposure.contracts.catalog import CATALOG
from exposure.freshness import check_cache_times, check_replica_interval, longest_kept

ENVIRONMENT_PREFIX = "EXPOSURE_"
# What the settings `traces` and `metrics_collector` are where they go to Google.
GOOGLE = "google"
GOOGLE_CERTIFICATES = "https://www.googleapis.com/oauth2/v3/certs"
# How long a service told to stop answers what is in flight: Cloud Run kills after 10 s, closing takes 2 s,
# and where metrics are sent, their last sending one more.
GRACE_SECONDS = 6
_TOKEN_KEY_BYTES = 32
# As a browser writes it: compared letter by letter. https://www.rfc-editor.org/rfc/rfc6454#section-6.2
_ORIGIN = re.compile(r"\*|[a-z][a-z0-9+.-]*://[a-z0-9.\[\]:-]+")
_COLLECTOR = rf"^({GOOGLE}|https?://\S+)$"
Words = Annotated[tuple[str, ...], NoDecode]
# Signatures of a private key alone: what is shared with the signer would let us, and whoever reads it, sign.
TokenAlgorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]


class TelemetrySettings(BaseSettings):
    """What every process is told of what it tells of itself, besides its log."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True)

    traces: str | None = Field(
        None,
        pattern=_COLLECTOR,
        description="Where traces are sent by OTLP/HTTP: `google`, or a collector's whole address, such as "
        "http://localhost:4318/v1/traces; unset: nowhere.",
    )
    trace_ratio: float = Field(
        0.01, ge=0, le=1, description="Share of the requests or messages whose traces are recorded."
    )
    trace_flush: timedelta = Field(
        timedelta(milliseconds=300),
        ge=timedelta(0),
        le=timedelta(seconds=1),
        description="How long a recorded request may wait for its trace to be sent, ISO 8601, such as "
        "PT0.3S; PT0S where CPU stays allocated between requests.",
    )
    metrics: bool = Field(
        False, description="Whether GET /metrics answers, to anybody who reaches the service."
    )
    metrics_collector: str | None = Field(
        None,
        pattern=_COLLECTOR,
        description="Where metrics are sent by OTLP/HTTP: `google`, or a collector's whole address, such as "
        "http://localhost:4318/v1/metrics; unset: nowhere.",
    )
    metrics_interval: timedelta = Field(
        timedelta(seconds=60),
        ge=timedelta(seconds=10),
        le=timedelta(hours=1),
        description="How often they are sent, such as PT60S.",
    )
    metrics_flush: timedelta = Field(
        timedelta(milliseconds=300),
        ge=timedelta(0),
        le=timedelta(seconds=1),
        description="How long one answer an interval may wait for their sending, such as PT0.3S; PT0S where "
        "CPU stays allocated between requests.",
    )
    region: str | None = Field(
        None,
        pattern=r"^[a-z]+-[a-z]+\d+$",
        description="Google Cloud region the process runs in, such as europe-west1; Google takes no metrics "
        "that do not say it.",
    )

    @model_validator(mode="after")
    def _check_region(self) -> Self:
        if self.metrics_collector == GOOGLE and self.region is None:
            raise ValueError(f"region is unset, and metrics_collector is {GOOGLE}: it refuses points without")
        return self


class ApiSettings(TelemetrySettings):
    """The read API's environment."""

    project: str = Field(min_length=1, description="Google Cloud project of the dataset.")
    location: str = Field(min_length=1, description="BigQuery location of the dataset, for example EU.")
    page_token_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        min_length=1,
        description="Comma-separated base64 of 32 bytes each; the first seals page tokens, all open them.",
    )
    query_deadline: timedelta = Field(
        timedelta(seconds=8), description="How long one question may take, ISO 8601, such as PT8S."
    )
    max_bytes_billed: int = Field(
        10 * 2**30, ge=10 * 2**20, description="Bytes one question may bill; BigQuery's floor is 10 MiB."
    )
    query_threads: int = Field(16, ge=1, le=80, description="Questions to BigQuery at a time.")
    queries_per_second: int = Field(
        80,
        ge=1,
        le=100,
        description="Questions to BigQuery a second; it takes 100 of all processes together.",
    )
    bigquery_endpoint: str | None = Field(None, description="An emulator's REST address; unset in the cloud.")
    keys_file: Path | None = Field(
        None, description="A mounted secret as `exposure keys` writes it; unset: nobody has an API key."
    )
    token_audience: str | None = Field(
        None, min_length=1, description="The API as tokens name it, its address; unset: no token is believed."
    )
    token_issuers: Words = Field(
        ("https://accounts.google.com", "accounts.google.com"),
        min_length=1,
        description="Comma-separated names of whose tokens are believed.",
    )
    token_keys_url: str = Field(
        GOOGLE_CERTIFICATES, description="Where the keys of the tokens are published."
    )
    token_algorithms: Annotated[tuple[TokenAlgorithm, ...], NoDecode] = Field(
        ("RS256",), min_length=1, description="Comma-separated algorithms that tokens may be signed with."
    )
    address_requests: int = Field(
        1200, ge=0, description="Requests of one address a minute; 0 for any number."
    )
    caller_requests: int = Field(600, ge=0, description="Requests of one caller a minute; 0 for any number.")
    caller_daily_bytes: int = Field(
        0, ge=0, description="Bytes the questions of one caller may bill a day, in UTC; 0 for any number."
    )
    redis_url: SecretStr | None = Field(
        None,
        description="Redis or Valkey all instances share, redis:// or rediss://; unset: none.",
    )
    redis_iam: bool = Field(
        False, description="Whether its password is the service's own Google token, as Memorystore has it."
    )
    redis_authority: str | None = Field(None, description="PEM of who signed its certificate.")
    trusted_proxies: int = Field(
        1,
        ge=0,
        le=10,
        description="Proxies before the API that append to X-Forwarded-For: 1 on Cloud Run, 2 behind a load "
        "balancer there; with 0, for an API that clients reach themselves, the field is not looked at.",
    )
    cors_origins: Words = Field(
        (), description="Comma-separated origins whose pages may read answers in a browser; `*` for all."
    )

    cache_lifetime: timedelta = Field(
        timedelta(seconds=20),
        ge=timedelta(0),
        description="How long an answer is given again, such as PT20S; PT0S: every answer is made anew.",
    )
    cache_stale_while_revalidate: timedelta = Field(
        timedelta(seconds=20),
        ge=timedelta(0),
        description="How much longer it is given while a new one is fetched behind it.",
    )
    cache_stale_if_error: timedelta = Field(
        timedelta(seconds=30),
        ge=timedelta(0),
        description="How much longer it is given while no new one can be had.",
    )
    cache_bytes: int = Field(
        128 * 2**20, ge=2**20, description="Memory of an instance that kept answers may take."
    )

    replicas: bool = Field(True, description="Whether the contracts that declare a replica have one.")
    replica_interval: timedelta = Field(
        timedelta(seconds=5),
        ge=timedelta(seconds=1),
        description="How often a replica reads what has been stored; each time BigQuery bills its window.",
    )
    replica_bytes: int = Field(
        2**28,
        ge=2**24,
        description="Memory one replica may take; three times as much for the seconds it is loaded in.",
    )

    @model_validator(mode="after")
    def _check_replicas(self) -> Self:
        if self.replicas:
            kept = longest_kept(
                self.cache_lifetime, self.cache_stale_while_revalidate, self.cache_stale_if_error
            )
            check_replica_interval(CATALOG, self.replica_interval, kept)
        return self

    @model_validator(mode="after")
    def _check_cache(self) -> Self:
        check_cache_times(self.cache_lifetime, self.cache_stale_while_revalidate, self.cache_stale_if_error)
        return self

    @field_validator("page_token_keys", "token_issuers", "token_algorithms", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [one.strip() for one in value.split(",") if one.strip()] if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if not _ORIGIN.fullmatch(origin):
                raise ValueError(f"'{origin}' is no origin: write it like https://example.com, or * for all")
        return origins

    @field_validator("page_token_keys")
    @classmethod
    def _check_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            decode_token_key(key.get_secret_value())
        return keys


class WriterSettings(TelemetrySettings):
    """What both forms of ingest are told: where to store, and how rows are gathered."""

    project: str = Field(min_length=1, description="Google Cloud project of the dataset.")
    batch_rows: int = Field(
        250, ge=1, le=10_000, description="Rows that close one append; no more than pushes open at a time."
    )
    appends_in_flight: int = Field(2, ge=1, le=4, description="Appends in flight per table.")
    rejected_share: float = Field(
        0.75, gt=0, le=1, description="Share of rejected messages above which more are withheld; 1: never."
    )
    storage_write_endpoint: str | None = Field(
        None, description="An emulator's gRPC address (host:port, no TLS); unset in the cloud."
    )


class IngestSettings(WriterSettings):
    """The environment of the subscriber that is pushed to."""

    push_account: str = Field(min_length=3, description="E-mail of the account Pub/Sub pushes as.")
    push_audience: str = Field(
        min_length=1, description="Audience of the push tokens: this service's address."
    )
    certificates_url: str = Field(
        GOOGLE_CERTIFICATES, description="Where the push tokens' keys are published."
    )


class PullSettings(WriterSettings):
    """The environment of the subscriber that pulls; its subscriptions are in the same project."""

    held_messages: int = Field(
        2000, ge=1, le=20_000, description="Messages of one subscription in memory at a time."
    )
    pubsub_endpoint: str | None = Field(
        None, description="An emulator's address (host:port, no TLS); unset in the cloud."
    )


def decode_token_key(text: str) -> bytes:
    """Return the 32 bytes of a page-token key; raise ValueError when the text is no base64 of 32 bytes."""
    key = base64.b64decode(text, validate=True)
    if len(key) != _TOKEN_KEY_BYTES:
        raise ValueError(
            f"a page-token key is the base64 of {_TOKEN_KEY_BYTES} bytes, this one has {len(key)}"
        )
    return key
