"""Reading the date of a post, as the many exports write it."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{1,9})?", re.ASCII)
# Seconds reach 1e11 in the year 5138; milliseconds passed it in 1973.
_SMALLEST, _LARGEST = 1e8, 1e11
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)


def parse_date(value: object) -> datetime | None:
    """Return the moment that `value` means, in UTC, or None where it cannot be read.

    Parameters
    ----------
    value : object
        A date or datetime, ISO 8601 text (also with a blank for the T), YYYYMMDD, or Unix time in
        seconds, milliseconds, microseconds or nanoseconds, as number or text. Without a time zone
        it is taken as UTC. Numbers below 1e8 (before March 1973) are no Unix time: they are far
        more often a year or an id in the wrong column.

    Returns
    -------
    datetime or None
        Always aware, always UTC.
    """
    try:
        return _parse(value)
    except (ValueError, OverflowError):
        return None


def _parse(value: object) -> datetime | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if isinstance(value, int | float):
        return _from_number(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return _from_number(float(text) if "." in text else int(text))
    return _utc(datetime.fromisoformat(text.removesuffix(" UTC").removesuffix(" GMT")))


def _utc(moment: datetime) -> datetime:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC)


def _from_number(number: float) -> datetime | None:
    if not math.isfinite(number):
        return None
    if 19000101 <= number <= 21001231 and number == int(number):
        return datetime.strptime(str(int(number)), "%Y%m%d").replace(tzinfo=UTC)
    if number < _SMALLEST:
        return None
    unit = next((unit for unit in _UNITS if number < _LARGEST * unit), None)
    if unit is None:
        return None
    if isinstance(number, int):  # a float would lose the microseconds of nanoseconds
        return _EPOCH + timedelta(microseconds=number * 1_000_000 // unit)
    return _EPOCH + timedelta(seconds=number / unit)
