"""A ranking of new photos as one HTML file that needs nothing beside it."""

from base64 import b64encode
from collections.abc import Sequence
from pathlib import Path

from likerank.reports.page import render_page
from likerank.reports.photos import MADE_NOTE, PhotoRanking

_TEMPLATE = "contact_sheet.html"


def write_contact_sheet(ranking: PhotoRanking, thumbnails: Sequence[bytes], file: Path) -> None:
    """Writes the best photos as a page of cards, the best first.

    Args:
        ranking: What was ranked.
        thumbnails: JPEGs of the first photos, as many as shall be on the sheet.
        file: The page.
    """
    tied = [False, *(photo.ties_with_next for photo in ranking.photos)]
    cards = [
        {"photo": photo, "thumbnail": b64encode(thumbnail).decode(), "tied_before": tied_before}
        for photo, thumbnail, tied_before in zip(ranking.photos, thumbnails, tied, strict=False)
    ]
    page = render_page(_TEMPLATE, ranking=ranking, cards=cards, made_note=MADE_NOTE)
    file.write_text(page, encoding="utf-8")
