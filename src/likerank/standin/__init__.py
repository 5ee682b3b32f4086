"""A stand-in for Instagram: a local server that an unmodified Instaloader talks TLS to."""

from likerank.standin.accounts import Account, Event, Post
from likerank.standin.refusals import Refusal
from likerank.standin.server import Request, StandIn
from likerank.standin.site import Site

__all__ = ["Account", "Event", "Post", "Refusal", "Request", "Site", "StandIn"]
