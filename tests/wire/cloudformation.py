# SPDX-License-Identifier: Apache-2.0
"""As much of CloudFormation as deployment tools ask before they change a function by themselves: one stack that was deployed earlier.

What they ask besides is refused, and remembered in `unknown`.
"""

import http.server
import json
import threading
import urllib.parse
from xml.sax.saxutils import escape

NAMESPACE = "http://cloudformation.amazonaws.com/doc/2010-05-15/"
WHEN = "2026-01-01T00:00:00.000Z"


def xml(value, name):
    if isinstance(value, dict):
        return f"<{name}>" + "".join(xml(item, key) for key, item in value.items()) + f"</{name}>"
    if isinstance(value, list):
        return f"<{name}>" + "".join(xml(item, "member") for item in value) + f"</{name}>"
    return f"<{name}>{escape(str(value))}</{name}>"


class CloudFormation(http.server.ThreadingHTTPServer):
    """resources: {logical id: (type, physical id)}."""

    daemon_threads = True

    def __init__(self, stack, template, resources, account="000000000000"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.stack, self.template = stack, template
        self.id = f"arn:aws:cloudformation:us-east-1:{account}:stack/{stack}/0a1b2c3d-0000-0000-0000-000000000000"
        self.summaries = [
            {"LogicalResourceId": logical, "PhysicalResourceId": physical, "ResourceType": kind, "ResourceStatus": "CREATE_COMPLETE",
             "LastUpdatedTimestamp": WHEN}
            for logical, (kind, physical) in resources.items()]
        self.asked, self.unknown = [], []
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()

    def answer(self, form):
        action = form.get("Action")
        self.asked.append(action)
        if form.get("StackName", self.stack) not in (self.stack, self.id):
            return None
        if action == "DescribeStacks":
            return {"Stacks": [{"StackName": self.stack, "StackId": self.id, "StackStatus": "CREATE_COMPLETE", "CreationTime": WHEN,
                                "DisableRollback": "false", "Outputs": [], "Parameters": [], "Tags": [], "Capabilities": []}]}
        if action == "ListStackResources":
            return {"StackResourceSummaries": self.summaries}
        if action == "DescribeStackResources":
            return {"StackResources": [{"StackName": self.stack, "StackId": self.id, "Timestamp": WHEN,
                                        **{key: value for key, value in summary.items() if key != "LastUpdatedTimestamp"}} for summary in self.summaries]}
        if action == "GetTemplate":
            return {"TemplateBody": json.dumps(self.template), "StagesAvailable": ["Original", "Processed"]}
        return None


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode(errors="replace")
        form = dict(urllib.parse.parse_qsl(body))
        result = self.server.answer(form)
        action = form.get("Action", f"{self.command} {self.path}")
        if result is None:
            self.server.unknown.append((action, form.get("StackName")))
            status, text = 400, xml({"Error": {"Type": "Sender", "Code": "ValidationError", "Message": "no such thing here"}}, "ErrorResponse")
        else:
            status, text = 200, xml({f"{action}Result": result, "ResponseMetadata": {"RequestId": "0a1b2c3d-0000-0000-0000-000000000000"}},
                                    f"{action}Response").replace(">", f' xmlns="{NAMESPACE}">', 1)
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = serve

    def log_message(self, *_):
        pass
