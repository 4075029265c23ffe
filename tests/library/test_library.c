/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's program on liblambent: nothing but lambent.h, poll(2) and a real bootstrap. Arguments: libexec dir, runtimes dir, zip. */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lambent.h"

static const char *libexec_dir, *runtimes_dir, *zip_path;
static char data_dir[] = "/tmp/lambent-library-XXXXXX";

struct outcome {
        bool over, function_error;
        int r;
        char text[4096];
        size_t streamed;
        struct lambent_invocation *invocation;
};

static void turn_until(struct lambent *l, const bool *over) {
        while (!*over) {
                struct pollfd waiting = { lambent_fd(l), POLLIN, 0 };

                assert_true(poll(&waiting, 1, lambent_timeout_ms(l)) >= 0);
                assert_int_equal(lambent_turn(l), 0);
        }
}

static void on_deployed(void *ctx, int r, const char *problem) {
        struct outcome *o = ctx;

        o->r = r;
        snprintf(o->text, sizeof(o->text), "%s", problem);
        o->over = true;
}

static void on_chunk(void *ctx, const char *data, size_t len) {
        struct outcome *o = ctx;

        o->streamed += len;
        lambent_credit(o->invocation, len);
}

static void on_answered(void *ctx, const struct lambent_answer *answer) {
        struct outcome *o = ctx;

        o->function_error = answer->function_error;
        if (answer->refused)
                snprintf(o->text, sizeof(o->text), "refused: %s", answer->refused);
        else
                snprintf(o->text, sizeof(o->text), "%.*s", (int)answer->payload_len, answer->payload);
        o->over = true;
}

static const struct lambent_events events = { .chunk = on_chunk, .answered = on_answered };

static void *read_zip(size_t *ret_len) {
        FILE *f = fopen(zip_path, "rb");
        char *bytes = malloc(8 << 20);

        assert_non_null(f);
        assert_non_null(bytes);
        *ret_len = fread(bytes, 1, 8 << 20, f);
        fclose(f);
        return bytes;
}

static struct lambent *open_engine(void) {
        struct lambent_options options = {
                .size = sizeof(options),
                .data_dir = data_dir,
                .libexec_dir = libexec_dir,
                .runtimes_dir = runtimes_dir,
        };
        struct lambent *l = NULL;
        char *problem = NULL;
        int r = lambent_open(&options, &l, &problem);

        if (r)
                fail_msg("lambent_open: %s", problem ? problem : strerror(-r));
        return l;
}

static void deploy(struct lambent *l, const char *name, const char *handler) {
        size_t len;
        void *zip = read_zip(&len);
        struct lambent_function function = {
                .size = sizeof(function),
                .name = name,
                .runtime = "provided.al2023",
                .handler = handler,
                .zip = zip,
                .zip_len = len,
        };
        struct outcome o = {};

        assert_int_equal(lambent_deploy(l, &function, on_deployed, &o), 0);
        turn_until(l, &o.over);
        assert_string_equal(o.text, "");
        assert_int_equal(o.r, 0);
        free(zip);
}

static void invoke(struct lambent *l, const char *name, const char *payload, unsigned flags,
                   struct outcome *o) {
        *o = (struct outcome){};
        assert_int_equal(lambent_invoke(l, name, payload, strlen(payload), flags, &events, o, &o->invocation),
                         0);
        turn_until(l, &o->over);
}

static void count_one(void *ctx, const struct lambent_environment *e) {
        ++*(int *)ctx;
        assert_true(strlen(e->id) == 32);
}

static void deploy_invoke_restart(void **state) {
        struct lambent *l = open_engine();
        struct outcome o;
        int environments = 0;

        deploy(l, "echo", "echo");
        invoke(l, "echo", "{\"a\":[1,2]}", 0, &o);
        assert_string_equal(o.text, "{\"a\":[1,2]}");
        assert_false(o.function_error);
        lambent_environments(l, count_one, &environments);
        assert_int_equal(environments, 1);
        assert_int_equal(lambent_invoke(l, "nobody", "{}", 2, 0, &events, &o, NULL), -2);
        assert_int_equal(lambent_invoke(l, "echo", "{", 1, 0, &events, &o, NULL), -22);
        lambent_close(l);

        /* The function is still there, and its code. */
        l = open_engine();
        do { /* preparation may still be under way: refused as pending, by an event */
                invoke(l, "echo", "7", 0, &o);
        } while (strcmp(o.text, "refused: pending") == 0);
        assert_string_equal(o.text, "7");
        assert_int_equal(lambent_evict(l, "echo", true), 1);
        assert_int_equal(lambent_remove(l, "echo"), 0);
        assert_int_equal(lambent_remove(l, "echo"), -2);
        lambent_close(l);
}

static void streams_and_errors(void **state) {
        struct lambent *l = open_engine();
        struct outcome o;

        deploy(l, "stream", "stream:1000000");
        invoke(l, "stream", "{}", LAMBENT_STREAM, &o);
        assert_int_equal(o.streamed, 1000000);
        deploy(l, "crash", "invoke-exit:3");
        invoke(l, "crash", "{}", 0, &o);
        assert_true(o.function_error);
        assert_non_null(strstr(o.text, "Runtime exited with error: exit status 3"));
        lambent_close(l);
}

static void a_locked_data_dir_is_refused(void **state) {
        struct lambent *first = open_engine(), *second = NULL;
        struct lambent_options options = {
                .size = sizeof(options),
                .data_dir = data_dir,
                .libexec_dir = libexec_dir,
                .runtimes_dir = runtimes_dir,
        };
        char *problem = NULL;

        assert_int_equal(lambent_open(&options, &second, &problem), -16);
        assert_non_null(strstr(problem, data_dir));
        free(problem);
        lambent_close(first);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(deploy_invoke_restart),
                cmocka_unit_test(streams_and_errors),
                cmocka_unit_test(a_locked_data_dir_is_refused),
        };
        char command[128];
        int failed;

        if (argc != 4 || !mkdtemp(data_dir))
                return 2;
        libexec_dir = argv[1];
        runtimes_dir = argv[2];
        zip_path = argv[3];
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        snprintf(command, sizeof(command), "rm -rf %s", data_dir);
        return system(command) == 0 ? failed : 1;
}
