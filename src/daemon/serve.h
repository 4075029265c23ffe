/* SPDX-License-Identifier: Apache-2.0 */
/* serve - the daemon: opens sockets, engine and API on one loop, runs until a signal, drains, closes. */
#pragma once
#include "cli/command.h"

extern const struct command serve_command;
