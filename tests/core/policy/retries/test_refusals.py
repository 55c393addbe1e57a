"""Refusals and delays in each API's own form, and responses that only look like one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pandas_async_io._core.models import Response
from pandas_async_io._core.policy.retries.refusals import RetryHint, read_retry_hint, read_should_retry

REFUSED = RetryHint(0.0, 429)
NOTHING = RetryHint(0.0, 0)
USAGE = json.dumps(
    {"123": [{"type": "ads", "estimated_time_to_regain_access": 19}, {"estimated_time_to_regain_access": 2}]}
)
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}


def response(status, body=b"", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, {name.replace("_", "-"): text for name, text in headers.items()}, raw, "")


def aws(kind, status=400):
    return response(status, {"__type": kind, "message": "Rate exceeded"})


def facebook(code, status=400, **more):
    return response(status, {"error": {"message": f"(#{code}) limit", "code": code, **more}})


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        # Salesforce
        (response(403, Sforce_Limit_Info="api-usage=15000/15000"), REFUSED),
        (response(403, Sforce_Limit_Info="api-usage=15001/15000"), REFUSED),
        (response(403, Sforce_Limit_Info="api-usage=9/15000; per-app-api-usage=250/250(appName=x)"), REFUSED),
        (response(403, Sforce_Limit_Info="api-usage=14999/15000"), NOTHING),
        (response(401, Sforce_Limit_Info="api-usage=15000/15000"), NOTHING),
        (response(403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}]), REFUSED),
        (response(403, [{"errorCode": "API_DISABLED_FOR_ORG"}]), NOTHING),
        # Facebook
        *[(facebook(code), REFUSED) for code in (4, 17, 32, 613, 80_000, 80_004, 80_099)],
        *[(facebook(code), NOTHING) for code in (1, 100, 190, 79_999, 80_100, "4", True, 4.0, None)],
        (response(400, b'{"error":{"code":4}}'), REFUSED),
        (facebook(4, type="OAuthException"), REFUSED),
        (facebook(4, type="invalid_argument"), NOTHING),
        (facebook(4, status=404), NOTHING),
        (
            response(400, {"error": {"code": 4}}, X_App_Usage='{"estimated_time_to_regain_access": 3}'),
            RetryHint(180.0, 429),
        ),
        (response(400, {"error": {"code": 4}}, X_Business_Use_Case_Usage=USAGE), RetryHint(1140.0, 429)),
        (response(400, {"error": {"code": 4}}, X_App_Usage='{"estimated_time_to_regain_access": 0}'), REFUSED),
        (response(400, {"error": {"code": 4}}, X_App_Usage='{"call_count": 100}'), REFUSED),
        (response(400, {"error": {"code": 4}}, X_App_Usage="a lot \udce9"), REFUSED),
        (response(400, {"error": {"code": 4}}, X_App_Usage='{"é\udce9": 1}'), REFUSED),
        (response(400, X_App_Usage='{"estimated_time_to_regain_access": 3}'), NOTHING),
        # AWS
        *[
            (aws(kind), REFUSED)
            for kind in (
                "ThrottlingException",
                "Throttling",
                "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException",
                "com.amazon.coral.availability#ThrottlingException",
                "TooManyRequestsException",
                "RequestLimitExceeded",
            )
        ],
        (response(400, {"code": "ThrottlingException"}), REFUSED),
        (aws("ThrottlingException", status=503), REFUSED),
        (aws("ValidationException"), NOTHING),
        (aws("ThrottlingException", status=404), NOTHING),
        (aws(["Throttling"]), NOTHING),
        (response(400, x_amzn_ErrorType="ThrottlingException"), REFUSED),
        (response(400, X_Amzn_Errortype="TooManyRequestsException:http://internal.amazon.com/coral/"), REFUSED),
        (response(400, x_amzn_errortype="ValidationException:http://e.com/Throttling"), NOTHING),
        # Discord, Telegram and others: the delay is in the body
        (
            response(429, {"message": "You are being rate limited.", "retry_after": 2.5, "global": False}),
            RetryHint(2.5, 429),
        ),
        (response(429, {"retryAfter": 3}), RetryHint(3.0, 429)),
        (response(429, {"retryAfter": "3"}), RetryHint(3.0, 429)),
        (response(429, {"retry_after_ms": 250}), RetryHint(0.25, 429)),
        (response(429, {"retry_after": 1, "retryAfterMs": 250}), RetryHint(0.25, 429)),
        (response(429, {"error": {"retry-after": 7}}), RetryHint(7.0, 429)),
        (response(429, {"ok": False, "error_code": 429, "parameters": {"retry_after": 35}}), RetryHint(35.0, 429)),
        (response(429, [{"retry_after": 4}]), RetryHint(4.0, 429)),
        (response(503, {"retry_after": 4}), RetryHint(4.0, 503)),
        *[(response(429, {"retry_after": amount}), REFUSED) for amount in (True, -1, "soon", None, [], 10**400)],
        (response(429, b'{"retry_after": 1e999}'), REFUSED),
        (response(429, b'{"retry_after": 2.5'), REFUSED),
        (response(429, b"retry_after: 2.5"), REFUSED),
        (response(429, {"retry_after": 2.5, "more": "x" * (1 << 16)}), REFUSED),
        (response(429, b"[" * 20_000), REFUSED),
        *[(response(status, {"retry_after": 2.5}), NOTHING) for status in (400, 403, 404, 500, 502)],
        # GitHub
        (response(403, SECONDARY), RetryHint(60.0, 429)),
        (response(429, SECONDARY), RetryHint(60.0, 429)),
        (response(404, SECONDARY), NOTHING),
        (response(403, {"message": "You have triggered an abuse detection mechanism."}), RetryHint(60.0, 429)),
        (response(403, SECONDARY, Retry_After="7"), RetryHint(7.0, 429)),
        (response(403, SECONDARY, X_RateLimit_Remaining="4999", X_RateLimit_Reset="3000"), RetryHint(60.0, 429)),
        (response(403, SECONDARY, X_RateLimit_Remaining="0", X_RateLimit_Reset="3000"), RetryHint(3000.0, 429)),
        (response(403, {"message": "Resource not accessible by integration"}), NOTHING),
        (response(403, X_RateLimit_Remaining="0"), REFUSED),
        (response(403, X_RateLimit_Remaining="0.0", X_RateLimit_Reset="9"), RetryHint(9.0, 429)),
        (response(403, X_RateLimit_Remaining="7", X_RateLimit_Reset="9"), NOTHING),
        # Slack, Notion and the standard
        (response(429), REFUSED),
        (response(429, Retry_After="30"), RetryHint(30.0, 429)),
        (response(503), NOTHING),
        (response(503, Retry_After="30"), RetryHint(30.0, 503)),
        (response(529, Retry_After="30"), RetryHint(30.0, 529)),
        (response(500, Retry_After="30"), RetryHint(30.0, 0)),
        # Retry-After takes precedence over a header, a header over the body
        (response(429, {"retry_after": 2}, Retry_After="9", RateLimit='"d";r=0;t=5'), RetryHint(9.0, 429)),
        (response(429, {"retry_after": 2}, RateLimit='"d";r=0;t=5'), RetryHint(5.0, 429)),
        (response(429, {"retry_after": 2}, RateLimit='"d";r=3;t=5'), RetryHint(2.0, 429)),
        (response(400, {"error": {"code": 4}, "retry_after": 2}, X_App_Usage=USAGE), RetryHint(1140.0, 429)),
        (
            response(400, {"error": {"code": 4}, "retry_after": 2}, Retry_After="9", X_App_Usage=USAGE),
            RetryHint(9.0, 429),
        ),
    ],
)
def test_a_refusal_is_recognised_in_each_apis_form(failed, expected):
    """The delay is read as well."""
    assert read_retry_hint(failed, epoch=0.0) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Stripe-Should-Retry": "true"}, True),
        ({"stripe-should-retry": " FALSE "}, False),
        ({"X-Should-Retry": "false"}, False),
        ({"Stripe-Should-Retry": "perhaps"}, None),
    ],
)
def test_a_should_retry_header_is_read(headers, expected):
    """Stripe's, and that of the APIs whose clients Stainless writes."""
    assert read_should_retry(Response(409, headers, b"", "")) is expected


WORDS = st.sampled_from(["error", "code", "__type", "retry_after", "retryAfter", "errorCode", "message", "parameters"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["Throttling", "7", "soon", "é"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(
    status=st.sampled_from([400, 401, 403, 429, 500, 503, 529]),
    body=JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=9),
    usage=JSON.map(json.dumps) | st.text() | st.just('{"estimated_time_to_regain_access": 1e308}'),
)
def test_fault_33_no_body_raises(status, body, usage):
    """For any body the delay is a number of seconds from 0."""
    delay, refusal_status = read_retry_hint(Response(status, {"X-App-Usage": usage}, body, ""), epoch=0.0)
    assert delay >= 0
    assert refusal_status in {0, 429, 503, 529}
