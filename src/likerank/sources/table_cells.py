"""Cells of a table as numbers and dates, read by the evidence of their whole column."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import Final

from likerank.records import LARGEST_COUNT, shortened, utc_milliseconds
from likerank.sources.source import LeftOutError

UNKNOWN: Final = frozenset(
    {"", "nan", "n/a", "na", "#n/a", "null", "none", "nil", "-", "--", "hidden", "unknown"}
)
"""Texts, in lower case, that tools write where a value is not known."""

_SPACES: Final = re.compile(r"(?<=\d)[\s'\u2019\u02bc](?=\d{3}(?!\d))")  # \s has all of Unicode's spaces.
_SEPARATED: Final = re.compile(r"(\d{1,3})([.,])\d{3}")
_GROUPED: Final = re.compile(
    r"\d{1,3}(\.\d{3}){2,}|\d{1,3}(,\d{2,3})+,\d{3}"
)  # The second also of India: 1,23,456.
_MIXED: Final = re.compile(r"\d{1,3}(?:(\.)\d{3})+,\d+|\d{1,3}(?:(,)\d{3})+\.\d+")
_FRACTION: Final = re.compile(r"\d+([.,])\d+")
_SHORTENED: Final = re.compile(r"(\d+)(?:[.,](\d{1,2}))?\s?([kKmMbB])")
_POWERS: Final = {"k": 3, "m": 6, "b": 9}

_DAY_OF_YEAR: Final = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})(?:,?[ T]+(\d.*))?")
_WITH_ZONE: Final = re.compile(r"(.*\d)\s?([A-Z]{1,5})")
_ZONES: Final = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 60, "CET": 60, "CEST": 120, "EET": 120,
    "EEST": 180, "MSK": 180, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
    "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420,
    "AKST": -540, "AKDT": -480, "HST": -600,
}  # fmt: skip
"""Minutes east of UTC: the zones of RFC 2822, and others that one zone only is called by."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = 631_152_000, 4_102_444_800  # The years 1990 to 2099.


@dataclass(slots=True)
class CountColumn:
    """A column of counts: whether a dot or a comma before three digits is a thousand's or a decimal one.

    Attributes:
        thousands: The separators that some cell proves to be a thousand's.
        decimals: The separators that some cell proves to be a decimal one.
        whole: The separators that a cell has before three digits that are not 000, as no count has decimals.
    """

    thousands: set[str] = field(default_factory=set)
    decimals: set[str] = field(default_factory=set)
    whole: set[str] = field(default_factory=set)

    def see(self, text: str) -> None:
        """Takes a cell as evidence."""
        if text.isdecimal():
            return
        if found := _MIXED.fullmatch(text):
            self.thousands.add("." if found[1] else ",")
            self.decimals.add("," if found[1] else ".")
        elif _GROUPED.fullmatch(text):
            self.thousands.add("." if "." in text else ",")
        elif found := _SEPARATED.fullmatch(text):
            if found[1][0] == "0":
                self.decimals.add(found[2])
            elif not text.endswith("000"):
                self.whole.add(found[2])
        elif found := _FRACTION.fullmatch(text):
            self.decimals.add(found[1])

    def separator(self, others: Iterable["CountColumn"]) -> tuple[str, str]:
        """Returns the thousand's separators and the decimal ones, "" where none; one in neither is ambiguous.

        Args:
            others: The other columns, which decide where this one does not: a file has one way of writing.
        """
        thousands, decimals = self._proven()
        for other in others:
            more_thousands, more_decimals = other._proven()
            thousands |= more_thousands
            decimals |= more_decimals - self.thousands - self.whole
        return "".join(sorted(thousands - decimals)), "".join(sorted(decimals - thousands))

    def _proven(self) -> tuple[set[str], set[str]]:
        return self.thousands | (self.whole - self.decimals), set(self.decimals)


def read_count(text: str, column: str, separators: tuple[str, str]) -> int:
    """Returns a count.

    Raises:
        LeftOutError: If the text is no whole number of 0 or more, or may be two.
    """
    thousands, decimals = separators
    plain = _SPACES.sub("", text)
    if found := _SHORTENED.fullmatch(plain):
        digits = found[2] or ""
        number = Decimal(f"{found[1]}.{digits or 0}").scaleb(_POWERS[found[3].lower()])
    else:
        if (
            (found := _SEPARATED.fullmatch(plain))
            and found[1][0] != "0"
            and found[2] not in thousands + decimals
        ):
            one, thousand = plain.replace(found[2], "."), plain.replace(found[2], "")
            raise LeftOutError(
                f"ambiguous {column}",
                f"{column} is {text!r}, which may be {Decimal(one).normalize():f} or {thousand}, and no "
                f"other cell of the column {column!r} decides; write its counts without separators",
            )
        for mark in ".,":
            if mark in thousands:
                plain = plain.replace(mark, "") if _are_groups(plain, mark) else plain
            elif mark in decimals:
                plain = plain.replace(mark, ".")
        try:
            number = Decimal(plain)
        except InvalidOperation:
            number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number <= LARGEST_COUNT or number != number.to_integral_value():
        message = f"{column} is {shortened(text)}, not a whole number of 0 or more"
        raise LeftOutError(f"invalid {column}", message)
    return int(number)


