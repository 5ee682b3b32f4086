"""The shapes of Instagram's answers, as Instaloader 4.16 reads them: JSON and the JSON in its pages."""

import json
from typing import Any, Final

from likerank.standin.site import Account, Post, Site

Json = dict[str, Any]

CDN: Final = "scontent.cdninstagram.com"
"""The host of pictures and videos."""

LSD: Final = "AdStandInLsd"
"""The token that the start page hands out and queries bring back."""

_SIDE: Final = 256
_PHOTO, _VIDEO, _CAROUSEL = 1, 2, 8
_LIFETIME: Final = 60 * 86_400  # Seconds after which the address of a picture says that it expires.

# What a real answer names and leaves null for a post that is nothing special.
_NULL_IN_POSTS = """
    ad_id boosted_status boost_unavailable_identifier boost_unavailable_reason feed_demotion_control
    feed_recs_demotion_control inventory_source is_dash_eligible number_of_qualities video_dash_manifest
    sponsor_tags affiliate_info link story_cta group follow_hashtag_info title comments_disabled
    commenting_disabled_for_viewer preview view_count can_reshare photo_of_you usertags media_overlay_info
    carousel_parent_id location has_audio clips_metadata clips_attribution_info accessibility_caption
    audience display_uri media_cropping_info thumbnails upcoming_event logging_info_token explore
    main_feed_carousel_starting_media_id is_seen previous_submitter all_previous_submitters headline
    comments fb_like_count saved_collection_ids has_viewer_saved media_level_comment_controls
"""
_NULL_IN_PARTS = """
    accessibility_caption inventory_source user usertags organic_tracking_token saved_collection_ids
    has_viewer_saved media_overlay_info display_uri previous_submitter link story_cta has_liked like_count
    logging_info_token owner is_dash_eligible video_dash_manifest number_of_qualities preview
"""
_NULL_IN_USERS = """
    latest_besties_reel_media latest_reel_media live_broadcast_visibility live_broadcast_id seen
"""


def start_page(viewer: str | None) -> str:
    """Returns the site's first page, with the tokens that queries must bring."""
    tokens: list[list[Any]] = [["LSD", [], {"token": LSD}, 323]]
    if viewer is not None:
        tokens.append(["DTSGInitialData", [], {"token": "NAcStandInDtsg"}, 258])
    # Without spaces, as the real page has it and Instaloader's patterns expect.
    defined = json.dumps({"define": [*tokens, ["Eimu", [], {"IG_USER_EIMU": "0"}, 1]]}, separators=(",", ":"))
    return _page("Instagram", f"<script>{defined}</script>")


def profile_page(site: Site, account: Account) -> str:
    """Returns an account's page as a logged-out visitor gets it, with two embedded queries."""
    details = {
        "pk": str(account.id),
        "id": str(account.page_id),
        **_named(site, account),
        "all_media_count": site.post_count(account),
        "follower_count": account.followers_on(site.day),
        "following_count": _following(account),
        "biography": _biography(account),
        "external_url": None,
        "is_business": False,
        "category": None,
        "__typename": "XIGUser",
    }
    posts = {
        "id": str(account.page_id),
        "is_private": account.private_on(site.day),
        "polaris_ordered_timeline_connection": _short_connection(site, account, None),
    }
    scripts = "".join(_embedded({"xig_user_by_username": user}) for user in (details, posts))
    return _page(f"@{account.name_on(site.day)}", scripts)


def further_posts(site: Site, account: Account, after: int | None) -> Json:
    """Returns the answer to a logged-out visitor's query for a further page of posts (28904005159232689)."""
    connection = _short_connection(site, account, after)
    node = {"id": str(account.page_id), "polaris_ordered_timeline_connection": connection}
    return {"data": {"node": node}}


def timeline(site: Site, account: Account, after: int | None) -> Json:
    """Returns the answer to a logged-in query for a page of posts (29104886249145907)."""
    posts, more = site.timeline(account, after)
    nodes = [media(site, account, post, logged_in=True) for post in posts]
    connection = _connection(nodes, account, posts, more)
    return {"data": {"xdt_api__v1__feed__user_timeline_graphql_connection": connection}}


def post_by_code(site: Site, account: Account | None, post: Post | None, logged_in: bool) -> Json:
    """Returns the answer to the query for one post (27128499623469141); no items where none can be seen."""
    items = []
    if account and post and not account.private_on(site.day):
        items.append(media(site, account, post, logged_in))
    return {"data": {"xdt_api__v1__media__shortcode__web_info": {"items": items}}}


