# SPDX-License-Identifier: Apache-2.0
"""A function on awslambdaric. The event says what to do: {"do": "echo"|"error"|"exit"|"context"|"log"|"set"}."""

import logging
import os
import sys


class GuestError(Exception):
    pass


def describe(context):
    return {
        "requestId": context.aws_request_id,
        "arn": context.invoked_function_arn,
        "function": context.function_name,
        "version": context.function_version,
        "memory": context.memory_limit_in_mb,
        "logGroup": context.log_group_name,
        "logStream": context.log_stream_name,
        "remainingMs": context.get_remaining_time_in_millis(),
        "clientContext": context.client_context and context.client_context.custom,
        "taskRoot": os.environ.get("LAMBDA_TASK_ROOT"),
    }


def handler(event, context):
    what = event.get("do")
    if what == "echo":
        return event.get("payload")
    if what == "error":
        raise GuestError("the guest failed")
    if what == "exit":
        sys.exit(3)
    if what == "context":
        return describe(context)
    if what == "log":
        print("printed by the guest")
        logging.getLogger().warning("warned by the guest")
        return "logged"
    if what == "set":
        return {1, 2, 3}
    raise ValueError(f"unknown request {what!r}")
