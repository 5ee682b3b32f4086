"""Nodes in Instagram's answers: a post, a part of a carousel, an account."""

from typing import Any, Final

from fake_instagram.accounts import Account, Post
from fake_instagram.site import Site

Json = dict[str, Any]

CDN: Final = "scontent.cdninstagram.com"
"""The host of pictures and videos."""

_SIDE: Final = 256
_PHOTO, _VIDEO, _CAROUSEL = 1, 2, 8
_LIFETIME: Final = 60 * 86_400  # Seconds until the expiry that a picture's address states.

# Keys that a real answer has with the value null for an ordinary post.
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


def media(site: Site, account: Account, post: Post, logged_in: bool) -> Json:
    """Returns a post's node in a timeline."""
    likes: int | None = site.likes(post)
    if post.hidden is not None:
        likes = post.hidden if logged_in else None
    owner = str(account.id)
    node: Json = dict.fromkeys(_NULL_IN_POSTS.split()) | {
        "code": post.code,
        "pk": str(post.id),
        "id": f"{post.id}_{owner}",
        "caption": caption(post),
        "caption_is_edited": False,
        "taken_at": post.taken,
        "video_versions": _videos(post, 0) if post.is_video else None,
        "image_versions2": _images(site, post, 0),
        "sharing_friction_info": {"bloks_app_url": None, "should_have_sharing_friction": False},
        "is_paid_partnership": False,
        "original_height": _SIDE,
        "original_width": _SIDE,
        "organic_tracking_token": "",
        "user": user(site, account),
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
        "media_type": media_type(post),
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
    # Parts are uploaded before the post, a millisecond each.
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


def _person(site: Site, account: Account) -> Json:
    return {
        "username": account.name_on(site.day),
        "is_private": account.private_on(site.day),
        "is_verified": False,
        "profile_pic_url": face_url(site, account),
    }


def person(site: Site, account: Account) -> Json:
    """Returns the names and pictures of an account in its page and in queries for it."""
    return _person(site, account) | {
        "full_name": account.first_name.replace("_", " ").title(),
        "hd_profile_pic_url_info": {"url": face_url(site, account)},
    }


def _in_post(site: Site, account: Account) -> Json:
    return _person(site, account) | {
        "pk": str(account.id),
        "id": str(account.id),
        "is_embeds_disabled": False,
        "is_unpublished": False,
        "friendship_status": friendship(),
        "supervision_info": None,
        "__typename": "XDTUserDict",
    }


def user(site: Site, account: Account) -> Json:
    """Returns an account's node in a post."""
    empty = dict.fromkeys(_NULL_IN_USERS.split())
    return empty | person(site, account) | _in_post(site, account)


def _owner(site: Site, account: Account) -> Json:
    return _in_post(site, account) | {
        "show_account_transparency_details": True,
        "transparency_product": None,
        "transparency_product_enabled": False,
        "transparency_label": None,
    }


def friendship(**more: bool) -> Json:
    """Returns the visitor's relation to an account: none."""
    return {"following": False, "is_bestie": False, "is_feed_favorite": False, "is_restricted": False} | more


def caption(post: Post) -> Json | None:
    """Returns a post's caption; None where it has none."""
    if post.caption is None:
        return None
    return {
        "has_translation": None,
        "created_at": post.taken + 1,
        "pk": str(post.id + 1),
        "text": post.caption,
    }


def media_type(post: Post) -> int:
    """Returns the code for a photo, a video or a carousel."""
    return _VIDEO if post.is_video else _CAROUSEL if post.children else _PHOTO


def _images(site: Site, post: Post, part: int) -> Json:
    return {"candidates": [{"url": picture_url(site, post, part), "height": _SIDE, "width": _SIDE}]}


def picture_url(site: Site, post: Post, part: int) -> str:
    """Returns today's address of a post's picture, which differs from day to day as on Instagram."""
    return f"https://{CDN}/v/t51.2885-15/{post.id}_{part}_n.jpg?stp=dst-jpg_e35_tt6&_nc_ht={CDN}&oe={_expiry(site)}"


def face_url(site: Site, account: Account) -> str:
    """Returns today's address of an account's profile picture."""
    return f"https://{CDN}/v/t51.2885-19/{account.id}_n.jpg?stp=dst-jpg_s320x320_tt6&oe={_expiry(site)}"


def _expiry(site: Site) -> str:
    return f"{site.now() + _LIFETIME:X}"


def _videos(post: Post, part: int) -> list[Json]:
    url = f"https://{CDN}/o1/v/t2/f2/m86/{post.id}_{part}.mp4?_nc_ht={CDN}"
    return [{"width": _SIDE, "height": _SIDE, "url": url, "type": 101}]


def following(account: Account) -> int:
    """Returns how many accounts an account follows."""
    return 50 + account.id % 900


def biography(account: Account) -> str:
    """Returns an account's description of itself."""
    return f"Drawn landscapes, number {account.number + 1}. Synthetic, by likerank."
