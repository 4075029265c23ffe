/* SPDX-License-Identifier: Apache-2.0 */
/* Closes the library over an idle environment of a function on aws-lambda-go, which has an extension. Arguments: DATA_DIR ZIP. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lambent.h"

static void on_deployed(void *ctx, int r, const char *problem) {
        *(int *)ctx = r ? -1 : 1;
        if (r)
                fprintf(stderr, "leave: %s\n", problem);
}

static void on_answered(void *ctx, const struct lambent_answer *answer) {
        *(int *)ctx = answer->error ? -1 : 1;
        printf("%.*s\n", (int)answer->payload_len, answer->payload);
}

static int wait_for(struct lambent *l, const int *done) {
        while (!*done) {
                struct pollfd waiting = { lambent_fd(l), POLLIN, 0 };

                if (poll(&waiting, 1, lambent_timeout_ms(l)) < 0 || lambent_turn(l))
                        return -1;
        }
        return *done < 0 ? -1 : 0;
}

static int begin(struct lambent *l, const char *zip) {
        static const char event[] = "{\"do\": \"echo\", \"payload\": 7}";
        static const struct lambent_events events = { .answered = on_answered };
        static const struct lambent_variable variable = { "TAKE_LEAVE", "1" };
        static char package[64 << 20];
        FILE *file = fopen(zip, "rb");
        int deployed = 0, answered = 0;
        struct lambent_function function = {
                .size = sizeof(function),
                .name = "leaves",
                .runtime = "provided.al2023",
                .handler = "any",
                .zip = package,
                .variables = &variable,
                .variable_count = 1,
                .timeout_s = 60,
        };

        function.zip_len = file ? fread(package, 1, sizeof(package), file) : 0;
        if (file)
                fclose(file);
        return lambent_deploy(l, &function, on_deployed, &deployed) || wait_for(l, &deployed) ||
               lambent_invoke(l, "leaves", event, strlen(event), 0, &events, &answered, NULL) ||
               wait_for(l, &answered);
}

int main(int argc, char **argv) {
        struct lambent_options options = { .size = sizeof(options), .sandbox = getenv("LAMBENT_SANDBOX") };
        struct lambent *l;
        char *problem;
        int r;

        options.data_dir = argc == 3 ? argv[1] : NULL;
        if (lambent_open(&options, &l, &problem)) {
                fprintf(stderr, "leave: %s\n", problem ? problem : "DATA_DIR ZIP");
                return 1;
        }
        r = begin(l, argv[2]);
        lambent_close(l);
        return r ? 1 : 0;
}
