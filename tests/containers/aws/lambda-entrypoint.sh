#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What AWS's images do at their start: one argument, the handler; the emulator unless there is a Runtime API already.
if [ $# -ne 1 ]; then
        echo "entrypoint requires the handler name to be the first argument" 1>&2
        exit 142
fi
export _HANDLER="$1"
if [ -z "$AWS_LAMBDA_RUNTIME_API" ]; then
        exec /usr/local/bin/aws-lambda-rie /var/runtime/bootstrap
fi
exec /var/runtime/bootstrap
