"""Tables and figures for people."""

from likerank.reports.table import print_score_table

__all__ = ["print_score_table"]
