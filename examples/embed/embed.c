/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program with a Lambda inside: deploys a package and invokes it, with nothing but lambent.h and poll(2).
 *
 *      cc -o embed embed.c $(pkg-config --cflags --libs lambent)
 *      (cd ../hello-python && zip -q /tmp/hello.zip lambda_function.py)
 *      ./embed /tmp/data python3.13 lambda_function.lambda_handler /tmp/hello.zip '{"name":"Ada"}'
 *
 *      ./embed /tmp/data --image example.com/hello:1 app.handler '{}'
 *
 * With more than one event the function is warm from the second on. LAMBENT_SANDBOX says where it runs: native, docker or
 * podman; auto when it is not set.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lambent.h>

#define ZIP_MAX (50 << 20)

struct task {
        bool over;
        int failed;
};

static void on_deployed(void *ctx, int r, const char *problem) {
        struct task *task = ctx;

        task->over = true;
        task->failed = r;
        if (r)
                fprintf(stderr, "embed: not deployed (%s): %s\n",
                        r > 0 ? lambent_error_name((enum lambent_error)r) : strerror(-r), problem);
}

static void on_answered(void *ctx, const struct lambent_answer *answer) {
        struct task *task = ctx;

        task->over = true;
        task->failed = (int)answer->error;
        fwrite(answer->log_tail, 1, answer->log_tail_len, stderr);
        if (answer->refused)
                fprintf(stderr, "embed: refused (%s): %s\n", answer->refused, answer->problem);
        else
                printf("%.*s\n", (int)answer->payload_len, answer->payload);
}

static void on_environment(void *ctx, const struct lambent_environment *e) {
        fprintf(stderr, "embed: %s runs in %s%s%.12s, invoked %llu times\n", e->function, e->sandbox,
                e->container ? " container " : "", e->container ? e->container : "",
                (unsigned long long)e->invocations);
}

static void on_stopped(void *ctx) {
        ((struct task *)ctx)->over = true;
}

/* Your own descriptors would be in the same poll. */
static int wait_for(struct lambent *l, const struct task *task) {
        int r = 0;

        while (!task->over && !r) {
                struct pollfd waiting = { lambent_fd(l), POLLIN, 0 };

                if (poll(&waiting, 1, lambent_timeout_ms(l)) < 0 && errno != EINTR)
                        return -errno;
                r = lambent_turn(l);
        }
        return r ? r : task->failed;
}

static void *read_file(const char *path, size_t *ret_len) {
        FILE *file = fopen(path, "rb");
        char *bytes = malloc(ZIP_MAX);

        if (!file || !bytes) {
                perror(path);
                exit(1);
        }
        *ret_len = fread(bytes, 1, ZIP_MAX, file);
        fclose(file);
        return bytes;
}

/* RUNTIME HANDLER ZIP, or --image URI COMMAND. */
static int deploy(struct lambent *l, char **what) {
        struct lambent_function function = { .size = sizeof(function), .name = "embedded" };
        struct task task = { 0 };
        void *zip = NULL;
        int r;

        if (strcmp(what[0], "--image") == 0) {
                function.image_uri = what[1];
                function.command = (const char *const *)&what[2];
                function.command_count = 1;
        } else {
                function.runtime = what[0];
                function.handler = what[1];
                function.zip = zip = read_file(what[2], &function.zip_len);
        }
        r = lambent_deploy(l, &function, on_deployed, &task);
        free(zip);
        if (r)
                on_deployed(&task, r, "at once");
        return r ? r : wait_for(l, &task);
}

static int invoke(struct lambent *l, const char *event) {
        static const struct lambent_events events = { .answered = on_answered };
        struct task task = { 0 };
        int r = lambent_invoke(l, "embedded", event, strlen(event), LAMBENT_TAIL, &events, &task, NULL);

        if (r)
                fprintf(stderr, "embed: not invoked: %s\n", strerror(-r));
        return r ? r : wait_for(l, &task);
}

int main(int argc, char **argv) {
        struct lambent_options options = { .size = sizeof(options), .sandbox = getenv("LAMBENT_SANDBOX") };
        struct task stopping = { 0 };
        struct lambent *l;
        char *problem;
        int r;

        if (argc < 6) {
                fprintf(stderr, "usage: %s DATA_DIR {RUNTIME HANDLER ZIP | --image URI COMMAND} EVENT…\n",
                        argv[0]);
                return 2;
        }
        options.data_dir = argv[1];
        r = lambent_open(&options, &l, &problem);
        if (r) {
                fprintf(stderr, "embed: %s\n", problem ? problem : strerror(-r));
                free(problem);
                return 1;
        }
        r = deploy(l, argv + 2);
        for (int i = 5; i < argc && !r; ++i)
                r = invoke(l, argv[i]);
        lambent_environments(l, on_environment, NULL);
        lambent_stop_all(l, false, on_stopped, &stopping);
        wait_for(l, &stopping);
        lambent_close(l);
        return r ? 1 : 0;
}
