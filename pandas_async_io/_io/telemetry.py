"""Spans and metrics of runs, as a hook. The only file that uses OpenTelemetry.

Names are those of the stable semantic conventions for HTTP clients
(https://opentelemetry.io/docs/specs/semconv/http/).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pandas_async_io._core.errors import PlanError, UnsafeUrlError
from pandas_async_io._core.option_values import list_members
from pandas_async_io._core.report.events import Event, Finished, Received, Started
from pandas_async_io._core.security.origins import Origin, parse_origin
from pandas_async_io._core.words import show_value
from pandas_async_io._io.settings_pickle import reduce_to_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NAME = "pandas_async_io"
_SLOW_SECONDS = 1.0
"""Seconds from which an attempt has a span."""
_SAMPLE_EVERY = 100
"""Of the other attempts, the first one has a span, and each one after so many."""
_MAX_SPANS = 1_000
"""Spans of attempts in one run; further ones are counted."""
_DURATION_BOUNDARIES = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Seconds, as the convention advises for ``http.client.request.duration``."""
_METHODS = frozenset({"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"})
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(slots=True)
class _RunSpan:
    """The open span of a run."""

    span: Any
    context: Any
    spans: int = 0
    left_out: int = 0
    others: int = 0


class OpenTelemetry:
    """Give each run a span, and each attempt its place in a histogram: ``Client(hooks=OpenTelemetry())``.

    The span of a run is a child of the caller's current span, and has its counts. Attempts that failed, took a second
    or more, and one in a hundred of the others have spans of their own; ``http.client.request.duration`` counts all.

    Parameters
    ----------
    tracer_provider, meter_provider : optional
        By default the global ones.
    propagate_to : sequence of str, default ()
        Origins (``"https://api.example.com"``) whose requests carry the trace context in a ``traceparent`` header. Its
        parent is the run's span.

    Raises
    ------
    PlanError
        opentelemetry-api is not installed, or an origin is none.

    Examples
    --------
    >>> hook = OpenTelemetry(propagate_to=["https://api.example.com"])
    """

    listens_to = (Started, Received, Finished)

    def __init__(
        self, tracer_provider: Any = None, meter_provider: Any = None, *, propagate_to: Sequence[str] = ()
    ) -> None:
        self._settings = {
            "tracer_provider": tracer_provider,
            "meter_provider": meter_provider,
            "propagate_to": propagate_to,
        }
        self._trace, metrics = _import_api("trace"), _import_api("metrics")
        self._origins = frozenset(_parse_origins(propagate_to))
        self._propagator = _import_api("trace.propagation.tracecontext").TraceContextTextMapPropagator()
        self._tracer = self._trace.get_tracer(_NAME, tracer_provider=tracer_provider)
        self._duration = metrics.get_meter(_NAME, meter_provider=meter_provider).create_histogram(
            "http.client.request.duration",
            unit="s",
            description="Duration of HTTP client requests.",
            explicit_bucket_boundaries_advisory=_DURATION_BOUNDARIES,
        )
        self._runs: dict[str, _RunSpan] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return reduce_to_settings(self, self._settings)

    def __call__(self, event: Event) -> None:
        """Take an event."""
        if isinstance(event, Received):
            self._record_attempt(event)
        elif isinstance(event, Started):
            self._start_run(event)
        elif isinstance(event, Finished):
            self._end_run(event)

    def trace_headers(self, run: str, url: str) -> Mapping[str, str]:
        """Return the headers that carry the trace context of a run to a URL; none to another origin."""
        headers: dict[str, str] = {}
        if self._origins and parse_origin(url) in self._origins and (found := self._runs.get(run)) is not None:
            self._propagator.inject(headers, context=found.context)
        return headers

    def _start_run(self, event: Started) -> None:
        span = self._tracer.start_span(
            _NAME,
            start_time=_to_ns(event.time),
            attributes={
                "url.template": event.label,
                "pandas_async_io.run": event.run,
                "pandas_async_io.rows": event.rows,
                "pandas_async_io.requests": event.requests,
            },
        )
        self._runs[event.run] = _RunSpan(span, self._trace.set_span_in_context(span))

    def _record_attempt(self, event: Received) -> None:
        run = self._runs.get(event.run)
        attributes = _describe_attempt(event)
        self._duration.record(event.seconds, attributes, context=None if run is None else run.context)
        if run is None:
            return
        has_failed = "error.type" in attributes
        if not has_failed and event.seconds < _SLOW_SECONDS:
            run.others += 1
            if run.others % _SAMPLE_EVERY != 1:
                return
        if run.spans == _MAX_SPANS:
            run.left_out += 1
            return
        run.spans += 1
        attributes["url.full"] = event.url
        if event.attempt > 1:
            attributes["http.request.resend_count"] = event.attempt - 1
        span = self._tracer.start_span(
            attributes["http.request.method"].replace("_OTHER", "HTTP"),
            context=run.context,
            kind=self._trace.SpanKind.CLIENT,
            start_time=_to_ns(event.time - event.seconds),
            attributes=attributes,
        )
        if has_failed:
            span.set_status(self._trace.StatusCode.ERROR, event.error)
        span.end(end_time=_to_ns(event.time))

    def _end_run(self, event: Finished) -> None:
        run = self._runs.pop(event.run, None)
        if run is None:
            return
        counts = {"sent": event.sent, "retried": event.retried, "refused": event.refused, "bytes": event.bytes}
        counts |= {f"outcome.{outcome}": count for outcome, count in event.outcomes.items()}
        counts |= {"spans_left_out": run.left_out} if run.left_out else {}
        run.span.set_attributes({f"pandas_async_io.{name}": count for name, count in counts.items()})
        if event.error_type is not None:
            run.span.set_attribute("error.type", event.error_type)
            run.span.set_status(self._trace.StatusCode.ERROR)
        run.span.end(end_time=_to_ns(event.time))


def _import_api(name: str) -> Any:
    try:
        return import_module(f"opentelemetry.{name}")
    except ImportError:
        raise PlanError("OpenTelemetry needs opentelemetry-api: pip install 'pandas-async-io[otel]'") from None


def _parse_origins(urls: object) -> list[Origin]:
    """Return the origins of ``propagate_to``."""
    members = list_members(urls)
    if members is None:
        raise PlanError(f"propagate_to={show_value(urls)}: pass a list of origins, as ['https://api.example.com']")
    try:
        return [parse_origin(url) for url in members]
    except (UnsafeUrlError, TypeError, AttributeError):
        text = f"propagate_to={show_value(urls)}: an origin is a URL up to its host, as 'https://api.example.com'"
        raise PlanError(text) from None


def _describe_attempt(event: Received) -> dict[str, Any]:
    """Return the attributes of an attempt that the histogram counts by."""
    parts = urlsplit(event.origin)
    attributes: dict[str, Any] = {
        "http.request.method": event.method if event.method in _METHODS else "_OTHER",
        "server.address": parts.hostname or "",
        "server.port": parts.port or _DEFAULT_PORTS.get(parts.scheme, 0),
        "url.scheme": parts.scheme,
    }
    if event.status is not None:
        attributes["http.response.status_code"] = event.status
    if event.error_type is not None:
        attributes["error.type"] = event.error_type
    elif event.status is not None and event.status >= 400:
        attributes["error.type"] = str(event.status)
    return attributes


def _to_ns(seconds: float) -> int:
    return int(seconds * 1e9)
