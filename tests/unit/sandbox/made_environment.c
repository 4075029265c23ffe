/* SPDX-License-Identifier: Apache-2.0 */
#include "made_environment.h"

struct environment *made_environment(struct containers *containers, struct image *image,
                                     const char *task_dir) {
        static const char *const argv[] = { "/var/task/bootstrap", NULL };
        struct runtime_command command = {
                .argv = argv, .cwd = "/var/task", .version_name = "", .version_arn = ""
        };
        struct environment_spec spec = {
                .id = "0123456789abcdef0123456789abcdef",
                .account = "000000000000",
                .region = "us-east-1",
                .function = "fn",
                .version = "$LATEST",
                .runtime = "provided.al2023",
                .handler = "x",
                .memory_mb = 128,
                .tmp_mb = 512,
                .timeout = SECOND,
                .log_group = "g",
                .log_stream = "s",
                .task_dir = task_dir,
                .access_key_id = "a",
                .secret_access_key = "b",
                .session_token = "c",
        };

        return containers_environment_new(
                containers,
                &(struct container_spec){ .environment = &spec, .command = &command, .image = image });
}
