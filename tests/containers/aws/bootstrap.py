# SPDX-License-Identifier: Apache-2.0
"""In the place of AWS's /var/runtime/bootstrap.py: where modules are looked for, then AWS's client."""
import os
import runpy
import sys

version = "python%d.%d" % sys.version_info[:2]
layers = [f"/opt/python/lib/{version}/site-packages", "/opt/python"]
sys.path = [os.environ["LAMBDA_TASK_ROOT"], *layers, *sys.path[1:]]
sys.argv = ["awslambdaric", os.environ["_HANDLER"]]
runpy.run_module("awslambdaric", run_name="__main__")
