"""What people read: tables, pages and cards."""

from likerank.reports.card import ModelFacts, model_card
from likerank.reports.table import print_score_table
from likerank.reports.trials import print_trials

__all__ = ["ModelFacts", "model_card", "print_score_table", "print_trials"]