def profile_by_id(site: Site, account: Account | None) -> Json:
    """Returns the answer to the query for an account by its id (27937681195819736)."""
    if account is None:
        return {"data": {"user": None, "viewer": None}}
    user = {
        "pk": str(account.id),
        "id": str(account.id),
        **_named(site, account),
        "friendship_status": _friendship(blocking=False, followed_by=False),
        "follower_count": account.followers_on(site.day),
        "following_count": _following(account),
        "media_count": site.post_count(account),
        "biography": _biography(account),
        "external_url": "",
        "is_business": False,
        "category": None,
        "__typename": "XDTUserDict",
    }
    return {"data": {"user": user, "viewer": None}}


def web_profile(site: Site, account: Account) -> Json:
    """Returns the answer of `web_profile_info`, in the shape that all answers once had."""
    user = {
        "id": str(account.id),
        **_named(site, account),
        "edge_followed_by": {"count": account.followers_on(site.day)},
        "edge_follow": {"count": _following(account)},
        "edge_owner_to_timeline_media": {
            "count": site.post_count(account),
            "page_info": {"has_next_page": False, "end_cursor": None},
            "edges": [],
        },
        "edge_felix_video_timeline": {
            "count": 0,
            "page_info": {"has_next_page": False, "end_cursor": None},
            "edges": [],
        },
        "biography": _biography(account),
        "external_url": None,
        "is_business_account": False,
        "business_category_name": None,
        "profile_pic_url_hd": _face_url(site, account),
        "followed_by_viewer": False,
        "follows_viewer": False,
        "blocked_by_viewer": False,
        "has_blocked_viewer": False,
        "has_requested_viewer": False,
        "requested_by_viewer": False,
    }
    return {"data": {"user": user}, "status": "ok"}


def phone_post(site: Site, account: Account, post: Post) -> Json:
    """Returns the answer of `media/ID/info` on the phones' host."""
    return {"items": [media(site, account, post, logged_in=True)], "status": "ok"}


def phone_profile(site: Site, account: Account) -> Json:
    """Returns the answer of `users/ID/info` on the phones' host."""
    return {"user": _user(site, account), "status": "ok"}


def media(site: Site, account: Account, post: Post, logged_in: bool) -> Json:
    """Returns a post as a timeline has it."""
    likes: int | None = site.likes(post)
    if post.hidden is not None:
        likes = post.hidden if logged_in else None
    owner = str(account.id)
    node: Json = dict.fromkeys(_NULL_IN_POSTS.split()) | {
        "code": post.code,
        "pk": str(post.id),
        "id": f"{post.id}_{owner}",
        "caption": _caption(post),
        "caption_is_edited": False,
        "taken_at": post.taken,
        "video_versions": _videos(post, 0) if post.is_video else None,
        "image_versions2": _images(site, post, 0),
        "sharing_friction_info": {"bloks_app_url": None, "should_have_sharing_friction": False},
        "is_paid_partnership": False,
        "original_height": _SIDE,
        "original_width": _SIDE,
        "organic_tracking_token": "",
        "user": _user(site, account),
        "owner": _owner(site, account),
        "coauthor_producers": [],
        "invited_coauthor_producers": [],
        "comment_count": site.comments(post),
        "like_and_view_counts_disabled": post.hidden is not None,
        "has_liked": False if logged_in else None,
        "top_likers": [],
        "facepile_top_likers": [],
        "like_count": likes,
        "can_see_insights_as_brand": False,
        "social_context": [],
        "can_viewer_reshare": True,
        "ig_media_sharing_disabled": False,
        "product_type": "clips" if post.is_video else "carousel_container" if post.children else "feed",
        "media_type": _media_type(post),
        "carousel_media_count": len(post.children) or None,
        "carousel_media": None,
        "profile_grid_thumbnail_fitting_style": "UNSET",
        "timeline_pinned_user_ids": [account.id] if post in account.pinned else [],
        "open_carousel_submission_state": "closed",
        "__typename": "XDTMediaDict",
    }
    if post.children:
        node["carousel_media"] = [_part(site, post, part, node["id"]) for part in range(len(post.children))]
    return node


def _part(site: Site, post: Post, part: int, parent: str) -> Json:
    is_video = post.children[part]
    # Parts are uploaded before the whole, a millisecond each.
    number = post.id - ((len(post.children) - part) << 23)
    return dict.fromkeys(_NULL_IN_PARTS.split()) | {
        "id": f"{number}_{parent.partition('_')[2]}",
        "pk": str(number),
        "media_type": _VIDEO if is_video else _PHOTO,
        "original_height": _SIDE,
        "original_width": _SIDE,
        "image_versions2": _images(site, post, part),
        "carousel_parent_id": parent,
        "sharing_friction_info": {"bloks_app_url": None, "should_have_sharing_friction": False},
        "video_versions": _videos(post, part) if is_video else None,
        "taken_at": post.taken - 1,
    }


