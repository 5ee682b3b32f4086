"""Near copies: the same picture again, re-encoded, resized, filtered or slightly cropped.

Two pictures are near copies if the 64 signs of their signatures' lowest cosine coefficients differ in at most
`MOST_BITS` and the correlation of the coefficients, each weighted by its frequency, is `LEAST_CORRELATION` or
more. The signs (a perceptual hash) find candidates among any number of pictures; the correlation decides,
since landscapes of one kind share their low frequencies and collide in a hash. The weights make up for
natural pictures having most of their contrast in their coarsest shapes. BENCHMARKS.md has the shares that are
found and missed.

ImageHash (4.3) has such hashes, but takes decoded pictures one by one, has no search and no second look at a
candidate, and brings PyWavelets.
"""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.fft import dctn

from likerank.images import SIGNATURE_SIDE

MOST_BITS: Final = 7
LEAST_CORRELATION: Final = 0.9
# A picture of one colour is a copy of none: its signature is the codec's noise.
_LEAST_CONTRAST: Final = 2.0

_FREQUENCY: Final = np.hypot(*np.indices((SIGNATURE_SIDE, SIGNATURE_SIDE))).ravel()
_LOWEST: Final = np.argsort(_FREQUENCY, kind="stable")[1:65]  # Without the mean.
_WORDS: Final = 4
_AT_ONCE: Final = 1 << 13
_CANDIDATES_AT_ONCE: Final = 1 << 18


