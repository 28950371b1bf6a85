"""Pixels and evidence to score to verdict."""

from .examine import ExamineOptions, Examiner, examine

__all__ = ["ExamineOptions", "Examiner", "examine"]
