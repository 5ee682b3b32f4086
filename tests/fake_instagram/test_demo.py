"""The demo of collect ends with posts in the store, and a second demo adds no copies."""

from fake_instagram.demo import SOURCE
from tests.workplaces import Workplace


def test_the_demo_collects_nights_and_reuses_its_archive(workplace: Workplace) -> None:
    first = workplace.call("demo_collect", "posts=30", "accounts=2", "nights=2")
    assert (first.returncode, "Night 2" in first.stdout) == (0, True), first.stderr
    posts = workplace.posts()
    assert posts
    assert all(key.startswith(f"{SOURCE}/") for key in posts)
    with workplace.store() as store:
        assert store.collection("observations").count_documents({"kind": "post"}) > len(posts)
    assert workplace.call("demo_collect", "posts=30", "accounts=2", "nights=2").returncode == 0
    assert workplace.posts() == posts
