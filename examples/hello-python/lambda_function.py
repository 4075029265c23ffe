# SPDX-License-Identifier: Apache-2.0
import platform


def lambda_handler(event, context):
    name = event.get("name", "world")
    print(f"greeting {name}, {context.get_remaining_time_in_millis()} ms left")
    return {"message": f"Hello, {name}!", "python": platform.python_version(), "requestId": context.aws_request_id}
