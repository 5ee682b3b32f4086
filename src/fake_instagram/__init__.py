"""Fake Instagram: a local server that an unmodified Instaloader talks TLS to."""

from fake_instagram.accounts import Account, Event, Post
from fake_instagram.fault_rules import FaultRule
from fake_instagram.server import FakeInstagram, Request
from fake_instagram.site import Site

__all__ = ["Account", "Event", "FakeInstagram", "FaultRule", "Post", "Request", "Site"]
