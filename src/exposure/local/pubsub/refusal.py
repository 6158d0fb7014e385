"""A call that cannot be served: the gRPC status and a sentence for the caller."""

from __future__ import annotations

import grpc


class Refusal(Exception):
    """Ends one call with a status; raised anywhere below the service and answered once, there."""

    def __init__(self, code: grpc.StatusCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence


def invalid(sentence: str) -> Refusal:
    """Return the refusal of a malformed request."""
    return Refusal(grpc.StatusCode.INVALID_ARGUMENT, sentence)


def not_found(name: str) -> Refusal:
    """Return the refusal of a name nothing has."""
    return Refusal(grpc.StatusCode.NOT_FOUND, f"Resource not found (resource={name.rsplit('/', 1)[-1]}).")


def already_exists(name: str) -> Refusal:
    """Return the refusal of a name that is taken."""
    return Refusal(
        grpc.StatusCode.ALREADY_EXISTS, f"Resource already exists (resource={name.rsplit('/', 1)[-1]})."
    )


def unavailable(sentence: str) -> Refusal:
    """Return the refusal that a client answers by trying again."""
    return Refusal(grpc.StatusCode.UNAVAILABLE, sentence)


def exhausted(sentence: str) -> Refusal:
    """Return the refusal of what there is no room for now; clients try again later."""
    return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, sentence)


def not_built(what: str) -> Refusal:
    """Return the refusal of a part of Pub/Sub this server does not have."""
    return Refusal(grpc.StatusCode.UNIMPLEMENTED, f"The local Pub/Sub server does not build {what}.")
