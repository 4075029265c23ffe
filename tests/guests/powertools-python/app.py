# SPDX-License-Identifier: Apache-2.0
"""A function as people write them with Powertools: structured logs, metrics on stdout, routes. For a managed Python runtime."""

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.metrics import MetricUnit

logger = Logger(service="guest")
metrics = Metrics(namespace="Guests", service="guest")
app = LambdaFunctionUrlResolver()


@app.get("/hello/<name>")
def hello(name: str):
    logger.info("hello was asked for", whom=name)
    metrics.add_metric(name="Hellos", unit=MetricUnit.Count, value=1)
    return {"hello": name}


@app.post("/echo")
def echo():
    return app.current_event.json_body


@app.get("/missing")
def missing():
    raise NotFoundError("there is nothing here")


@logger.inject_lambda_context(log_event=False)
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    return app.resolve(event, context)
