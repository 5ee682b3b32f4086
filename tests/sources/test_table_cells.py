"""Counts and dates are read right or not at all: what may be two things is decided by the whole column."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likerank.sources.source import LeftOutError
from likerank.sources.table_cells import CountColumn, DateColumn, read_count, read_moment


def column(*cells: str) -> CountColumn:
    seen = CountColumn()
    for cell in cells:
        seen.see(cell)
    return seen


def counts(*cells: str, others: tuple[str, ...] = ()) -> list[int | str]:
    separators = column(*cells).separator([column(*others)])
    read: list[int | str] = []
    for cell in cells:
        try:
            read.append(read_count(cell, "likes", separators))
        except LeftOutError as error:
            read.append(error.reason)
    return read


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.000", "12.000", "2.500.000"), [1000, 12_000, 2_500_000]),
        (("1,000", "12,000", "2,500,000"), [1000, 12_000, 2_500_000]),
        (("1.234", "1.000"), [1234, 1000]),
        (("12.0", "1.000", "nan"), [12, 1, "invalid likes"]),
        (("12,0", "1,000"), [12, 1]),
        (("1,000.00", "7"), [1000, 7]),
        (("1.000,00", "7.000"), [1000, 7000]),
        (("1,23,45,678", "1,000"), [12_345_678, 1000]),
        (("1 234", "1\N{NO-BREAK SPACE}234", "1\N{NARROW NO-BREAK SPACE}234"), [1234] * 3),
        (("1'234", "1\N{RIGHT SINGLE QUOTATION MARK}234'567"), [1234, 1_234_567]),
        (("1.2K", "75,2k", "5.6m", "3 M", "1K"), [1200, 75_200, 5_600_000, 3_000_000, 1000]),
        (("1e3", "1E+03", "+7"), [1000, 1000, 7]),
    ],
)
def test_counts_are_read_by_their_column(cells: tuple[str, ...], expected: list[int]) -> None:
    assert counts(*cells) == expected


@pytest.mark.parametrize(
    "cells", [("1.000", "12.000"), ("1,000",), ("1.000", "950"), ("1.234", "2.500.000", "3.5")]
)
def test_what_may_be_two_counts_is_refused(cells: tuple[str, ...]) -> None:
    assert counts(*cells)[0] == "ambiguous likes"


def test_another_column_of_the_file_decides() -> None:
    assert counts("45.000", others=("1.000.000",)) == [45_000]
    assert counts("45.000", others=("1.5",)) == [45]
    assert counts("45.000", "7.5", others=("1.000.000",)) == ["ambiguous likes", "invalid likes"]


@pytest.mark.parametrize(
    "cell",
    ["-3", "3.5", "inf", "-inf", "1e999999999", "true", "0x10", "1,2,3", "1.2345K", "12 34", "9" * 30, "²"],
)
def test_what_is_no_count_is_refused(cell: str) -> None:
    assert counts(cell) == ["invalid likes"]


@given(st.integers(0, 2**63 - 1), st.sampled_from([",", ".", " ", "'"]))
def test_grouped_counts_are_read_back(number: int, separator: str) -> None:
    proof = f"1{separator}000{separator}000"
    assert counts(f"{number:,}".replace(",", separator), proof)[0] == number


@given(st.text(max_size=12))
def test_any_cell_is_a_count_or_a_reason(cell: str) -> None:
    (read,) = counts(cell)
    assert isinstance(read, str) or 0 <= read < 2**63


def moment(cell: str, *others: str) -> datetime:
    dates = DateColumn()
    for each in (cell, *others):
        dates.see(each)
    return read_moment(cell, "posted_at", dates)


@pytest.mark.parametrize(
    "cell",
    [
        "2024-05-31T18:30:00Z",
        "2024-05-31 18:30:00",
        "2024-05-31 18:30:00 UTC",
        "2024-05-31 14:30:00 EDT",
        "2024-05-31 20:30:00 CEST",
        "2024-05-31 20:30:00 +0200",
        "2024-05-31T20:30:00+02:00",
        "1717180200",
        "1717180200.0",
        "1.7171802e9",
        "1717180200000",
        "1717180200000000",
        "1717180200000000000",
        "Fri, 31 May 2024 18:30:00 GMT",
        "Fri May 31 18:30:00 +0000 2024",
        "Fri May 31 2024 20:30:00 GMT+0200 (Central European Summer Time)",
        "31.05.2024 18:30",
        "31.5.2024, 18:30:00",
        "5/31/2024 6:30 PM",
        "31/05/2024 18:30",
    ],
)
def test_one_time_in_many_ways(cell: str) -> None:
    assert moment(cell) == datetime(2024, 5, 31, 18, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "cell",
    [
        "yesterday", "0", "2024", "45443.77", "202405311830", "2024-02-30", "2099-01-01", "05/06/2024",
        "1e999999999", "2024-05-31 18:30 XYZ", "10000-01-01", "0001-01-01T00:00:00+05:00", "31/13/2024",
        "9" * 100, "1717180200,0",
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(cell: str) -> None:
    with pytest.raises(LeftOutError, match="posted_at"):
        moment(cell)


def test_a_column_decides_what_is_the_month() -> None:
    assert moment("05/06/2024", "31/12/2024") == datetime(2024, 6, 5, tzinfo=UTC)
    assert moment("05/06/2024", "12/31/2024") == datetime(2024, 5, 6, tzinfo=UTC)
    with pytest.raises(LeftOutError, match="two months"):
        moment("05/06/2024", "12/31/2024", "31/12/2024")


@given(st.text(max_size=40))
def test_any_cell_is_a_date_or_a_reason(cell: str) -> None:
    with suppress(LeftOutError):
        assert moment(cell).tzinfo is UTC
