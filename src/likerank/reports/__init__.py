"""Reports that people read: tables, figures, pages and cards."""

from likerank.reports.card import ModelFacts, model_card
from likerank.reports.comparison import comparison_page, print_ranking, ranking_frame
from likerank.reports.export import score_frame, write_table
from likerank.reports.photos import (
    PhotoRanking,
    print_photo_ranking,
    print_unreadable,
    write_contact_sheet,
    write_csv,
    write_json,
)
from likerank.reports.style import as_png
from likerank.reports.sweep import print_trials, write_sweep_report
from likerank.reports.table import print_score_table
from likerank.reports.training_figures import Losses, loss_figure, mistakes, predicted_figure, ranking_chart

__all__ = [
    "Losses",
    "ModelFacts",
    "PhotoRanking",
    "as_png",
    "comparison_page",
    "loss_figure",
    "mistakes",
    "model_card",
    "predicted_figure",
    "print_photo_ranking",
    "print_ranking",
    "print_score_table",
    "print_trials",
    "print_unreadable",
    "ranking_chart",
    "ranking_frame",
    "score_frame",
    "write_contact_sheet",
    "write_csv",
    "write_json",
    "write_sweep_report",
    "write_table",
]
