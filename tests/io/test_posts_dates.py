from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from narraframe.io.posts import parse_date

NOON = datetime(2024, 4, 9, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2024-04-09T12:00:00Z",
        "2024-04-09T12:00:00",
        "2024-04-09 12:00:00",
        " 2024-04-09 12:00 ",
        "2024-04-09 12:00:00 UTC",
        "2024-04-09T15:00:00+03:00",
        "2024-04-09T12:00:00.000000+00:00",
        1712664000,
        "1712664000",
        1712664000.0,
        "1712664000.0",
        1712664000000,
        "1712664000000",
        1712664000000000,
        1712664000000000000,
        datetime(2024, 4, 9, 12, 0),
        datetime(2024, 4, 9, 15, 0, tzinfo=timezone(timedelta(hours=3))),
    ],
)
def test_the_same_moment_is_read_from_any_notation(value):
    assert parse_date(value) == NOON
    assert parse_date(value).tzinfo is UTC


@pytest.mark.parametrize("value", ["2024-04-09", "20240409", 20240409, date(2024, 4, 9)])
def test_a_day_is_its_midnight(value):
    assert parse_date(value) == datetime(2024, 4, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        *(None, "", "soon", "2024", 2024, "2024-13-01", "20241301", 0, -5, True, [], {}),
        *(float("nan"), float("inf"), 10**40, "9" * 30, "0001-01-01T00:00:00+14:00", "09/04/2024"),
    ],
)
def test_what_is_no_date_or_an_uncertain_one_is_none(value):
    assert parse_date(value) is None


@given(moment=st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)))
def test_microseconds_survive_in_text_and_in_whole_numbers(moment):
    aware = moment.replace(tzinfo=UTC)
    micros = (aware - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_date(aware.isoformat()) == aware
    assert parse_date(micros) == aware
    assert parse_date(micros * 1000) == aware


@given(
    value=st.text()
    | st.integers()
    | st.floats()
    | st.binary()
    | st.text(alphabet="0123456789-:T.Z+ ")
)
def test_no_value_raises(value):
    found = parse_date(value)
    assert found is None or found.tzinfo is UTC
