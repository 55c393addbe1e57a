"""A report as a matplotlib figure: the distribution of latencies, and the run over time.

No other module imports matplotlib.
"""

from __future__ import annotations

from io import BytesIO
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    Numbers = np.ndarray[Any, np.dtype[np.float64]]

_DONE_COLOR, _REFUSED_COLOR, _IN_FLIGHT_COLOR = "#4c78a8", "#e45756", "#72787e"
_MIN_BINS, _MAX_BINS = 10, 60
"""Bars of the histogram."""
_LOG_SCALE_RATIO = 10
"""If the slowest latency is this many times the median, a linear axis would press all others into one bar."""


def draw_figure(latencies: Numbers, quantiles: Sequence[float], timeline: pd.DataFrame, run_seconds: float) -> Any:
    """Return a figure of the latencies and the timeline of a `Report`.

    Parameters
    ----------
    quantiles : (float, float, float)
        p50, p95 and p99 of the latencies.
    run_seconds : float
        Duration of the run.

    Returns
    -------
    matplotlib.figure.Figure
        A notebook shows it without pyplot.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - optional
        from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above
    except ImportError:
        raise ImportError("Report.plot draws with matplotlib: python -m pip install matplotlib") from None

    # A notebook shows a plain Figure only where pyplot is imported; _repr_png_ makes it independent of pyplot.
    displayed = type("Figure", (Figure,), {"_repr_png_": _render_png})
    figure = displayed(figsize=(10, 4), layout="constrained")
    axes = figure.subplot_mosaic([["latency", "done"], ["latency", "in_flight"]], height_ratios=[3, 2])
    _draw_latencies(axes["latency"], latencies, quantiles)
    _draw_timeline(axes["done"], axes["in_flight"], timeline, run_seconds)
    for each in axes.values():
        each.spines[["top", "right"]].set_visible(False)
        each.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    return figure


def _render_png(figure: Any) -> bytes:
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=110)
    return picture.getvalue()


def _draw_latencies(axes: Any, latencies: Numbers, quantiles: Sequence[float]) -> None:
    axes.set_title("Latency in seconds", loc="left")
    axes.set_ylabel("requests")
    if not len(latencies):
        _write_empty_note(axes)
        return
    edges = histogram_edges(latencies)
    axes.hist(np.clip(latencies, edges[0], edges[-1]), bins=edges, color=_DONE_COLOR)
    if edges[-1] - edges[-2] > 2 * (edges[1] - edges[0]):
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:g}")
    else:
        axes.set_xlim(left=0)
    for at in quantiles:
        axes.axvline(at, color=_IN_FLIGHT_COLOR, linewidth=1, linestyle=":")
    axes.set_xlabel("p50 {:.3g} s, p95 {:.3g} s, p99 {:.3g} s (dotted)".format(*quantiles))


def _draw_timeline(done_axes: Any, in_flight_axes: Any, timeline: pd.DataFrame, run_seconds: float) -> None:
    done_axes.set_title("Attempts that ended, per second", loc="left")
    in_flight_axes.set_title("Most requests in flight, per second", loc="left")
    in_flight_axes.set_xlabel("seconds since the start of the run")
    done_axes.sharex(in_flight_axes)
    done_axes.tick_params(labelbottom=False)
    if timeline.empty:
        _write_empty_note(done_axes)
        _write_empty_note(in_flight_axes)
        return
    edges = timeline_edges(timeline, run_seconds)
    done_axes.stairs(timeline["done"], edges, fill=True, color=_DONE_COLOR)
    if timeline["refused"].any():
        done_axes.stairs(timeline["refused"], edges, fill=True, color=_REFUSED_COLOR, label="refused")
        done_axes.legend(loc="lower right", bbox_to_anchor=(1, 1), frameon=False, borderaxespad=0)
    in_flight_axes.stairs(timeline["in_flight"], edges, fill=True, color=_IN_FLIGHT_COLOR)
    in_flight_axes.set_xlim(0, edges[-1])
    for each in (done_axes, in_flight_axes):
        each.set_ylim(bottom=0)


def _write_empty_note(axes: Any) -> None:
    axes.text(0.5, 0.5, "nothing was sent", ha="center", va="center", transform=axes.transAxes, color=_IN_FLIGHT_COLOR)
    axes.set_axis_off()


def histogram_edges(latencies: Numbers) -> Numbers:
    """Return the edges of the histogram's bars: equal widths, or equal ratios where a few latencies are far longer.

    Examples
    --------
    >>> histogram_edges(np.array([0.1, 0.2, 0.4]))[[0, -1]].tolist()
    [0.0, 0.4]
    >>> histogram_edges(np.array([0.1] * 9 + [30.0]))[[0, -1]].round(2).tolist()
    [0.1, 30.0]
    """
    low, median, high = np.quantile(latencies, [0, 0.5, 1]).tolist()
    count = min(max(_MIN_BINS, ceil(2 * len(latencies) ** (1 / 3))), _MAX_BINS)  # the Rice rule
    if high > _LOG_SCALE_RATIO * median > 0:
        return np.geomspace(max(low, median / 100), high, count + 1)
    return np.linspace(0.0, high or 1.0, count + 1)


def timeline_edges(timeline: pd.DataFrame, run_seconds: float) -> Numbers:
    """Return the edges of the timeline's seconds; the last one ends with the run.

    Examples
    --------
    >>> import pandas as pd
    >>> timeline_edges(pd.DataFrame(index=range(3)), 2.25).tolist()
    [0.0, 1.0, 2.0, 2.25]
    """
    edges = np.arange(len(timeline) + 1, dtype=np.float64)
    edges[-1] = max(min(run_seconds, edges[-1]), edges[-1] - 0.99)
    return edges
