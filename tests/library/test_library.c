/* SPDX-License-Identifier: Apache-2.0 */
/* A stranger's program on liblambent: nothing but lambent.h, poll(2) and a real bootstrap. Arguments: libexec dir, runtimes dir, zip. */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lambent.h"

static const char *libexec_dir, *runtimes_dir, *zip_path;
static char data_dir[] = "/tmp/lambent-library-XXXXXX";

struct outcome {
        bool over, function_error;
        int r;
        enum lambent_error error;
        char text[4096], problem[1024];
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
        o->error = answer->error;
        snprintf(o->problem, sizeof(o->problem), "%s", answer->problem ? answer->problem : "");
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

static struct lambent *open_with(struct lambent_options options) {
        struct lambent *l = NULL;
        char *problem = NULL;
        int r;

        options.size = options.size ? options.size : sizeof(options);
        options.data_dir = data_dir;
        options.libexec_dir = libexec_dir;
        options.runtimes_dir = runtimes_dir;
        r = lambent_open(&options, &l, &problem);
        if (r)
                fail_msg("lambent_open: %s", problem ? problem : strerror(-r));
        return l;
}

static struct lambent *open_engine(void) {
        return open_with((struct lambent_options){});
}

/* What the deployment came to. */
static int deploy_function(struct lambent *l, struct lambent_function function, struct outcome *o) {
        size_t len = 0;
        void *zip = function.zip ? NULL : read_zip(&len);
        int r;

        *o = (struct outcome){};
        function.size = function.size ? function.size : sizeof(function);
        if (zip) {
                function.zip = zip;
                function.zip_len = len;
        }
        r = lambent_deploy(l, &function, on_deployed, o);
        free(zip);
        assert_int_equal(r, 0);
        turn_until(l, &o->over);
        return o->r;
}

static void deploy(struct lambent *l, const char *name, const char *handler) {
        struct outcome o;

        deploy_function(
                l,
                (struct lambent_function){
                        .name = name, .runtime = "provided.al2023", .handler = handler, .timeout_s = 1 },
                &o);
        assert_string_equal(o.text, "");
        assert_int_equal(o.r, 0);
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
        assert_string_equal(e->sandbox, "native");
        assert_null(e->container);
        assert_string_equal(e->runtime, "provided.al2023");
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

static void expect_error(struct lambent *l, const char *handler, enum lambent_error error) {
        struct outcome o;

        deploy(l, "wrong", handler);
        invoke(l, "wrong", "{}", 0, &o);
        if (o.error != error)
                fail_msg("%s: %s instead of %s: %s", handler, lambent_error_name(o.error),
                         lambent_error_name(error), o.text);
        assert_true(o.function_error);
        assert_string_equal(o.problem, "");
}

static void each_end_has_its_error(void **state) {
        struct lambent *l = open_engine();
        struct outcome o;

        deploy(l, "fine", "echo");
        invoke(l, "fine", "{}", 0, &o);
        assert_int_equal(o.error, LAMBENT_OK);
        expect_error(l, "post-error", LAMBENT_HANDLER_ERROR);
        expect_error(l, "invoke-hang", LAMBENT_TIMED_OUT);
        expect_error(l, "invoke-exit:3", LAMBENT_INVOCATION_FAILED);
        expect_error(l, "init-error", LAMBENT_INIT_ERROR);
        expect_error(l, "init-exit:1", LAMBENT_INIT_ERROR);
        lambent_close(l);
}

static void one_environment_too_few(void **state) {
        struct lambent *l = open_with((struct lambent_options){ .environments_max = 1 });
        struct outcome first = {}, second = {};

        deploy(l, "slow", "sleep-ms:200");
        assert_int_equal(lambent_invoke(l, "slow", "{}", 2, 0, &events, &first, NULL), 0);
        assert_int_equal(lambent_invoke(l, "slow", "{}", 2, 0, &events, &second, NULL), 0);
        turn_until(l, &second.over);
        turn_until(l, &first.over);
        assert_int_equal(first.error, LAMBENT_OK);
        assert_int_equal(second.error, LAMBENT_THROTTLED);
        assert_string_equal(second.text, "refused: throttled");
        assert_true(*second.problem);
        lambent_close(l);
}

static void what_cannot_be_deployed(void **state) {
        struct lambent *l = open_with((struct lambent_options){ .sandbox = "native" });
        struct lambent_function f = { .size = sizeof(f), .name = "odd", .runtime = "provided.al2023" };
        struct outcome o;

        assert_int_equal(lambent_deploy(l, &f, on_deployed, &o), LAMBENT_NO_CODE);
        f.zip = "x";
        f.zip_len = 1;
        f.runtime = "cobol85";
        assert_int_equal(lambent_deploy(l, &f, on_deployed, &o), LAMBENT_UNSUPPORTED_RUNTIME);
        f.image_uri = "example.com/image:1";
        assert_int_equal(lambent_deploy(l, &f, on_deployed, &o), -EINVAL); /* with a package beside it */
        f.zip = NULL;
        f.runtime = NULL;
        assert_int_equal(lambent_deploy(l, &f, on_deployed, &o), LAMBENT_NO_ENGINE);
        f.image_uri = "Not An Image";
        assert_int_equal(lambent_deploy(l, &f, on_deployed, &o), -EINVAL);

        f = (struct lambent_function){
                .name = "broken", .runtime = "provided.al2023", .zip = "no zip", .zip_len = 6
        };
        assert_int_equal(deploy_function(l, f, &o), LAMBENT_BAD_ZIP);
        assert_non_null(strstr(o.text, "unpacked"));
        invoke(l, "broken", "{}", 0, &o);
        assert_string_equal(o.text, "refused: failed");
        assert_int_equal(o.error, LAMBENT_BAD_ZIP);
        assert_non_null(strstr(o.problem, "unpacked"));
        /* No machine has this one, and natively nothing else will do. */
        f = (struct lambent_function){ .name = "old", .runtime = "dotnet6", .handler = "a::b" };
        assert_int_equal(deploy_function(l, f, &o), LAMBENT_UNSUPPORTED_RUNTIME);
        assert_true(*o.text);
        invoke(l, "old", "{}", 0, &o);
        assert_int_equal(o.error, LAMBENT_UNSUPPORTED_RUNTIME);
        lambent_close(l);
}

static void no_engine_to_be_had(void **state) {
        struct lambent *l = open_with((struct lambent_options){ .sandbox = "docker" });
        struct lambent_function f = { .name = "contained", .runtime = "provided.al2023" };
        struct lambent_function image = { .size = sizeof(image),
                                          .name = "image",
                                          .image_uri = "example.com/image:1" };
        struct outcome o;

        assert_int_equal(deploy_function(l, f, &o), LAMBENT_NO_ENGINE);
        assert_true(*o.text);
        o = (struct outcome){};
        assert_int_equal(lambent_deploy(l, &image, on_deployed, &o), 0);
        turn_until(l, &o.over);
        assert_int_equal(o.r, LAMBENT_NO_ENGINE);
        lambent_close(l);
}

static void an_older_program(void **state) {
        struct lambent *l = open_with((struct lambent_options){
                .size = offsetof(struct lambent_options, sandbox), .sandbox = "beyond its end" });
        struct lambent_options odd = { .size = sizeof(odd) + 1, .data_dir = data_dir };
        struct lambent_function f = {
                .size = offsetof(struct lambent_function, image_uri),
                .name = "older",
                .runtime = "provided.al2023",
                .handler = "echo",
                .image_uri = "beyond its end",
        };
        char *problem;
        struct outcome o;

        assert_int_equal(deploy_function(l, f, &o), 0);
        invoke(l, "older", "1", 0, &o);
        assert_string_equal(o.text, "1");
        f.size = 8;
        assert_int_equal(lambent_deploy(l, &f, on_deployed, &o), -EINVAL);
        lambent_close(l);
        assert_int_equal(lambent_open(&odd, &l, &problem), -EINVAL);
        odd.size = sizeof(odd);
        odd.sandbox = "vm";
        assert_int_equal(lambent_open(&odd, &l, &problem), -EINVAL);
}

static void on_stopped(void *ctx) {
        *(bool *)ctx = true;
}

static void stop_all_lets_the_busy_finish(void **state) {
        struct lambent *l = open_engine();
        struct outcome under_way = {}, late = {};
        bool stopped = false;

        deploy(l, "slow", "sleep-ms:100");
        invoke(l, "slow", "{}", 0, &late);
        assert_int_equal(lambent_invoke(l, "slow", "{}", 2, 0, &events, &under_way, NULL), 0);
        assert_int_equal(lambent_turn(l), 0); /* it begins */
        assert_int_equal(lambent_stop_all(l, false, on_stopped, &stopped), 1);
        invoke(l, "slow", "{}", 0, &late);
        assert_int_equal(late.error, LAMBENT_STOPPING);
        turn_until(l, &stopped);
        assert_true(under_way.over);
        assert_string_equal(under_way.text, "\"slept\"");
        lambent_close(l);
}

/* It has all our descriptors, for as long as it lives. */
static void a_program_that_has_forked(void **state) {
        struct lambent *l = open_engine();
        struct outcome o;
        int life[2];
        pid_t child;
        char byte;

        deploy(l, "echo", "echo");
        invoke(l, "echo", "1", 0, &o);
        assert_int_equal(pipe(life), 0);
        child = fork();
        if (child == 0) {
                close(life[1]);
                _exit((int)read(life[0], &byte, 1));
        }
        alarm(30);
        lambent_close(l);
        l = open_engine();
        lambent_close(l);
        alarm(0);
        close(life[0]);
        close(life[1]);
        assert_int_equal(waitpid(child, NULL, 0), child);
}

static void every_error_has_a_name(void **state) {
        assert_string_equal(lambent_error_name(LAMBENT_OK), "ok");
        assert_string_equal(lambent_error_name(LAMBENT_BAD_ZIP), "bad-zip");
        assert_string_equal(lambent_error_name((enum lambent_error)99), "unknown");
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
                cmocka_unit_test(deploy_invoke_restart),         cmocka_unit_test(streams_and_errors),
                cmocka_unit_test(a_locked_data_dir_is_refused),  cmocka_unit_test(each_end_has_its_error),
                cmocka_unit_test(one_environment_too_few),       cmocka_unit_test(what_cannot_be_deployed),
                cmocka_unit_test(no_engine_to_be_had),           cmocka_unit_test(an_older_program),
                cmocka_unit_test(stop_all_lets_the_busy_finish), cmocka_unit_test(every_error_has_a_name),
                cmocka_unit_test(a_program_that_has_forked),
        };
        char command[128];
        int failed;

        if (argc != 4 || !mkdtemp(data_dir))
                return 2;
        libexec_dir = argv[1];
        runtimes_dir = argv[2];
        zip_path = argv[3];
        setenv("LAMBENT_CONTAINER_CLI", "/nonexistent/engine", 1);
        failed = cmocka_run_group_tests(tests, NULL, NULL);
        snprintf(command, sizeof(command), "rm -rf %s", data_dir);
        return system(command) == 0 ? failed : 1;
}
