/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "cli/client_commands.h"
#include "cli/document.h"
#include "daemon/serve.h"

/* Started with a standard descriptor closed, a socket or a file of ours would take its number, and what is meant for
 * people would be written there. */
static void occupy_standard_descriptors(void) {
        int fd;

        do
                fd = open("/dev/null", O_RDWR);
        while (fd >= 0 && fd <= STDERR_FILENO);
        fd_close(fd);
}

/* Whoever ignores it hands that on to what he starts; and how a child of ours has ended, the kernel then tells nobody. */
static void hear_of_children(void) {
        signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv) {
        const struct command commands[] = {
                serve_command,  run_command,         exec_command,      deploy_command,
                invoke_command, logs_command,        functions_command, ps_command,
                evict_command,  rm_command,          layers_command,    layer_command,
                doctor_command, completions_command, man_command,       {},
        };
        const struct program program = {
                .name = "lambent",
                .version = LAMBENT_VERSION,
                .summary = "AWS Lambda on your own machine",
                .commands = commands,
        };

        occupy_standard_descriptors();
        hear_of_children();
        return command_main(&program, argc, argv);
}
