"""Quarters and years as periods of trends."""

from datetime import UTC, datetime

import pytest

from narraframe.metrics.trends import every_period, period_of


@pytest.mark.parametrize(
    ("month", "quarter"), [(1, 1), (3, 1), (4, 2), (6, 2), (7, 3), (9, 3), (10, 4), (12, 4)]
)
def test_a_quarter_has_three_months(month, quarter):
    moment = datetime(2024, month, 15, tzinfo=UTC)
    assert period_of(moment, "quarter") == f"2024-Q{quarter}"
    assert period_of(moment, "year") == "2024"


def test_quarters_and_years_run_without_a_gap():
    assert every_period("2023-Q3", "2024-Q2", "quarter") == (
        "2023-Q3", "2023-Q4", "2024-Q1", "2024-Q2",
    )  # fmt: skip
    assert every_period("2023", "2025", "year") == ("2023", "2024", "2025")
