"""What people read: tables, figures, pages and cards."""

from likerank.reports.card import ModelFacts, model_card
from likerank.reports.comparison import comparison_page, print_ranking, ranking_figure, ranking_frame
from likerank.reports.contact_sheet import write_contact_sheet
from likerank.reports.photos import PhotoRanking, print_photo_ranking, write_csv, write_json
from likerank.reports.sweep import parallel_coordinates, sweep_page, write_sweep_report
from likerank.reports.table import print_score_table
from likerank.reports.trials import print_trials

__all__ = [
    "ModelFacts",
    "PhotoRanking",
    "comparison_page",
    "model_card",
    "parallel_coordinates",
    "print_photo_ranking",
    "print_ranking",
    "print_score_table",
    "print_trials",
    "ranking_figure",
    "ranking_frame",
    "sweep_page",
    "write_contact_sheet",
    "write_csv",
    "write_json",
    "write_sweep_report",
]