def hashes_of(signatures: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Returns the perceptual hash, shape (N,), of each signature, shape (N, 256), uint8.

    Bit k is the sign of a cosine coefficient, so that each of the four 16-bit words holds some of every
    frequency and none is nearly the same for all pictures.
    """
    interleaved = np.arange(64).reshape(-1, _WORDS).T.ravel()
    signs = _coefficients(signatures)[:, _LOWEST[interleaved]] > 0
    return np.packbits(np.ascontiguousarray(signs), axis=1).view(np.uint64).ravel()


def pairs_within(hashes: NDArray[np.uint64]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yields all pairs of hashes that differ in at most `MOST_BITS` bits, in bounded memory.

    Of four words one has at most one of the seven bits (pigeonhole), so a pair is met where it shares a word
    but for one bit (Norouzi, Punjani and Fleet, Fast Search in Hamming Space with Multi-Index Hashing, 2012).

    Yields:
        Indices i < j, each pair once.
    """
    for word in range(_WORDS):
        words = hashes.view(np.uint16).reshape(-1, _WORDS)[:, word]
        order = np.argsort(words, kind="stable")
        there = words[order]
        for flipped in (0, *(1 << bit for bit in range(16))):
            rows = np.flatnonzero(there & flipped == 0)
            alike = there[rows] | np.uint16(flipped)
            first = np.searchsorted(there, alike, "left") if flipped else rows + 1
            for i, j in _joined(rows, first, np.searchsorted(there, alike, "right")):
                one, other = order[i], order[j]
                differing_bits = (hashes[one] ^ hashes[other]).view(np.uint16).reshape(-1, _WORDS)
                differing = np.bitwise_count(differing_bits)
                met_before = (differing[:, :word] <= 1).any(axis=1)
                near = (differing.sum(axis=1) <= MOST_BITS) & ~met_before
                if near.any():
                    one, other = one[near], other[near]
                    yield np.minimum(one, other), np.maximum(one, other)


def near_pairs(signatures: NDArray[np.uint8], rows: NDArray[np.int64] | None = None) -> NDArray[np.int32]:
    """Returns all pairs of near copies.

    Args:
        signatures: Shape (N, 256), uint8, in memory or mapped to it. Those with next to no contrast are near
            copies of none.
        rows: Shape (M,): which of them, in which order; all unless given.

    Returns:
        Shape (pairs, 2): places i < j among the rows, each pair once, those of one j together and in order.
    """
    rows = np.arange(len(signatures)) if rows is None else rows
    hashes, contrast = np.empty(len(rows), dtype=np.uint64), np.empty(len(rows))
    for part in _parts(len(rows)):
        hashes[part], contrast[part] = hashes_of(signatures[rows[part]]), signatures[rows[part]].std(axis=1)
    shown = np.flatnonzero(contrast >= _LEAST_CONTRAST)
    found = [np.empty(0, dtype="<i8")]
    for one, other in pairs_within(hashes[shown]):
        for part in _parts(len(one)):
            i, j = shown[one[part]], shown[other[part]]
            near = correlations(signatures[rows[i]], signatures[rows[j]]) >= LEAST_CORRELATION
            # A pair in 64 bits, since of a picture that was posted a thousand times there are many.
            found.append((j[near] << 32 | i[near]).astype("<i8"))
    pairs = np.concatenate(found)
    pairs.sort()
    return pairs.view("<i4").reshape(-1, 2)


def correlations(ones: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Returns how alike pairs of signatures are, row by row; shapes (N, 256), uint8, none without contrast.

    Returns:
        Shape (N,), -1 to 1: the cosine of the angle between the cosine coefficients, each times its
        frequency; brightness and contrast leave it as it is.
    """
    one, other = (_coefficients(signatures) * _FREQUENCY for signatures in (ones, others))
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    alike: NDArray[np.float64] = np.einsum("ij,ij->i", one, other) / length
    return alike


def grouped(number: int, pairs: NDArray[np.int32]) -> NDArray[np.int64]:
    """Puts pictures into groups of near copies, each picture only by those before it.

    A picture joins the group of the near copies before it, and begins a group where there are none. A near
    copy of pictures in several groups belongs to none, since it would either move one of them or be on two
    sides. So no later picture changes an earlier one's group, and no two near copies are in different groups.

    Args:
        number: How many pictures there are, in an order that later ones only lengthen.
        pairs: Shape (pairs, 2), from `near_pairs`.

    Returns:
        Shape (number,): the first picture of the group that each is in, or -1 where it is in none.
    """
    groups = np.arange(number)
    starts = np.flatnonzero(np.diff(pairs[:, 1], prepend=-1))
    for picture, (start, end) in zip(pairs[starts, 1], pairwise([*starts, len(pairs)]), strict=True):
        of_copies = groups[pairs[start:end, 0]]
        met = np.unique(of_copies[of_copies >= 0])
        if met.size:
            groups[picture] = met[0] if met.size == 1 else -1
    return groups


def copy_groups(
    digests: NDArray[np.object_], signatures: NDArray[np.uint8], rows: NDArray[np.int64]
) -> NDArray[np.object_]:
    """Returns the copy group of each post: near copies, and posts of one picture, share theirs.

    Args:
        digests: Shape (posts,): the picture of each post, in the order in which the posts were added.
        signatures: Shape (N, 256), uint8, in memory or mapped to it.
        rows: Shape (posts,): where among the signatures each post's is.

    Returns:
        Shape (posts,): the digest of the group's first picture; None for a near copy of pictures in several
        groups.
    """
    picture, names = pd.factorize(digests)
    rows = rows[np.unique(picture, return_index=True)[1]]
    # The search takes pictures of one signature for one.
    _, first, of_signature = np.unique(_digests(signatures, rows), return_index=True, return_inverse=True)
    came = np.argsort(first)
    group = grouped(len(first), near_pairs(signatures, rows[first[came]]))
    name: NDArray[np.object_] = names[first[came]][group]
    name[group < 0] = None
    named: NDArray[np.object_] = name[np.argsort(came)[of_signature]][picture]
    return named


def _parts(number: int) -> Iterator[slice]:
    return (slice(start, start + _AT_ONCE) for start in range(0, number, _AT_ONCE))


def _digests(signatures: NDArray[np.uint8], rows: NDArray[np.int64]) -> NDArray[np.void]:
    digests = (
        b"".join(blake2b(signature, digest_size=16).digest() for signature in signatures[rows[part]])
        for part in _parts(len(rows))
    )
    return np.frombuffer(b"".join(digests), "V16")


def _joined(
    rows: NDArray[np.int64], first: NDArray[np.int64], beyond: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yields each row with everything from its first to beyond its last, in parts of bounded size."""
    ends = np.cumsum(beyond - first)
    start = 0
    while start < len(rows):
        done = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, done + _CANDIDATES_AT_ONCE, "right")))
        counts = (beyond - first)[start:stop]
        within = np.arange(counts.sum()) - np.repeat(ends[start:stop] - counts - done, counts)
        yield np.repeat(rows[start:stop], counts), np.repeat(first[start:stop], counts) + within
        start = stop


def _coefficients(signatures: NDArray[np.uint8]) -> NDArray[np.float64]:
    square = signatures.reshape(-1, SIGNATURE_SIDE, SIGNATURE_SIDE).astype(np.float64)
    flat: NDArray[np.float64] = dctn(square, axes=(1, 2), norm="ortho").reshape(-1, SIGNATURE_SIDE**2)
    return flat
