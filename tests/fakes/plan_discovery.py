"""A plan judged by Google's own API descriptions, which know what a string may say; the SDK does not.

The descriptions ship with google-api-python-client and are read from it. They do not say what is required
(`plan_shapes` does), and where the provider spells a property its own way, `plan_schemas` says which it is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from googleapiclient import discovery_cache  # type: ignore[import-untyped]

Schema = Mapping[str, Any]

_DOCUMENTS = Path(discovery_cache.__file__).parent / "documents"
_DURATION = re.compile(r"\d+(\.\d{1,9})?s")
_DIGITS = re.compile(r"-?\d+")


@dataclass(frozen=True)
class Source:
    """Which schema of which document describes a resource's inputs.

    Paths are wire names joined by dots, without indexes. `provider_only` are inputs Google never sees,
    `renamed` are those it calls something else (a dotted name is a property of a property), `encoded` are
    inputs that are JSON text, each with the schema of what the text holds, `respelt` are texts the provider
    writes anew, and `narrowed` are enums of which the API takes only some values.
    """

    document: str
    schema: str
    provider_only: frozenset[str] = frozenset()
    renamed: Mapping[str, str] = field(default_factory=dict)
    encoded: Mapping[str, Schema] = field(default_factory=dict)
    respelt: frozenset[str] = frozenset()
    narrowed: Mapping[str, frozenset[str]] = field(default_factory=dict)


@cache
def schemas(document: str) -> Mapping[str, Schema]:
    """Return the schemas of `monitoring.v3` and the like by their names."""
    found: Mapping[str, Schema] = json.loads((_DOCUMENTS / f"{document}.json").read_text())["schemas"]
    return found


@dataclass
class Walk:
    """One value's way through a schema. `enums` are the paths of the enums met, `faults` sentences.

    A strict walk is of what is sent as it stands: names and lists must be the API's own, and what the API
    calls required must be there.
    """

    source: Source
    is_strict: bool = False
    enums: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def value(self, value: Any, schema: Schema, path: str) -> None:
        """Judge one value of any kind."""
        if "$ref" in schema:
            schema = schemas(self.source.document)[schema["$ref"]]
        kind = schema.get("type", "object")
        if kind == "array":
            self._array(value, schema, path)
        elif kind == "object":
            self._object(value, schema, path)
        elif kind != "any":
            self._scalar(value, schema, path)

    def _array(self, value: Any, schema: Schema, path: str) -> None:
        if not isinstance(value, list):
            if self.is_strict:
                self.faults.append(f"{path}: {value!r} is no list")
            # The provider takes an object where the API's list may hold one only.
            value = [value]
        for item in value:
            self.value(item, schema["items"], path)

    def _object(self, value: Any, schema: Schema, path: str) -> None:
        if isinstance(value, list) and not self.is_strict:
            # What the API maps by a name, the provider lists with the name inside.
            is_map = "properties" not in schema and "additionalProperties" in schema
            for item in value:
                self.value(item, schema["additionalProperties"] if is_map else schema, path)
            return
        if not isinstance(value, Mapping):
            self.faults.append(f"{path}: {value!r} is no object")
            return
        if self.is_strict:
            self._require(value, schema, path)
        for name, inner in value.items():
            self._member(name, inner, schema, f"{path}.{name}" if path else name)

    def _require(self, value: Mapping[str, Any], schema: Schema, path: str) -> None:
        for name, inner in schema.get("properties", {}).items():
            if inner.get("description", "").startswith("Required.") and name not in value:
                self.faults.append(f"{path}: {name} is missing")

    def _member(self, name: str, inner: Any, schema: Schema, path: str) -> None:
        if path in self.source.provider_only:
            return
        if path in self.source.encoded:
            deeper = Walk(self.source, is_strict=True)
            deeper.value(json.loads(inner), self.source.encoded[path], path)
            self.enums += deeper.enums
            self.faults += deeper.faults
        elif (found := self._property(name, schema, path)) is None:
            self.faults.append(f"{path} is unknown to {schema.get('id', 'the API')}")
        elif found.get("readOnly"):
            self.faults.append(f"{path} is Google's to say")
        else:
            self.value(inner, found, path)

    def _property(self, name: str, schema: Schema, path: str) -> Schema | None:
        if path in self.source.renamed:
            return self._descend(schema, self.source.renamed[path])
        properties: Mapping[str, Schema] = schema.get("properties", {})
        spellings = [name] if self.is_strict else [name, name.removesuffix("s")]
        for spelling in spellings:
            if spelling in properties:
                return properties[spelling]
        return schema.get("additionalProperties")

    def _descend(self, schema: Schema, dotted: str) -> Schema | None:
        for name in dotted.split("."):
            if "$ref" in schema:
                schema = schemas(self.source.document)[schema["$ref"]]
            found = schema.get("properties", {}).get(name)
            if found is None:
                return None
            schema = found
        return schema

    def _scalar(self, value: Any, schema: Schema, path: str) -> None:
        if path in self.source.respelt:
            schema = {"type": schema["type"]}
        if not _fits(value, schema):
            wanted = schema.get("format", schema["type"])
            self.faults.append(f"{path}: {value!r} is no {wanted}")
        elif "enum" in schema:
            self.enums.append(path)
            if value not in self._allowed(schema, path):
                self.faults.append(f"{path}: {value!r} is none of {', '.join(self._allowed(schema, path))}")

    def _allowed(self, schema: Schema, path: str) -> list[str]:
        deprecated = schema.get("enumDeprecated", [False] * len(schema["enum"]))
        values = [
            one
            for one, is_deprecated in zip(schema["enum"], deprecated, strict=True)
            if not is_deprecated and not one.endswith("_UNSPECIFIED")
        ]
        narrowed = self.source.narrowed.get(path)
        return values if narrowed is None else [one for one in values if one in narrowed]


def _fits(value: Any, schema: Schema) -> bool:
    kind, form = schema["type"], schema.get("format")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "number":
        return is_number
    if kind == "integer":
        return is_number and value % 1 == 0
    if form in {"int64", "uint64"}:
        # JSON has no 64 bit integers, so the API writes them as text and the provider as numbers.
        return is_number or bool(isinstance(value, str) and _DIGITS.fullmatch(value))
    if form == "google-duration":
        # The provider's empty string is "never".
        return isinstance(value, str) and (value == "" or bool(_DURATION.fullmatch(value)))
    return isinstance(value, str)
