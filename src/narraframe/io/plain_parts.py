"""Read a skops file that holds plain values and arrays only, without importing skops.

That takes seconds, as it imports torch and much else to know the types of all of them. What this
reads can only become a dict, a list, a plain value or an array, whatever the file says.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

_PROTOCOL = 2
_PLAIN = {"str", "int", "float", "bool", "NoneType"}


class NotPlainError(Exception):
    """The file holds something else, or is of another protocol: a matter for skops."""


def read_plain(path: Path) -> Any:
    """Return what skops would load from `path`.

    Raises
    ------
    NotPlainError
        If it is not certain that this would be the same.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read("schema.json"))
            if schema.get("protocol") != _PROTOCOL:
                raise NotPlainError(str(schema.get("protocol")))
            return _value(schema, archive)
    except (zipfile.BadZipFile, LookupError, TypeError, ValueError, AttributeError) as error:
        raise NotPlainError(str(error)) from error


def _value(node: Mapping[str, Any], archive: zipfile.ZipFile) -> Any:
    kind = (node["__loader__"], node["__module__"], node["__class__"])
    match kind:
        case ("DictNode", "builtins", "dict"):
            if {_key_type(key) for key in node["key_types"]["content"]} - {"builtins.str"}:
                raise NotPlainError("keys that are no strings")
            return {key: _value(value, archive) for key, value in node["content"].items()}
        case ("ListNode", "builtins", "list"):
            return [_value(value, archive) for value in node["content"]]
        case ("JsonNode", "builtins", name) if name in _PLAIN and node["is_json"]:
            return json.loads(node["content"])
        case ("NdArrayNode", "numpy", "ndarray") if node["type"] == "numpy":
            return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
    raise NotPlainError(str(kind))


def _key_type(node: Mapping[str, Any]) -> str:
    if node["__loader__"] != "TypeNode":
        raise NotPlainError(node["__loader__"])
    return f"{node['__module__']}.{node['__class__']}"