def _are_groups(text: str, mark: str) -> bool:
    """Returns whether three digits are behind each separator, or two within a number as India writes it."""
    whole = text.split("." if mark == "," else ",", maxsplit=1)[0]
    return re.fullmatch(rf"\d{{1,3}}(?:[{mark}]\d{{2,3}})*[{mark}]\d{{3}}", whole) is not None


@dataclass(slots=True)
class DateColumn:
    """A column of dates: whether 05/06/2024 begins with the day or the month.

    Attributes:
        day_first: Whether some cell begins with a number above 12.
        month_first: Whether some cell has a number above 12 in the second place.
    """

    day_first: bool = False
    month_first: bool = False

    def see(self, text: str) -> None:
        """Takes a cell as evidence."""
        if found := _DAY_OF_YEAR.fullmatch(text):
            self.day_first |= int(found[1]) > 12
            self.month_first |= int(found[3]) > 12


def read_moment(text: str, column: str, dates: DateColumn) -> datetime:
    """Returns a time in UTC.

    Understood are ISO 8601, the same with a zone's name, seconds, milliseconds, microseconds or nanoseconds
    since 1970, the dates of mails and of JavaScript, and 31.05.2024 or 5/31/2024 with a time.

    Raises:
        LeftOutError: If the text is no such date, may be two, or is in the future.
    """
    try:
        moment = utc_milliseconds(_moment(text, dates))
    except (ValueError, ArithmeticError, TypeError, IndexError) as error:
        why = (
            "may be of two months: write 2024-05-31"
            if str(error) == _TWO_MONTHS
            else ("is not a date such as 2024-05-31, 2024-05-31T18:30:00Z or 2024-05-31 18:30 +02:00")
        )
        raise LeftOutError(f"invalid {column}", f"{column} {shortened(text)} {why}") from error
    if moment > datetime.now(UTC) + timedelta(days=1):
        raise LeftOutError(f"invalid {column}", f"{column} {shortened(text)} is in the future")
    return moment


_TWO_MONTHS: Final = "day or month"


def _moment(text: str, dates: DateColumn) -> datetime:
    if len(text) > 64:
        raise ValueError(text)
    if re.fullmatch(r"\d+(\.\d*)?(e\+?\d+)?", text, re.IGNORECASE):
        return _of_number(text)
    if found := _DAY_OF_YEAR.fullmatch(text):
        return _of_day_first(found, dates)
    if text[:4].isdigit():
        if (found := _WITH_ZONE.fullmatch(text)) and found[2] != "Z":
            return _in_zone(datetime.fromisoformat(found[1]), found[2])
        # 2024-05-31 18:30:00 +0200 and ... UTC, as databases write them.
        return datetime.fromisoformat(re.sub(r"\s+([+-]\d\d)", r"\1", text))
    # JavaScript's: Fri May 31 2024 18:30:00 GMT+0200 (Central European Summer Time).
    mail = re.sub(r"(GMT|UTC)([+-]\d{4})(\s+\(.*\))?$", r"\2", text)
    mail = re.sub(r"^(\w{3} \w{3} \d\d) (\d\d:\d\d:\d\d) ([+-]\d{4}) (\d{4})$", r"\1 \4 \2 \3", mail)
    mail = re.sub(r"^\w{3} (\w{3}) (\d\d) (\d{4}) ", r"\2 \1 \3 ", mail)
    return parsedate_to_datetime(mail)


def _of_number(text: str) -> datetime:
    if len(text) == 8 and text.isdecimal():
        return datetime.fromisoformat(text)  # 20240531
    number = Decimal(text)
    for power in (0, 3, 6, 9):
        if _FIRST_SECOND <= (seconds := number.scaleb(-power)) < _LAST_SECOND:
            return _EPOCH + timedelta(microseconds=int(seconds.scaleb(6)))
    raise ValueError(text)


def _of_day_first(found: re.Match[str], dates: DateColumn) -> datetime:
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if found[2] != ".":  # With dots the day is first everywhere.
        if dates.day_first == dates.month_first and first != second:
            raise ValueError(_TWO_MONTHS)
        if dates.month_first:
            first, second = second, first
    day = datetime(year, second, first)
    if (time := (found[5] or "").strip()) == "":
        return day
    if half := re.fullmatch(r"(\d{1,2})(:.*?)\s?([AaPp])\.?[Mm]\.?", time):
        hour = int(half[1]) % 12 + 12 * (half[3] in "Pp")
        time = f"{hour}{half[2]}"
    if time[1:2] == ":":
        time = f"0{time}"
    if (zoned := _WITH_ZONE.fullmatch(time)) and zoned[2] != "Z":
        return _in_zone(datetime.fromisoformat(f"{day:%Y-%m-%d}T{zoned[1]}"), zoned[2])
    return datetime.fromisoformat(f"{day:%Y-%m-%d}T{time.replace(' ', '')}")


def _in_zone(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is not None or name not in _ZONES:
        raise ValueError(name)
    return moment.replace(tzinfo=timezone(timedelta(minutes=_ZONES[name])))
