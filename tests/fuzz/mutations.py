"""Random damage: to bytes, and to values of JSON."""

import copy
import math
import re
from random import Random
from typing import Any, Final

NASTY_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, False, -1, 0, 3, 1.5, -0.0, 1e308, math.nan, math.inf, 2**31, 2**63, 2**64, 10**400),
    *("", " ", "\0", "\ud800", "\x1b[31m", "-1", "12", "1.000", "75.2k", "NaN", "null", "e\u0301", "../../x"),
    *("x" * 100_000, "9" * 5000, "=1+1", "%s", "${a}", "\N{RIGHT-TO-LEFT OVERRIDE}", "\N{SUPERSCRIPT TWO}"),
    *("2024-02-30", "2024-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"),
    *([], {}, [[]], [None], {"": None}, {"count": None}, {"count": "12"}, {"count": -1}, {"$date": "x"}),
    *({"$date": 10**18}, {"$date": {"$numberLong": "-99999999999999"}}, {"$numberLong": "9" * 5000}),
    *({"$numberDouble": "NaN"}, {"$numberInt": []}, {"$date": "0001-01-01T00:00:00+14:00"}),
)
NASTY_BYTES: Final = (
    *(
        b"\0",
        b"\xff",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\n",
        b"\r",
        b"\r\n",
        b'"',
        b'""',
        b"'",
        b",",
        b";",
        b"\t",
    ),
    *(
        b"\\",
        b"{",
        b"}",
        b"[",
        b"]",
        b"[" * 5000,
        b'{"a":' * 5000,
        b"\xed\xa0\x80",
        b"\\ud800",
        b"\xe2\x80\xa8",
    ),
    *(b"-", b"e", b"1e999", b"NaN", b"9" * 5000, b"null", b"\x1b[2J", b"a" * 200_000, b"PAR1", b"sep=;\n"),
)
_NUMBER: Final = re.compile(rb"\d+")


def damaged_bytes(random: Random, data: bytes, most: int = 4) -> bytes:
    """Returns bytes with some of them flipped, cut out, doubled, moved or replaced."""
    for _ in range(random.randint(1, most)):
        start = random.randrange(len(data) + 1)
        end = min(len(data), start + int(2 ** random.uniform(0, math.log2(len(data) + 1))))
        match random.randrange(8):
            case 0:
                data = data[:start]
            case 1:
                data = data[:start] + data[end:]
            case 2:
                data = data[:end] + data[start:]
            case 3:
                data = data[:start] + random.choice(NASTY_BYTES) + data[start:]
            case 4 if data:
                place = random.randrange(len(data))
                data = data[:place] + bytes([data[place] ^ (1 << random.randrange(8))]) + data[place + 1 :]
            case 5:
                data = data[:start] + random.randbytes(end - start) + data[end:]
            case 6 if numbers := list(_NUMBER.finditer(data[:1_000_000])):
                number = random.choice(numbers)
                other = random.choice((b"0", b"-1", b"1.5", b"99999999999999999999", b"1e9", b"", b"x"))
                data = data[: number.start()] + other + data[number.end() :]
            case _:
                data = data[:start] + bytes(end - start) + data[end:]
    return data


def damaged_value(random: Random, value: Any, most: int = 3) -> Any:
    """Returns a copy of a decoded JSON value with some of its parts replaced, removed or wrapped."""
    value = copy.deepcopy(value)
    for _ in range(random.randint(0, most)):
        places = list(_places(value))
        if not places:
            return random.choice(NASTY_VALUES)
        holder, key = random.choice(places)
        match random.randrange(6):
            case 0:
                del holder[key]
            case 1:
                holder[key] = [holder[key]]
            case 2:
                holder[key] = {"count": holder[key], "node": holder[key]}
            case 3 if isinstance(holder, dict):
                holder[random.choice(list(holder))] = holder[key]
            case _:
                holder[key] = copy.deepcopy(random.choice(NASTY_VALUES))
    return value


def _places(value: Any) -> Any:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        yield from _places(child)
