"""Tables, figures and pages for people."""

from likerank.reports.contact_sheet import write_contact_sheet
from likerank.reports.photos import PhotoRanking, print_photo_ranking, write_csv, write_json
from likerank.reports.table import print_score_table

__all__ = [
    "PhotoRanking",
    "print_photo_ranking",
    "print_score_table",
    "write_contact_sheet",
    "write_csv",
    "write_json",
]
