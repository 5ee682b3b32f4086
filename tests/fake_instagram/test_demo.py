"""The collector's demo ends with posts in the store, and is done again without a second copy of anything."""

import pytest

from fake_instagram.demo import SOURCE
from tests.workplaces import Workplace


@pytest.mark.slow
def test_it_collects_night_after_night_and_again_from_what_is_there(workplace: Workplace) -> None:
    first = workplace.run("demo_collect", "posts=30", "accounts=2", "nights=2")
    assert (first.returncode, "Night 2" in first.stdout) == (0, True), first.stderr
    posts = workplace.posts()
    assert posts
    assert all(key.startswith(f"{SOURCE}/") for key in posts)
    with workplace.store() as store:
        assert store.collection("observations").count_documents({"kind": "post"}) > len(posts)
    assert workplace.run("demo_collect", "posts=30", "accounts=2", "nights=2").returncode == 0
    assert workplace.posts() == posts
