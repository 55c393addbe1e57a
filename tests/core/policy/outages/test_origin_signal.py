"""What an attempt shows about its origin."""

import pytest

from pandas_async_io._core.errors import (
    AttemptTimeoutError,
    BodyTooLargeError,
    DescriptorError,
    ParseError,
    PayloadError,
    ProtocolError,
    RedirectError,
    TransportError,
    UnsafeUrlError,
)
from pandas_async_io._core.models import Response
from pandas_async_io._core.policy.outages.origin_signal import OriginSignal, read_origin_signal
from pandas_async_io._core.policy.retries.retry_options import Retry

LOST = TransportError("reset", transient=True)
LATE = AttemptTimeoutError("late", transient=True)
NO_NAME = TransportError("does not resolve", received=False)
NO_SOCKET = DescriptorError("no socket", transient=True, received=False)


def answer(status, **headers):
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, b"", "")


@pytest.mark.parametrize(
    ("response", "error", "late", "expected"),
    [
        (answer(200), None, False, (OriginSignal.ANSWERED, 0)),
        (answer(401), None, False, (OriginSignal.ANSWERED, 0)),
        (answer(500), None, False, (OriginSignal.FAILED, 0)),
        (answer(503), None, False, (OriginSignal.FAILED, 0)),
        (answer(503, Retry_After="2"), None, False, (OriginSignal.REFUSED, 2)),
        (answer(429), None, False, (OriginSignal.REFUSED, 0)),
        (answer(429, Retry_After="7"), None, True, (OriginSignal.REFUSED, 7)),
        (answer(400), None, False, (OriginSignal.ANSWERED, 0)),
        (answer(403), None, False, (OriginSignal.ANSWERED, 0)),
        (answer(400, x_amzn_ErrorType="ThrottlingException"), None, False, (OriginSignal.REFUSED, 0)),
        (answer(403, Sforce_Limit_Info="api-usage=15000/15000"), None, False, (OriginSignal.REFUSED, 0)),
        (Response(400, {}, b'{"error":{"code":4}}', ""), None, False, (OriginSignal.REFUSED, 0)),
        (Response(429, {}, b'{"retry_after": 2.5}', ""), None, False, (OriginSignal.REFUSED, 2.5)),
        (Response(403, {}, b'{"message":"a secondary rate limit"}', ""), None, False, (OriginSignal.REFUSED, 60)),
        (answer(200), ParseError("not JSON"), False, (OriginSignal.ANSWERED, 0)),
        (answer(200), PayloadError("throttled", retry_after=3.0), False, (OriginSignal.REFUSED, 3)),
        (None, RedirectError("round in circles"), False, (OriginSignal.ANSWERED, 0)),
        (None, UnsafeUrlError("elsewhere"), False, (OriginSignal.ANSWERED, 0)),
        (None, BodyTooLargeError("too large"), False, (OriginSignal.ANSWERED, 0)),
        (None, ParseError("unknown coding"), False, (OriginSignal.ANSWERED, 0)),
        (None, LOST, False, (OriginSignal.FAILED, 0)),
        (None, ProtocolError("no HTTP", transient=True), False, (OriginSignal.FAILED, 0)),
        (None, LATE, False, (OriginSignal.FAILED, 0)),
        (None, LATE, True, (OriginSignal.NONE, 0)),
        (None, NO_NAME, False, (OriginSignal.UNREACHABLE, 0)),
        (None, NO_SOCKET, False, (OriginSignal.NONE, 0)),
        (None, None, False, (OriginSignal.NONE, 0)),
    ],
)
def test_an_attempt_shows_the_state_of_its_origin(response, error, late, expected):
    """A response that we reject is one; an attempt that we cut short shows nothing."""
    assert read_origin_signal(Retry(), response, error, epoch=0.0, deadline_passed=late) == expected
