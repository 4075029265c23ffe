#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# "function.handler" echoes; "function.fail" fails. What goes to stderr is log.

handler() {
    echo "bash guest: $1" >&2
    printf '{"echo":%s}' "$1"
}

fail() {
    echo "bash guest fails" >&2
    return 1
}