def _short_connection(site: Site, account: Account, after: int | None) -> Json:
    posts, more = site.timeline(account, after)
    user = {"pk": str(account.id), "username": account.name_on(site.day)}
    nodes = [
        {
            "pk": str(post.id),
            "code": post.code,
            "media_type": _media_type(post),
            "caption": _caption(post),
            "user": user,
            "display_uri": picture_url(site, post, 0),
            "carousel_media_count": len(post.children) or None,
            "__typename": "XIGPolarisMedia",
        }
        for post in posts
    ]
    return _connection(nodes, account, posts, more)


def _connection(nodes: list[Json], account: Account, posts: list[Post], more: bool) -> Json:
    cursor = f"{posts[-1].id}_{account.id}" if more else None
    return {
        "edges": [{"node": node, "cursor": ""} for node in nodes],
        "page_info": {
            "end_cursor": cursor,
            "has_next_page": more,
            "has_previous_page": False,
            "start_cursor": None,
        },
    }


def _page(title: str, body: str) -> str:
    return f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{body}</body></html>"


def _embedded(data: Json) -> str:
    result = {"__bbox": {"complete": True, "result": {"data": data, "extensions": {"is_final": True}}}}
    cache = ["RelayPrefetchedStreamCache", "next", [], ["adp_StandIn", result]]
    call = {"require": [["ScheduledServerJS", "handle", None, [{"__bbox": {"require": [cache]}}]]]}
    # Or a caption could end the script.
    safe = json.dumps(call).replace("</", r"<\/")
    return f'<script type="application/json" data-sjs>{safe}</script>'


def _person(site: Site, account: Account) -> Json:
    return {
        "username": account.name_on(site.day),
        "is_private": account.private_on(site.day),
        "is_verified": False,
        "profile_pic_url": _face_url(site, account),
    }


def _named(site: Site, account: Account) -> Json:
    return _person(site, account) | {
        "full_name": account.first_name.replace("_", " ").title(),
        "hd_profile_pic_url_info": {"url": _face_url(site, account)},
    }


def _in_post(site: Site, account: Account) -> Json:
    return _person(site, account) | {
        "pk": str(account.id),
        "id": str(account.id),
        "is_embeds_disabled": False,
        "is_unpublished": False,
        "friendship_status": _friendship(),
        "supervision_info": None,
        "__typename": "XDTUserDict",
    }


def _user(site: Site, account: Account) -> Json:
    empty = dict.fromkeys(_NULL_IN_USERS.split())
    return empty | _named(site, account) | _in_post(site, account)


def _owner(site: Site, account: Account) -> Json:
    return _in_post(site, account) | {
        "show_account_transparency_details": True,
        "transparency_product": None,
        "transparency_product_enabled": False,
        "transparency_label": None,
    }


def _friendship(**more: bool) -> Json:
    return {"following": False, "is_bestie": False, "is_feed_favorite": False, "is_restricted": False} | more


def _caption(post: Post) -> Json | None:
    if post.caption is None:
        return None
    return {
        "has_translation": None,
        "created_at": post.taken + 1,
        "pk": str(post.id + 1),
        "text": post.caption,
    }


def _media_type(post: Post) -> int:
    return _VIDEO if post.is_video else _CAROUSEL if post.children else _PHOTO


def _images(site: Site, post: Post, part: int) -> Json:
    return {"candidates": [{"url": picture_url(site, post, part), "height": _SIDE, "width": _SIDE}]}


def picture_url(site: Site, post: Post, part: int) -> str:
    """Returns today's address of a post's picture; as on the site, another day's differs."""
    return f"https://{CDN}/v/t51.2885-15/{post.id}_{part}_n.jpg?stp=dst-jpg_e35_tt6&_nc_ht={CDN}&oe={_expiry(site)}"


def _face_url(site: Site, account: Account) -> str:
    return f"https://{CDN}/v/t51.2885-19/{account.id}_n.jpg?stp=dst-jpg_s320x320_tt6&oe={_expiry(site)}"


def _expiry(site: Site) -> str:
    return f"{site.now() + _LIFETIME:X}"


def _videos(post: Post, part: int) -> list[Json]:
    url = f"https://{CDN}/o1/v/t2/f2/m86/{post.id}_{part}.mp4?_nc_ht={CDN}"
    return [{"width": _SIDE, "height": _SIDE, "url": url, "type": 101}]


def _following(account: Account) -> int:
    return 50 + account.id % 900


def _biography(account: Account) -> str:
    return f"Drawn landscapes, number {account.number + 1}. Made by likerank, nobody's photos."
