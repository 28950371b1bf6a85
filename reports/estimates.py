"""Figures in words: a value with its interval, a rate with its counts. Missing values are a dash."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Values = Mapping[str, Any]
DASH = "–"


def figure(value: float | None, digits: int = 3) -> str:
    """A plain number."""
    return DASH if value is None else f"{value:.{digits}f}"


def signed(item: Values | None, digits: int = 3) -> str:
    """A difference with its interval: +0.108 [+0.02, +0.19]."""
    if item is None or item["value"] is None:
        return DASH
    low, high = item.get("low"), item.get("high")
    ends = "" if low is None or high is None else f" [{low:+.{digits}f}, {high:+.{digits}f}]"
    return f"{item['value']:+.{digits}f}{ends}"


def estimate(item: Values | None, digits: int = 3) -> str:
    """A value with its interval: 0.908 [0.838, 0.955]."""
    if item is None or item["value"] is None:
        return DASH
    low, high = item.get("low"), item.get("high")
    ends = "" if low is None or high is None else f" [{low:.{digits}f}, {high:.{digits}f}]"
    return f"{item['value']:.{digits}f}{ends}"


def percent(value: float | None) -> str:
    """A share: 19 %, 0.9 %."""
    if value is None:
        return DASH
    if 1e-9 < value < 0.0005:
        return "below 0.1\u00a0%"
    digits = 0 if value >= 0.0995 or value < 0.0005 else 1
    return f"{100 * value:.{digits}f}\u00a0%"


def share(item: Values | None) -> str:
    """A rate with counts and Wilson's interval: 46 of 242 = 19 % [15 %, 24 %]."""
    if item is None:
        return DASH
    ends = f"[{percent(item['low'])}, {percent(item['high'])}]"
    return f"{item['hits']} of {item['of']} = {percent(item['value'])} {ends}"


def short_share(item: Values | None) -> str:
    """A rate and its count: 19 % of 242."""
    return DASH if item is None else f"{percent(item['value'])} of {item['of']}"
