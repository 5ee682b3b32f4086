"""No observation is lost to a killed writer or a damaged line."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from likerank.records import NO_PICTURE, Author, Observation, Post, Skipped
from likerank.sources.observations import ObservationLog, read_observations

AT = datetime(2026, 3, 1, 2, 3, 4, 567000, UTC)


def post(number: int, likes: int | None = 5) -> Post:
    return Post(
        source="instagram",
        source_id=str(number),
        author_id="7",
        username="ann",
        picture=NO_PICTURE,
        likes=likes,
        comments=None,
        posted_at=AT,
        observed_at=AT,
    )


ANN = Author(source="instagram", author_id="7", username="ann", followers=9, post_count=2, observed_at=AT)


def test_observations_are_read_in_their_order(tmp_path: Path) -> None:
    written: list[Post | Author] = [ANN, post(1), post(2, likes=None), post(1)]
    for record in written:  # Each by a writer of its own.
        log = ObservationLog(tmp_path / "archive" / "observations.jsonl")
        log.append(record)
        log.close()
    read = list(read_observations(tmp_path / "archive" / "observations.jsonl", "instagram"))
    assert read == [Observation(record) for record in written]


@pytest.mark.parametrize("left", [1, 40, 100])
def test_only_a_line_cut_short_is_lost(tmp_path: Path, left: int) -> None:
    file = tmp_path / "observations.jsonl"
    ObservationLog(file).append(post(1))
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:left])
    ObservationLog(file).append(post(2))
    read = list(read_observations(file, "instagram"))
    assert read == [Observation(post(1)), Skipped("observation cut short"), Observation(post(2))]


@pytest.mark.parametrize("line", ['{"kind": "post"}', '["post"]', '{"kind":"author","observed_at":"then"}'])
def test_an_invalid_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "observations.jsonl"
    file.write_text(f"{line}\n")
    [skipped] = read_observations(file, "instagram")
    assert isinstance(skipped, Skipped)
    assert f"{file}, line 1" in skipped.message


def test_a_missing_file_has_no_observations(tmp_path: Path) -> None:
    assert list(read_observations(tmp_path / "observations.jsonl", "instagram")) == []
