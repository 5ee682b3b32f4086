"""A stand-in for Instagram: a local server that an unmodified Instaloader talks TLS to."""

from fake_instagram.accounts import Account, Event, Post
from fake_instagram.fault_rules import Refusal
from fake_instagram.server import Request, StandIn
from fake_instagram.site import Site

__all__ = ["Account", "Event", "Post", "Refusal", "Request", "Site", "StandIn"]
