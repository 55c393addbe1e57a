"""A run as a figure: how long answers took, and what it did over time. The only file that knows matplotlib."""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

_DONE, _REFUSED, _IN_FLIGHT = "#4c78a8", "#e45756", "#72787e"
_FEW, _MANY = 10, 60
"""Bars of a histogram."""
_LONG_TAIL = 10
"""Times the median: a latency beyond would press all others into one bar, so the axis is logarithmic."""


def draw(latencies: Numbers, marks: Sequence[float], timeline: pd.DataFrame, lasted: float) -> Any:
    """Draw latencies and a timeline, as `Report` has them.

    Parameters
    ----------
    marks : (float, float, float)
        The latencies' p50, p95 and p99.
    lasted : float
        Seconds of the run.

    Raises
    ------
    ImportError
        If matplotlib is not installed.

    Returns
    -------
    matplotlib.figure.Figure
        Which a notebook shows by itself; nothing of pyplot is touched.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above
    except ImportError:
        raise ImportError("Report.plot draws with matplotlib: python -m pip install matplotlib") from None

    shown = type("Figure", (Figure,), {"_repr_png_": _png})  # shown where pyplot, which sees to it, is not imported
    figure = shown(figsize=(10, 4), layout="constrained")
    axes = figure.subplot_mosaic([["latency", "done"], ["latency", "in_flight"]], height_ratios=[3, 2])
    _latencies(axes["latency"], latencies, marks)
    _timeline(axes["done"], axes["in_flight"], timeline, lasted)
    for each in axes.values():
        each.spines[["top", "right"]].set_visible(False)
        each.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    return figure


def _png(figure: Any) -> bytes:
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _latencies(axes: Any, latencies: Numbers, marks: Sequence[float]) -> None:
    axes.set_title("Seconds until an answer was complete", loc="left")
    axes.set_ylabel("requests")
    if not len(latencies):
        _nothing(axes)
        return
    edges = bins(latencies)
    axes.hist(np.clip(latencies, edges[0], edges[-1]), bins=edges, color=_DONE)
    if edges[-1] - edges[-2] > 2 * (edges[1] - edges[0]):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_xlim(left=0)
    for at in marks:
        axes.axvline(at, color=_IN_FLIGHT, linewidth=1, linestyle=":")
    axes.set_xlabel("p50 {:.3g} s, p95 {:.3g} s, p99 {:.3g} s (dotted)".format(*marks))


def _timeline(above: Any, below: Any, timeline: pd.DataFrame, lasted: float) -> None:
    above.set_title("Answers in each second", loc="left")
    below.set_title("In flight at most", loc="left")
    below.set_xlabel("seconds since the run began")
    above.sharex(below)
    above.tick_params(labelbottom=False)
    if timeline.empty:
        _nothing(above)
        _nothing(below)
        return
    edges = seconds(timeline, lasted)
    above.stairs(timeline["done"], edges, fill=True, color=_DONE)
    if timeline["refused"].any():
        above.stairs(timeline["refused"], edges, fill=True, color=_REFUSED, label="refused")
        above.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, borderaxespad=0)
    below.stairs(timeline["in_flight"], edges, fill=True, color=_IN_FLIGHT)
    below.set_xlim(0, edges[-1])
    for each in (above, below):
        each.set_ylim(bottom=0)


def _nothing(axes: Any) -> None:
    axes.text(0.5, 0.5, "nothing was sent", ha="center", va="center", transform=axes.transAxes, color=_IN_FLIGHT)
    axes.set_axis_off()


def bins(latencies: Numbers) -> Numbers:
    """Return the edges of a histogram's bars: of one width, or of one ratio where a few answers took far longer.

    Examples
    --------
    >>> bins(np.array([0.1, 0.2, 0.4]))[[0, -1]].tolist()
    [0.0, 0.4]
    >>> bins(np.array([0.1] * 9 + [30.0]))[[0, -1]].round(2).tolist()
    [0.1, 30.0]
    """
    low, median, high = np.quantile(latencies, [0, 0.5, 1]).tolist()
    count = min(max(_FEW, ceil(2 * len(latencies) ** (1 / 3))), _MANY)  # the Rice rule
    if high > _LONG_TAIL * median > 0:
        return np.geomspace(max(low, median / 100), high, count + 1)
    return np.linspace(0.0, high or 1.0, count + 1)


def seconds(timeline: pd.DataFrame, lasted: float) -> Numbers:
    """Return the edges of a timeline's lines; the last second ends with the run.

    Examples
    --------
    >>> import pandas as pd
    >>> seconds(pd.DataFrame(index=range(3)), 2.25).tolist()
    [0.0, 1.0, 2.0, 2.25]
    """
    edges = np.arange(len(timeline) + 1, dtype=np.float64)
    edges[-1] = max(min(lasted, edges[-1]), edges[-1] - 0.99)
    return edges
