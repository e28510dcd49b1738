"""One TOML file becomes frozen records; every unknown key or wrong value is an error."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from narraframe.errors import ConfigError

Record = TypeVar("Record")
RULE = "rule"


@dataclass(frozen=True)
class Rule:
    """What a value must be, beyond its type."""

    must: str
    holds: Callable[[Any], bool]


def number(default: int, *, least: int, most: int | None = None) -> int:
    """Return the field of a whole number from `least` to `most`."""
    must = f"{least} or more" if most is None else f"from {least} to {most}"
    rule = Rule(must, lambda value: value >= least and (most is None or value <= most))
    return field(default=default, metadata={RULE: rule})


def choice(default: str, choices: tuple[str, ...]) -> str:
    """Return the field of a string that is one of `choices`."""
    rule = Rule(f"one of {', '.join(map(repr, choices))}", lambda value: value in choices)
    return field(default=default, metadata={RULE: rule})


def load(cls: type[Record], path: Path) -> Record:
    """Read the TOML file `path` as a `cls`.

    Raises
    ------
    ConfigError
        If the file is missing or no TOML, or has unknown keys, wrong types or missing keys; the
        message lists every fault.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ConfigError("there is no such file", where=path, remedy="Check the path.") from error
    except OSError as error:
        raise ConfigError(
            f"cannot be read: {error.strerror or error}", where=path, remedy="Name a TOML file."
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError("is not UTF-8 text", where=path, remedy="Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"is not TOML: {error}", where=path, remedy="Mend it there.") from error
    faults: list[str] = []
    record = _build(cls, data, "", faults)
    if faults or record is None:
        raise ConfigError("; ".join(faults), where=path, remedy="Mend the file.")
    return record


def _build(
    cls: type[Record], data: Mapping[str, Any], prefix: str, faults: list[str]
) -> Record | None:
    hints = get_type_hints(cls)
    known = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    before = len(faults)
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, list(known), n=1)
            hint = f", did you mean {prefix + near[0]!r}?" if near else ""
            faults.append(f"unknown key {prefix + key!r}{hint}")
    values: dict[str, Any] = {}
    for name, f in known.items():
        if name in data:
            so_far = len(faults)
            values[name] = _value(hints[name], data[name], prefix + name, faults)
            rule: Rule | None = f.metadata.get(RULE)
            right = isinstance(values[name], get_origin(hints[name]) or hints[name])
            if len(faults) == so_far and right and rule and not rule.holds(values[name]):
                faults.append(f"{prefix + name!r} must be {rule.must}, not {data[name]!r}")
        elif f.default is MISSING and f.default_factory is MISSING:
            faults.append(f"key {prefix + name!r} is missing")
    return cls(**values) if len(faults) == before else None


def _value(hint: Any, value: Any, name: str, faults: list[str]) -> Any:
    if is_dataclass(hint):
        if isinstance(value, dict):
            return _build(hint, value, f"{name}.", faults)  # type: ignore[arg-type]
        faults.append(f"{name!r} must be a table, not {value!r}")
    elif get_origin(hint) is tuple:
        if isinstance(value, list):
            return tuple(
                _value(get_args(hint)[0], v, f"{name}[{i}]", faults) for i, v in enumerate(value)
            )
        faults.append(f"{name!r} must be a list, not {value!r}")
    elif hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    elif type(value) is not hint:
        faults.append(f"{name!r} must be {_TYPE_NAMES[hint]}, not {value!r}")
    return value


_TYPE_NAMES = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}
