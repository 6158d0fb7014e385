"""What each process is told by its environment; nothing else in the house reads it.

Each service has its own class, so a service that lacks a value fails at start with that value's name.
The infrastructure program writes these very names (`EXPOSURE_` and the field in capitals).
"""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENVIRONMENT_PREFIX = "EXPOSURE_"
GOOGLE_CERTIFICATES = "https://www.googleapis.com/oauth2/v3/certs"
_TOKEN_KEY_BYTES = 32


class ApiSettings(BaseSettings):
    """The read API's environment."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True)

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
    bigquery_endpoint: str | None = Field(None, description="An emulator's REST address; unset in the cloud.")

    @field_validator("page_token_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: object) -> object:
        return [key.strip() for key in value.split(",") if key.strip()] if isinstance(value, str) else value

    @field_validator("page_token_keys")
    @classmethod
    def _check_keys(cls, keys: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in keys:
            decode_token_key(key.get_secret_value())
        return keys


class WriterSettings(BaseSettings):
    """What both forms of ingest are told: where to store, and how rows are gathered."""

    model_config = SettingsConfigDict(env_prefix=ENVIRONMENT_PREFIX, frozen=True)

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
