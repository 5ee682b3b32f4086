"""What MongoDB cannot hold, told before it is sent: one bad record must not cost its batch."""

from likerank.records import Author, Post

_LARGEST = (1 << 63) - 1


def why_unstorable(record: Post | Author) -> str:
    """Returns a sentence that says why the record cannot be stored; empty if it can."""
    kind = "post" if isinstance(record, Post) else "author"
    texts = [record.key, record.author_id, record.username]
    counts = (
        (record.likes, record.comments) if isinstance(record, Post) else (record.followers, record.post_count)
    )
    for text in texts:
        if "\0" in text:
            return f"The {kind} {record.key!r} has a NUL character in {text!r}; remove it."
        if not _is_unicode(text):
            return (
                f"The {kind} {record.key!a} has half a character (a lone surrogate) in it; mend its encoding."
            )
    for count in counts:
        if count is not None and not -_LARGEST <= count <= _LARGEST:
            return f"The {kind} {record.key!r} has the count {count}, which is beyond 64 bits; correct it."
    return ""


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
