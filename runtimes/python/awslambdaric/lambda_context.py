# SPDX-License-Identifier: Apache-2.0
"""The second argument of every handler."""

import os
import sys
import time

# The only fields of `clientContext.w3c` that a function may see, and only when they are strings.
W3C_ALLOWED_FIELDS = ("traceparent", "tracestate", "baggage")


def _take_w3c(client_context):
    """Removes `w3c` from the caller's context: it is read through `LambdaContext.w3c()` alone."""
    fields = client_context.pop("w3c", None) if isinstance(client_context, dict) else None
    if not isinstance(fields, dict):
        return {}
    return {key: fields[key] for key in W3C_ALLOWED_FIELDS if isinstance(fields.get(key), str)}


def _describe(obj, names):
    return "%s([%s])" % (type(obj).__name__, ",".join("%s=%s" % (name, getattr(obj, name)) for name in names))


class _Record:
    __slots__ = ()

    def __repr__(self):
        return _describe(self, self.__slots__)


class CognitoIdentity(_Record):
    __slots__ = ["cognito_identity_id", "cognito_identity_pool_id"]


class Client(_Record):
    __slots__ = ["installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name"]


class ClientContext(_Record):
    __slots__ = ["custom", "env", "client"]


def make_obj_from_dict(_class, _dict, fields=None):
    if _dict is None:
        return None
    obj = _class()
    for field in _class.__slots__:
        setattr(obj, field, _dict.get(field, None))
    return obj


class LambdaContext(object):
    def __init__(
        self,
        invoke_id,
        client_context,
        cognito_identity,
        epoch_deadline_time_in_ms,
        invoked_function_arn=None,
        tenant_id=None,
    ):
        environ = os.environ
        self.aws_request_id = invoke_id
        self.log_group_name = environ.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = environ.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.function_name = environ.get("AWS_LAMBDA_FUNCTION_NAME")
        self.memory_limit_in_mb = environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environ.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.invoked_function_arn = invoked_function_arn
        self.tenant_id = tenant_id
        self._w3c_fields = _take_w3c(client_context)
        self.client_context = make_obj_from_dict(ClientContext, client_context)
        if self.client_context is not None:
            self.client_context.client = make_obj_from_dict(Client, self.client_context.client)
        self.identity = make_obj_from_dict(CognitoIdentity, {})
        if cognito_identity is not None:
            self.identity.cognito_identity_id = cognito_identity.get("cognitoIdentityId")
            self.identity.cognito_identity_pool_id = cognito_identity.get("cognitoIdentityPoolId")
        self._epoch_deadline_time_in_ms = epoch_deadline_time_in_ms

    def get_remaining_time_in_millis(self):
        return max(self._epoch_deadline_time_in_ms - int(time.time() * 1000), 0)

    def w3c(self):
        """The W3C trace context of this invocation."""
        return dict(self._w3c_fields)

    def log(self, msg):
        text = str(msg)
        logging = sys.modules.get("logging")
        if logging is None:
            from . import bootstrap

            bootstrap.log_sink.log(text)
            return
        for handler in logging.getLogger().handlers:
            if hasattr(handler, "log_sink"):
                handler.log_sink.log(text)
                return
        sys.stdout.write(text)

    def __repr__(self):
        return _describe(self, (
            "aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
            "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id",
        ))
