/* SPDX-License-Identifier: Apache-2.0 */
/* client_commands - the verbs that ask a daemon, or bring their own. */
#pragma once
#include "cli/command.h"

extern const struct command deploy_command, invoke_command, logs_command, functions_command, ps_command,
        evict_command, rm_command, layer_command, layers_command, doctor_command, exec_command, run_command;
