/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/client_commands.h"
#include "cli/document.h"
#include "daemon/serve.h"

int main(int argc, char **argv) {
        const struct command commands[] = {
                serve_command,  run_command,  exec_command,      deploy_command,
                invoke_command, logs_command, functions_command, ps_command,
                evict_command,  rm_command,   doctor_command,    completions_command,
                man_command,    {},
        };
        const struct program program = {
                .name = "lambent",
                .version = LAMBENT_VERSION,
                .summary = "AWS Lambda on your own machine",
                .commands = commands,
        };

        return command_main(&program, argc, argv);
}
