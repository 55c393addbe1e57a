"""OpenTelemetry: the spans and metrics of a real SDK, kept in memory."""

import pickle

import pandas as pd
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

import pandas_async_io as paio
from pandas_async_io._core.report import events
from tests.servers.scripted import http_response, serve_function

pytestmark = pytest.mark.filterwarnings("ignore::pandas_async_io.FetchWarning")
CANARY = "canary-s3cret-value"
QUICK = paio.Retry(base=0.001, throttle_base=0.001, patience=0)


class Telemetry:
    """The hook, and what it has exported."""

    def __init__(self, **options):
        self._exporter, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        meter_provider = MeterProvider([self._reader])
        self.hook = paio.OpenTelemetry(self.tracer_provider, meter_provider, **options)

    @property
    def spans(self):
        return self._exporter.get_finished_spans()

    @property
    def run_spans(self):
        return [span for span in self.spans if span.name == "pandas_async_io"]

    @property
    def attempt_spans(self):
        return [span for span in self.spans if span.kind is SpanKind.CLIENT]

    @property
    def durations(self):
        """The points of the histogram, by status and error type."""
        data = self._reader.get_metrics_data()
        (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
        assert (metric.name, metric.unit) == ("http.client.request.duration", "s")
        return {
            (point.attributes.get("http.response.status_code"), point.attributes.get("error.type")): point
            for point in metric.data.data_points
        }


def traceparents(request):
    return [text for name, text in request.headers.items() if name.lower() == "traceparent"]


@pytest.fixture
def telemetry():
    return Telemetry()


def test_a_run_has_one_span_with_its_counts_below_the_callers_span(api, telemetry):
    """Although the requests are sent by another thread."""
    frame = pd.DataFrame({"id": [1, 2, None, 9999]})
    tracer = telemetry.tracer_provider.get_tracer("test")
    with tracer.start_as_current_span("caller") as caller:
        frame.aio.fetch(api + "/users/{id}", hooks=telemetry.hook)
    (run,) = telemetry.run_spans
    assert run.parent.span_id == caller.get_span_context().span_id
    counts = {name.removeprefix("pandas_async_io."): value for name, value in run.attributes.items()}
    assert counts.pop("run")
    assert counts.pop("bytes") > 0
    assert counts == {
        "url.template": api + "/users/{id}",
        "rows": 4,
        "requests": 3,
        "sent": 3,
        "retried": 0,
        "refused": 0,
        "outcome.ok": 2,
        "outcome.null_key": 1,
        "outcome.http_error": 1,
    }
    assert run.start_time < run.end_time


@pytest.mark.parametrize("way", ["future", "chunks"])
def test_the_caller_is_the_parent_in_every_way_of_a_call(api, telemetry, way):
    frame = pd.DataFrame({"id": [1]})
    with telemetry.tracer_provider.get_tracer("test").start_as_current_span("caller") as caller:
        if way == "future":
            future = frame.aio.fetch_async(api + "/users/{id}", hooks=telemetry.hook)
        else:
            list(frame.aio.fetch(api + "/users/{id}", hooks=telemetry.hook, chunksize=1))
    if way == "future":
        future.result()
    (run,) = telemetry.run_spans
    assert run.parent.span_id == caller.get_span_context().span_id


def test_failed_attempts_have_spans_and_of_the_others_one_in_a_hundred(api, telemetry):
    frame = pd.DataFrame({"id": [*range(1, 101), 9998, 9999]})
    frame.aio.fetch(api + "/users/{id}", hooks=telemetry.hook)
    (run,) = telemetry.run_spans
    assert {span.parent.span_id for span in telemetry.attempt_spans} == {run.context.span_id}
    statuses = [span.attributes["http.response.status_code"] for span in telemetry.attempt_spans]
    assert sorted(statuses) == [200, 404, 404]
    failed = next(span for span in telemetry.attempt_spans if span.status.status_code is StatusCode.ERROR)
    host, port = api.removeprefix("http://").split(":")
    assert failed.name == "GET"
    assert {name: value for name, value in failed.attributes.items() if name != "url.full"} == {
        "http.request.method": "GET",
        "http.response.status_code": 404,
        "server.address": host,
        "server.port": int(port),
        "url.scheme": "http",
        "error.type": "404",
    }
    assert failed.attributes["url.full"].startswith(api + "/users/999")


def test_a_repeated_attempt_says_which_one_it_is(api, telemetry):
    pd.DataFrame({"key": ["otel"]}).aio.fetch(api + "/flaky/{key}?fail=2", hooks=telemetry.hook, retry=QUICK)
    resends = [span.attributes.get("http.request.resend_count") for span in telemetry.attempt_spans]
    assert resends == [None, 1, 2]


def test_the_histogram_counts_every_attempt(api, telemetry):
    frame = pd.DataFrame({"id": [1, 2, 3, 9999]})
    frame.aio.fetch(api + "/users/{id}", hooks=telemetry.hook)
    gone = pd.DataFrame({"id": [1]})
    gone.aio.fetch("http://127.0.0.1:9/{id}", hooks=telemetry.hook, retry=1)
    counts = {key: point.count for key, point in telemetry.durations.items()}
    assert counts == {(200, None): 3, (404, "404"): 1, (None, "TransportError"): 1}
    point = telemetry.durations[200, None]
    assert set(point.attributes) == {
        "http.request.method",
        "http.response.status_code",
        "server.address",
        "server.port",
        "url.scheme",
    }
    assert point.explicit_bounds[:2] == (0.005, 0.01)


def test_a_run_that_ends_with_an_exception_says_so(api, telemetry):
    def raise_exit(response, error):
        raise SystemExit

    with pytest.raises(SystemExit):
        pd.DataFrame({"id": [1]}).aio.fetch(
            api + "/users/{id}", hooks=telemetry.hook, retry=paio.Retry(when=raise_exit)
        )
    (run,) = telemetry.run_spans
    assert (run.status.status_code, run.attributes["error.type"]) == (StatusCode.ERROR, "SystemExit")


def test_trace_context_goes_to_the_named_origins_only():
    """The run's span is the parent of what the server does."""

    def answer(request):
        return http_response()

    with serve_function(answer) as named, serve_function(answer) as other:
        telemetry = Telemetry(propagate_to=[named.url])
        frame = pd.DataFrame({"url": [named.url + "/a", other.url + "/b"]})
        frame["url"].aio.fetch(hooks=telemetry.hook)
        (run,) = telemetry.run_spans
        [request] = named.requests
        (sent,) = traceparents(request)
        assert sent.startswith(f"00-{run.context.trace_id:032x}-{run.context.span_id:016x}-")
        assert traceparents(other.requests[0]) == []
        frame["url"].head(1).aio.fetch(hooks=telemetry.hook, headers={"Traceparent": "mine"})
        assert traceparents(named.requests[-1]) == ["mine"]


def test_no_span_and_no_metric_holds_a_secret():
    telemetry = Telemetry()

    def answer(request):
        return http_response(f'{{"message": "no access for {CANARY}"}}'.encode(), status="403 Forbidden")

    with serve_function(answer) as server:
        client = paio.Client(server.url, auth=CANARY, hooks=telemetry.hook)
        pd.DataFrame({"id": [1]}).aio.fetch(f"/x?api_key={CANARY}&id={{id}}", client=client)
    assert len(telemetry.attempt_spans) == 1
    texts = [span.to_json() for span in telemetry.spans] + [repr(telemetry.durations)]
    assert CANARY not in "\n".join(texts)


def test_spans_of_a_run_are_limited(telemetry):
    """A run in which all of a million rows fail must not drown the collector."""
    hook, same = telemetry.hook, {"run": "a", "time": 1.0}
    hook(events.Started(**same, label="l", rows=1, requests=1))
    request = {
        "request": 0,
        "page": 1,
        "attempt": 1,
        "method": "BREW",
        "url": "http://e.com/",
        "origin": "http://e.com",
    }
    failed = {"seconds": 0.5, "status": 500, "bytes": 0, "error": None, "error_type": None, "refused": False}
    for _ in range(1_002):
        hook(events.Received(**same, **request, **failed))
    counts = {"sent": 0, "retried": 0, "refused": 0, "bytes": 0, "seconds": 1.0, "error_type": None}
    hook(events.Finished(**same, label="l", outcomes={}, **counts))
    assert len(telemetry.attempt_spans) == 1_000
    assert telemetry.run_spans[0].attributes["pandas_async_io.spans_left_out"] == 2
    assert telemetry.attempt_spans[0].name == "HTTP"
    assert telemetry.attempt_spans[0].attributes["http.request.method"] == "_OTHER"


@pytest.mark.parametrize("origins", ["https://e.com", ["e.com"], [5], 5, ["ftp://e.com"]], ids=str)
def test_propagate_to_takes_origins(origins):
    with pytest.raises(paio.PlanError, match="propagate_to="):
        paio.OpenTelemetry(propagate_to=origins)


def test_a_missing_package_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.trace", None)
    with pytest.raises(paio.PlanError, match=r"pip install 'pandas-async-io\[otel\]'"):
        paio.OpenTelemetry()


def test_a_client_with_the_hook_can_be_pickled():
    client = pickle.loads(pickle.dumps(paio.Client(hooks=paio.OpenTelemetry(propagate_to=["https://e.com"]))))
    assert isinstance(client.hooks[0], paio.OpenTelemetry)
