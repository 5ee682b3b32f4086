"""The limits of MongoDB, checked before a record is sent: one bad record must not cost its batch."""

from likerank.records import AUTHOR_FIELDS, POST_FIELDS, Author, Post

_LARGEST = (1 << 63) - 1


def why_unstorable(record: Post | Author) -> str:
    """Returns a sentence that says why the record cannot be stored; empty if it can."""
    kind, names = ("post", POST_FIELDS) if isinstance(record, Post) else ("author", AUTHOR_FIELDS)
    for value in (record.key, *(getattr(record, name) for name in names)):
        if isinstance(value, str) and "\0" in value:
            return f"The {kind} {record.key!r} has a NUL character in {value!r}; remove it."
        if isinstance(value, str) and not _is_unicode(value):
            return (
                f"The {kind} {record.key!a} has half a character (a lone surrogate) in it; mend its encoding."
            )
        if isinstance(value, int) and not -_LARGEST <= value <= _LARGEST:
            return f"The {kind} {record.key!r} has the count {value}, which is beyond 64 bits; correct it."
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
