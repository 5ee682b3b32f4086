"""What people read: tables, figures, pages and cards."""

from likerank.reports.card import ModelFacts, model_card
from likerank.reports.contact_sheet import write_contact_sheet
from likerank.reports.photos import PhotoRanking, print_photo_ranking, write_csv, write_json
from likerank.reports.table import print_score_table
from likerank.reports.trials import print_trials

__all__ = [
    "ModelFacts",
    "PhotoRanking",
    "model_card",
    "print_photo_ranking",
    "print_score_table",
    "print_trials",
    "write_contact_sheet",
    "write_csv",
    "write_json",
]
