"""`exposure keys`: issue, list and revoke the API's keys, in a file that holds no key, only hashes of keys.

The file goes to the API as a mounted secret, which reads it again as it changes.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from exposure.api.access.keys import (
    NAME,
    KeyOrder,
    StoredKey,
    StoredKeys,
    TooManyKeys,
    WrongKeys,
    issue,
    read_keys,
    revoke,
    write_keys,
)
from exposure.clock import now
from exposure.commands.console import MISUSED, fail, new_table, say, show_table
from exposure.commands.local_addresses import LOCAL_KEYS
from exposure.contracts.access import CLAIM, SCOPE
from exposure.contracts.catalog import CATALOG

_MOST_DAYS = 3650
keys = typer.Typer(no_args_is_help=True, help="Issue, list and revoke API keys.")
KeysFile = Annotated[Path, typer.Option("--file", help="The file that keeps the keys' hashes.")]


def _scope(text: str) -> str:
    if not SCOPE.fullmatch(text):
        raise typer.BadParameter(f"'{text}' is no scope: letters, digits and _.:@/+-, 200 characters at most")
    return text


def _claim(text: str) -> str:
    name, equals, _ = text.partition("=")
    if not equals or not CLAIM.fullmatch(name):
        raise typer.BadParameter(f"'{text}' is no claim: write it like customer=4711")
    return text


@keys.command("create", epilog="Example: exposure keys create shop --scope orders.read --claim customer=4711")
def create_key(
    name: Annotated[str, typer.Argument(help="Whose key it is; two of one name may be valid at a time.")],
    scope: Annotated[
        list[str] | None, typer.Option(parser=_scope, metavar="SCOPE", help="What it grants; repeatable.")
    ] = None,
    claim: Annotated[
        list[str] | None,
        typer.Option(
            parser=_claim, metavar="NAME=VALUE", help="What it says of its holder; one name may have several."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=_MOST_DAYS, help="How long it is valid.")] = 365,
    file: KeysFile = Path(LOCAL_KEYS),
) -> None:
    """Issue a key and write it to standard output: this once, it is kept nowhere.

    To replace a key without a gap, issue a second one, hand it over, and revoke the first.
    """
    if not NAME.fullmatch(name):
        fail(f"'{name}' is no name: letters, digits and _.@-, 100 characters at most", MISUSED)
    before, kept = _read(file, may_be_missing=True)
    created = now().replace(microsecond=0)
    scopes = tuple(dict.fromkeys(scope or []))
    order = KeyOrder(name, scopes, created, created + timedelta(days=days), _claims(claim or []))
    try:
        with_new, text = issue(kept, order)
    except TooManyKeys as error:
        fail(f"{error}; revoke one first: exposure keys revoke ID --file {file}")
    _write(file, before, with_new)
    _warn_of_unknown(scopes)
    say(f"key {with_new.keys[-1].id} of {name}, valid until {_written(order.expires)}; it is not shown again")
    typer.echo(text)


@keys.command("list", epilog="Example: exposure keys list --file keys.json")
def list_keys(file: KeysFile = Path(LOCAL_KEYS)) -> None:
    """List every key ever issued, and whether it is valid."""
    _, kept = _read(file)
    table = new_table("id", "name", "state", "expires", "scopes", "claims")
    for key in kept.keys:
        claims = " ".join(f"{name}={value}" for name, values in key.claims.items() for value in values)
        table.add_row(key.id, key.name, _state(key), _written(key.expires), " ".join(key.scopes), claims)
    show_table(table)


@keys.command("revoke", epilog="Example: exposure keys revoke 0123456789abcdef")
def revoke_key(
    key_id: Annotated[
        str, typer.Argument(metavar="ID", help="Id of the key; `exposure keys list` shows it.")
    ],
    file: KeysFile = Path(LOCAL_KEYS),
) -> None:
    """Revoke a key: it opens nothing from the moment the API has read the file again."""
    before, kept = _read(file)
    try:
        _write(file, before, revoke(kept, key_id, now().replace(microsecond=0)))
    except KeyError:
        fail(f"{file} has no key '{key_id}'; exposure keys list --file {file} shows them", MISUSED)
    say(f"key {key_id} is revoked")


def _claims(texts: list[str]) -> dict[str, tuple[str, ...]]:
    claims: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        claims[name] = (*claims.get(name, ()), value)
    return claims


def _read(file: Path, *, may_be_missing: bool = False) -> tuple[bytes | None, StoredKeys]:
    """Return the file's content, None when there is no file, and the keys in it."""
    try:
        content = file.read_bytes()
        return content, read_keys(content)
    except FileNotFoundError:
        if may_be_missing:
            return None, StoredKeys()
        fail(f"there is no file {file}; exposure keys create makes one")
    except (OSError, WrongKeys) as error:
        fail(f"{file}: {error}")


def _write(file: Path, before: bytes | None, kept: StoredKeys) -> None:
    """Replace the file as a whole, readable by its owner alone, unless somebody else has changed it."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        if (file.read_bytes() if file.exists() else None) != before:
            fail(f"{file} has been changed meanwhile; try again")
        handle, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
        with os.fdopen(handle, "wb") as opened:
            opened.write(write_keys(kept))
        Path(temporary).replace(file)
    except OSError as error:
        fail(f"{file}: {error}")


def _warn_of_unknown(scopes: tuple[str, ...]) -> None:
    granted = {grant.scope for contract in CATALOG for grant in contract.access.grants}
    for scope in scopes:
        if scope not in granted:
            say(f"exposure: no contract of this installation grants anything to '{scope}'")


def _state(key: StoredKey) -> str:
    if key.revoked is not None:
        return f"revoked {_written(key.revoked)}"
    return "valid" if key.is_valid(now()) else "expired"


def _written(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")
