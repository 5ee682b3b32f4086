"""The site is the demo corpus, spread over days, equal for equal arguments."""

from datetime import UTC, datetime, timedelta

import instaloader
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_instagram import Account, Event, Post, Site
from likerank.errors import LikerankError
from likerank.records import Post as Record
from likerank.sources.synthetic.demo import Demo

START = datetime(2026, 1, 1, tzinfo=UTC)
SITE = Site(posts=900, authors=6, seed=3, start=START)


def facts(site: Site) -> list[object]:
    accounts = [
        (a.id, a.page_id, a.first_name, a.followers_on(site.day), len(a.pinned)) for a in site.accounts
    ]
    posts = [
        (p.id, p.taken, p.children, p.is_video, p.hidden, p.caption, site.likes(p), site.comments(p))
        for a in site.accounts
        for p in (*a.pinned, *a.posts)
    ]
    return [accounts, posts]


def listed(site: Site, account: Account) -> list[Post]:
    posts, more = site.timeline(account, None)
    while more:
        page, more = site.timeline(account, posts[-1].id)
        posts += page
    return posts


def test_equal_arguments_and_day_give_an_equal_site() -> None:
    first, again = Site(posts=200, seed=5, day=3), Site(posts=200, seed=5, day=3)
    assert facts(first) == facts(again)
    assert facts(first) != facts(Site(posts=200, seed=6, day=3))
    pictures = [
        site.picture(site.accounts[0].posts[0], part).read() for site in (first, again) for part in (0, 1)
    ]
    assert pictures[:2] == pictures[2:]
    assert pictures[0] != pictures[1]


def test_the_site_has_the_planted_corpus() -> None:
    wanted = [record for record in Demo(posts=900, authors=6, seed=3).records() if isinstance(record, Record)]
    posts = [post for account in SITE.accounts for post in account.posts]
    assert sorted((p.likes or 0, p.comments or 0) for p in wanted) == sorted(
        (p.final_likes, p.final_comments) for p in posts
    )


def test_every_kind_of_post_and_account_exists() -> None:
    posts = [post for account in SITE.accounts for post in account.posts]
    assert {p.hidden for p in posts} == {None, -1, 3}
    assert any(p.is_video for p in posts)
    assert any(p.caption is None for p in posts)
    carousels = [p.children for p in posts if p.children]
    assert {len(children) for children in carousels} == {2, 3, 4, 5}
    assert any(any(children) for children in carousels)
    assert not any(children[0] for children in carousels)
    assert {len(account.pinned) for account in SITE.accounts} == {0, 1, 2, 3}


def test_an_id_encodes_the_time_and_the_shortcode() -> None:
    posts = [post for account in SITE.accounts for post in account.posts]
    assert len({post.id for post in posts}) == len({post.taken for post in posts}) == 900
    for post in posts:
        assert ((post.id >> 23) + 1_314_220_021_721) // 1000 == post.taken
        assert instaloader.Post.mediaid_to_shortcode(post.id) == post.code


def test_posts_exist_before_and_after_the_start() -> None:
    for account in SITE.accounts:
        taken = [datetime.fromtimestamp(post.taken, UTC) for post in account.posts]
        assert taken == sorted(taken)
        assert START - timedelta(days=400) <= taken[0]
        assert START < taken[-1] < START + timedelta(days=40)
        before = sum(moment < START for moment in taken)
        assert 0.8 < before / len(taken) < 1


@given(st.integers(0, 45), st.integers(0, 5))
def test_a_listing_has_each_post_once_and_pinned_first(day: int, number: int) -> None:
    SITE.day = day
    account = SITE.accounts[number]
    posts = listed(SITE, account)
    there = [p for p in account.posts if p.taken < (START + timedelta(days=day)).timestamp()]
    rest = [p for p in reversed(there) if p not in account.pinned]
    assert posts == [*account.pinned, *rest]
    assert len(posts) == SITE.post_count(account)


def test_a_listing_continued_after_new_posts_repeats_none() -> None:
    SITE.day = 0
    account = max(SITE.accounts, key=lambda account: len(account.posts))
    first, _ = SITE.timeline(account, None)
    rest = [post for post in listed(SITE, account) if post not in first]
    SITE.day = 20
    assert len(listed(SITE, account)) > len(first) + len(rest)
    assert SITE.timeline(account, first[-1].id)[0] == rest[:12]


def test_counts_grow_to_the_corpus_and_followers_drift() -> None:
    post = max(
        (p for a in SITE.accounts for p in a.posts if p.taken > SITE.start), key=lambda p: p.final_likes
    )
    likes, comments = [], []
    for SITE.day in range(45):
        likes.append(SITE.likes(post))
        comments.append(SITE.comments(post))
    assert likes == sorted(likes)
    assert comments == sorted(comments)
    assert likes[0] == 0
    young = [count for count in likes if 0 < count < 0.9 * post.final_likes]
    assert len(set(young)) >= 3
    SITE.day = 400
    assert SITE.likes(post) == post.final_likes
    followers = [SITE.accounts[0].followers_on(day) for day in range(10)]
    assert len(set(followers)) > 5
    assert max(followers) < 1.05 * min(followers)


def test_events_happen_on_their_day() -> None:
    names = [account.first_name for account in SITE.accounts]
    site = Site(
        posts=100,
        authors=6,
        events=[
            Event("renamed", names[0], 2, "another"),
            Event("renamed", names[0], 4, "a_third"),
            Event("private", names[1], 3),
            Event("deleted", names[2], 3),
            Event("appears", names[3], 3),
        ],
    )
    renamed, private, deleted, appears, *_ = site.accounts
    for site.day in range(6):
        late = site.day >= 3
        name = "a_third" if site.day >= 4 else "another" if site.day >= 2 else names[0]
        assert site.account_named(name) is site.account_of_id(renamed.id) is renamed
        assert (site.account_named(names[0]) is None) == (site.day >= 2)
        assert (site.timeline(private, None)[0] == []) == late
        assert (site.account_named(names[2]) is None) == late
        assert (site.post_of_code(deleted.posts[0].code) == (None, None)) == late
        assert (site.account_named(names[3]) is appears) == late


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (Event("renamed", "nobody", 1, "new"), "unknown account nobody"),
        (Event("renamed", "misty_fjord", 1), "needs a name that no other"),
        (Event("vanishes", "misty_fjord", 1), "cannot have the kind 'vanishes'"),  # type: ignore[arg-type]
    ],
)
def test_an_invalid_event_is_an_error(event: Event, said: str) -> None:
    with pytest.raises(LikerankError, match=said):
        Site(posts=30, authors=2, events=[event])


def test_the_start_is_a_date() -> None:
    assert Site(posts=5, start="2026-01-01").start == Site(posts=5, start=START).start
    with pytest.raises(LikerankError, match=r"site\.start is 'yesterday'"):
        Site(posts=5, start="yesterday")
