"""What people read: tables, figures, pages and cards."""

from likerank.reports.age_figures import age_figure, ripening_figure
from likerank.reports.analysis import NUMBERS, PageFigure, PageTable, Section, write_analysis
from likerank.reports.authors_figures import authors_figure, left_out_figure, over_time_figure
from likerank.reports.card import ModelFacts, model_card
from likerank.reports.comparison import comparison_page, print_ranking, ranking_figure, ranking_frame
from likerank.reports.contact_sheet import write_contact_sheet
from likerank.reports.photos import PhotoRanking, print_photo_ranking, write_csv, write_json
from likerank.reports.pictures_figures import (
    SheetRow,
    before_after_figure,
    contact_sheet_figure,
    mean_pictures_figure,
    traits_figure,
)
from likerank.reports.points import author_places
from likerank.reports.style import as_png
from likerank.reports.sweep import parallel_coordinates, sweep_page, write_sweep_report
from likerank.reports.table import print_score_table
from likerank.reports.targets_figures import leak_figure, targets_over_time_figure
from likerank.reports.training_figures import (
    Losses,
    loss_figure,
    mistakes,
    predicted_figure,
    ranking_chart,
)
from likerank.reports.trials import print_trials

__all__ = [
    "NUMBERS",
    "Losses",
    "ModelFacts",
    "PageFigure",
    "PageTable",
    "PhotoRanking",
    "Section",
    "SheetRow",
    "age_figure",
    "as_png",
    "author_places",
    "authors_figure",
    "before_after_figure",
    "comparison_page",
    "contact_sheet_figure",
    "leak_figure",
    "left_out_figure",
    "loss_figure",
    "mean_pictures_figure",
    "mistakes",
    "model_card",
    "over_time_figure",
    "parallel_coordinates",
    "predicted_figure",
    "print_photo_ranking",
    "print_ranking",
    "print_score_table",
    "print_trials",
    "ranking_chart",
    "ranking_figure",
    "ranking_frame",
    "ripening_figure",
    "sweep_page",
    "targets_over_time_figure",
    "traits_figure",
    "write_analysis",
    "write_contact_sheet",
    "write_csv",
    "write_json",
    "write_sweep_report",
]
