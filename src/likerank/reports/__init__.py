"""Tables and figures for people."""

from likerank.reports.comparison import comparison_page, print_ranking, ranking_figure, ranking_frame
from likerank.reports.sweep import parallel_coordinates, sweep_page, write_sweep_report
from likerank.reports.table import print_score_table

__all__ = [
    "comparison_page",
    "parallel_coordinates",
    "print_ranking",
    "print_score_table",
    "ranking_figure",
    "ranking_frame",
    "sweep_page",
    "write_sweep_report",
]
