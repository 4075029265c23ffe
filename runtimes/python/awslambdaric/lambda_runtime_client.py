# SPDX-License-Identifier: Apache-2.0
"""The calls of the Runtime API, as one object. Anything but the expected status ends the process."""

from .http_wire import Wire

_ROOT = "/2018-06-01/runtime/"
_JSON = b"Content-Type: application/json\r\n"
# A cause beyond this is left out, as a header of that size is refused by the platform.
_XRAY_CAUSE_SIZE_MAX = 1024 * 1024


class LambdaRuntimeClientError(Exception):
    def __init__(self, endpoint, response_code, response_body):
        self.endpoint = endpoint
        self.response_code = response_code
        self.response_body = response_body
        super().__init__(
            "Request to Lambda Runtime '{}' endpoint failed. Reason: '{}'. Response body: '{}'".format(
                endpoint, response_code, response_body
            )
        )


class InvocationRequest:
    """One event as it came: identifiers and raw body."""

    __slots__ = (
        "invoke_id", "x_amzn_trace_id", "invoked_function_arn", "deadline_time_in_ms", "client_context",
        "cognito_identity", "tenant_id", "content_type", "event_body", "invocation_id",
    )

    def __init__(self, response):
        get = response.headers.get
        deadline = get("lambda-runtime-deadline-ms")
        self.invoke_id = get("lambda-runtime-aws-request-id")
        self.x_amzn_trace_id = get("lambda-runtime-trace-id")
        self.invoked_function_arn = get("lambda-runtime-invoked-function-arn")
        self.deadline_time_in_ms = int(deadline) if deadline else 0
        self.client_context = get("lambda-runtime-client-context")
        self.cognito_identity = get("lambda-runtime-cognito-identity")
        self.tenant_id = get("lambda-runtime-aws-tenant-id")
        self.invocation_id = get("lambda-runtime-invocation-id")
        self.content_type = get("content-type")
        self.event_body = response.body


class LambdaRuntimeClient:
    # A function may put an object of its own here to change how events and results are encoded.
    marshaller = None

    def __init__(self, lambda_runtime_address, use_thread_for_polling_next=False):
        self.lambda_runtime_address = lambda_runtime_address
        self._wire = Wire(lambda_runtime_address)

    def begin_next(self):
        """Asks for an event without waiting for it: the time until it comes is used for imports."""
        self._wire.send(b"GET", _ROOT + "invocation/next")

    def end_next(self):
        response = self._wire.receive()
        if response.status != 200:
            raise LambdaRuntimeClientError(_ROOT + "invocation/next", response.status, bytes(response.body))
        return InvocationRequest(response)

    def wait_next_invocation(self):
        self.begin_next()
        return self.end_next()

    def post_invocation_result(self, invoke_id, result_data, content_type="application/json", invocation_id=None):
        body = result_data if isinstance(result_data, bytes) else result_data.encode("utf-8")
        self._post_invocation(
            invoke_id, "response", b"Content-Type: %s\r\n" % content_type.encode("latin-1"), body, invocation_id
        )

    def post_invocation_error(self, invoke_id, error_response_data, xray_fault, invocation_id=None):
        lines = _JSON
        cause = xray_fault.encode("utf-8", "surrogatepass")
        if cause and len(cause) < _XRAY_CAUSE_SIZE_MAX:
            lines += b"Lambda-Runtime-Function-XRay-Error-Cause: %s\r\n" % cause
        self._post_invocation(invoke_id, "error", lines, error_response_data.encode("utf-8"), invocation_id)

    def post_init_error(self, error_response_data, error_type_override=None):
        error_type = error_type_override or error_response_data["errorType"]
        self._post_fault("init/error", error_response_data, error_type)

    def restore_next(self):
        self._wire.send(b"GET", _ROOT + "restore/next")
        self._expect("restore/next", 200)

    def report_restore_error(self, restore_error_data):
        self._post_fault("restore/error", restore_error_data, "Runtime.AfterRestoreError")

    def _post_invocation(self, invoke_id, verb, lines, body, invocation_id):
        if invocation_id:
            lines += b"Lambda-Runtime-Invocation-Id: %s\r\n" % invocation_id.encode("latin-1")
        endpoint = "invocation/%s/%s" % (invoke_id, verb)
        self._wire.send(b"POST", _ROOT + endpoint, lines, body)
        self._expect(endpoint, 202)

    def _post_fault(self, endpoint, error, error_type):
        from .lambda_runtime_marshaller import to_json

        line = b"Lambda-Runtime-Function-Error-Type: %s\r\n" % error_type.encode("utf-8", "replace")
        self._wire.send(b"POST", _ROOT + endpoint, _JSON + line, to_json(error).encode("utf-8", "surrogatepass"))
        self._expect(endpoint, 202)

    def _expect(self, endpoint, status):
        response = self._wire.receive()
        if response.status != status:
            raise LambdaRuntimeClientError(_ROOT + endpoint, response.status, bytes(response.body))
