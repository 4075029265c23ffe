/* SPDX-License-Identifier: Apache-2.0 */
/* The real lambent-init with a real runtime below it, over both kinds of link. */
#include "container.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>

static enum transport transport;

static void invocations_of_all_kinds(void **state) {
        struct container c;
        const char *answer;

        container_set(&c, transport);
        container_start(&c);
        assert_string_equal(container_ask(&c, "\"echo\""), "success - \"echo\"");
        answer = container_ask(&c, "\"post-error\"");
        assert_true(str_starts(answer, "handler-error "));
        answer = container_ask(&c, "\"invoke-exit:3\"");
        assert_true(str_starts(answer, "exit Runtime.ExitError {\"errorType\":\"Runtime.ExitError\""));
        assert_non_null(strstr(answer, "Error: Runtime exited with error: exit status 3\"}"));
        answer = container_ask(&c, "\"invoke-segv\"");
        assert_non_null(strstr(answer, "signal: segmentation fault"));
        assert_true(str_starts(container_ask(&c, "\"big:6291556\""), "success - (6291556 bytes)"));
        assert_true(
                str_starts(container_ask(&c, "\"big:6291557\""), "bad-answer Function.ResponseSizeTooLarge"));
        c.order.timeout = 200 * MILLISECOND;
        answer = container_ask(&c, "\"invoke-hang\"");
        assert_non_null(strstr(answer, "timeout Sandbox.Timedout"));
        assert_non_null(strstr(answer, "Task timed out after 0.20 seconds"));
        c.order.timeout = 10 * SECOND;
        assert_string_equal(container_ask(&c, "\"echo\""), "success - \"echo\"");
        container_end(&c);
}

static void a_large_event(void **state) {
        char *event = xmalloc(PAYLOAD_MAX + 1);
        struct container c;

        memset(event, 'x', PAYLOAD_MAX);
        event[0] = event[PAYLOAD_MAX - 1] = '"';
        event[PAYLOAD_MAX] = '\0';
        container_set(&c, transport);
        c.word = "echo";
        container_start(&c);
        for (unsigned i = 0; i < 3; ++i)
                assert_string_equal(container_ask(&c, event), "success - (6291456 bytes)");
        container_end(&c);
        free(event);
}

/* The caller takes nothing: the runtime waits, and nothing piles up. Then it takes all. */
static void a_stream_is_held_back(void **state) {
        struct container c;
        size_t before;

        container_set(&c, transport);
        container_start(&c);
        c.order.stream = true;
        c.hold_credit = true;
        container_invoke(&c, "\"stream:4000000\"");
        container_await(&c, "head ");
        while (c.chunks.len < ENVIRONMENT_WINDOW)
                assert_int_equal(loop_turn(c.loop, SECOND), 0);
        for (unsigned i = 0; i < 20; ++i) /* what was on its way arrives */
                assert_int_equal(loop_turn(c.loop, 10 * MILLISECOND), 0);
        before = c.chunks.len;
        assert_in_range(before, ENVIRONMENT_WINDOW, ENVIRONMENT_WINDOW + 4 * LOOP_SCRATCH);
        c.hold_credit = false;
        c.e->ops->credit(c.e, before);
        container_await(&c, "answered success");
        container_await(&c, "idle success");
        assert_int_equal(c.chunks.len, 4000000);
        container_end(&c);
}

static void init_failures(void **state) {
        struct container c;
        const char *answer;

        container_set(&c, transport);
        c.word = "init-exit:7";
        container_begin(&c);
        container_await(&c, "ready failed");
        answer = container_ask(&c, "{}");
        assert_true(str_starts(answer, "init-error Runtime.ExitError"));
        assert_non_null(strstr(answer, "exit status 7"));
        container_end(&c);

        container_set(&c, transport);
        c.word = "init-error";
        container_begin(&c);
        container_await(&c, "ready failed");
        answer = container_ask(&c, "{}");
        assert_true(str_starts(answer,
                               "init-error Runtime.GuestInit {\"errorMessage\":\"the guest cannot start\""));
        container_end(&c);
}

/* Lines of both streams in their order, around them the platform's. */
static void the_log_is_whole(void **state) {
        struct container c;
        const char *at;
        size_t lines = 0;

        container_set(&c, transport);
        container_start(&c);
        container_ask(&c, "\"log:20000\"");
        assert_int_equal(buf_append(&c.log, "", 1), 0);
        at = strstr(buf_data(&c.log), "START RequestId: ");
        assert_non_null(at);
        for (; (at = strchr(at, '\n')); ++at)
                ++lines;
        assert_int_equal(lines, 40000 + 3);
        container_end(&c);
}

static bool mentions(const char *answer, const char *text) {
        return strstr(answer, text) != NULL;
}

/* The image's variables reach the function, what the engine sets does not; ids and privileges are a function's. */
static void who_the_function_is(void **state) {
        struct container c;
        const char *answer;

        container_set(&c, transport);
        container_start(&c);
        answer = container_ask(&c, "\"env\"");
        assert_true(mentions(answer, "\"AWS_LAMBDA_RUNTIME_API\":\"127.0.0.1:9001\""));
        assert_true(mentions(answer, "\"IMAGE\":\"yes\"") && mentions(answer, "\"MINE\":\"1\""));
        assert_true(mentions(answer, "\"PATH\":\"/usr/sbin:/usr/bin:/sbin:/bin\""));
        assert_false(mentions(answer, "HOSTNAME"));
        answer = container_ask(&c, "\"uid\"");
        assert_true(mentions(answer, "\"uid\":993,\"euid\":993,\"gid\":993,\"egid\":993,\"groups\":[993]"));
        assert_true(mentions(answer, "\"NoNewPrivs\":\"1\"") &&
                    mentions(answer, "\"CapEff\":\"0000000000000000\""));
        /* PID 1 belongs to somebody else, and is not to be looked into. */
        assert_true(mentions(container_ask(&c, "\"read-file:/proc/1/environ\""), "EACCES"));
        assert_true(mentions(container_ask(&c, "\"list-dir:/proc/1/fd\""), "EACCES"));
        container_end(&c);
}

/* With the uid of init itself it is no easier. */
static void the_same_uid_does_not_help(void **state) {
        struct container c;

        container_set(&c, transport);
        c.uid = REMOTE_KEEP_ID;
        container_start(&c);
        container_ask(&c, "\"uid\"");
        assert_string_equal(container_ask(&c, "\"echo\""), "success - \"echo\"");
        container_end(&c);
}

/* A child that the runtime leaves behind dies with its generation, and so does what holds the output open. */
static void leftovers_die(void **state) {
        struct container c;

        container_set(&c, transport);
        container_start(&c);
        container_ask(&c, "\"fork-child\"");
        container_ask(&c, "\"invoke-exit:1\"");
        assert_string_equal(container_ask(&c, "\"echo\""), "success - \"echo\"");
        container_end(&c);
}

static void frozen_and_thawed(void **state) {
        struct container c;

        container_set(&c, transport);
        container_start(&c);
        for (unsigned i = 0; i < 3; ++i) {
                c.e->ops->freeze(c.e);
                c.e->ops->thaw(c.e);
                assert_string_equal(container_ask(&c, "\"echo\""), "success - \"echo\"");
        }
        c.e->ops->freeze(c.e);
        c.e->ops->stop(c.e);
        container_await(&c, "gone stopped");
        container_end(&c);
}

static void stopped_under_an_invocation(void **state) {
        struct container c;

        container_set(&c, transport);
        container_start(&c);
        container_invoke(&c, "\"invoke-hang\"");
        c.e->ops->stop(c.e);
        assert_true(mentions(container_await(&c, "answered sandbox-failure"),
                             "the execution environment was stopped"));
        container_await(&c, "gone stopped");
        container_end(&c);
}

/* SIGTERM to unshare would only kill that: PID 1 is its child. */
static pid_t pid_of_init(const struct container *c) {
        char path[64], text[32] = "";
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/task/%d/children", c->pid, c->pid);
        file = fopen(path, "re");
        assert_non_null(file);
        assert_non_null(fgets(text, sizeof(text), file));
        fclose(file);
        return (pid_t)strtol(text, NULL, 10);
}

static void told_to_end_from_outside(void **state) {
        struct container c;

        container_set(&c, transport);
        container_start(&c);
        assert_int_equal(kill(pid_of_init(&c), SIGTERM), 0);
        container_await(&c, "gone stopped");
        container_end(&c);
}

static void killed_from_outside(void **state) {
        struct container c;

        container_set(&c, transport);
        container_start(&c);
        container_invoke(&c, "\"invoke-hang\"");
        assert_int_equal(kill(pid_of_init(&c), SIGKILL), 0);
        assert_true(mentions(container_await(&c, "answered sandbox-failure"), "Sandbox.Failure"));
        container_await(&c, "gone the link has ended");
        container_end(&c);
}

/* A port of this machine's loopback is the function's own; one that was not offered is not. */
static void localhost_is_ours(void **state) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        AUTO(fd) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        socklen_t len = sizeof(address);
        struct container c;
        char event[64];
        int peer = -1;

        assert_int_equal(bind(fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        container_set(&c, transport);
        c.ports[c.port_count++] = ntohs(address.sin_port);
        container_start(&c);
        snprintf(event, sizeof(event), "\"connect:127.0.0.1:%u\"", ntohs(address.sin_port));
        assert_string_equal(container_ask(&c, event), "success - \"connected\"");
        while ((peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) < 0)
                assert_int_equal(loop_turn(c.loop, 100 * MILLISECOND), 0);
        close(peer);
        snprintf(event, sizeof(event), "\"connect:[::1]:%u\"", ntohs(address.sin_port));
        assert_string_equal(container_ask(&c, event), "success - \"connected\"");
        snprintf(event, sizeof(event), "\"connect:127.0.0.1:%u\"", ntohs(address.sin_port) ^ 1);
        assert_string_equal(container_ask(&c, event), "success - \"ECONNREFUSED\"");
        container_end(&c);
}

static void the_aws_api_leads_home(void **state) {
        struct container c;
        const char *at;
        char event[64];

        container_set(&c, transport);
        container_start(&c);
        at = strstr(container_ask(&c, "\"env\""), "\"AWS_ENDPOINT_URL_LAMBDA\":\"http://");
        assert_non_null(at);
        at = strstr(at, "://") + 3;
        snprintf(event, sizeof(event), "\"connect:%.*s\"", (int)strcspn(at, "\""), at);
        assert_string_equal(container_ask(&c, event), "success - \"connected\"");
        while (!c.served)
                assert_int_equal(loop_turn(c.loop, 100 * MILLISECOND), 0);
        container_end(&c);
}

static const char extension[] =
        "#!/bin/sh\n"
        "api=http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension\n"
        "id=$(curl -s -D - -o /dev/null -H 'Lambda-Extension-Name: ext' -d '{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}' $api/register |\n"
        "     tr -d '\\r' | sed -n 's/^[Ll]ambda-[Ee]xtension-[Ii]dentifier: //p')\n"
        "while curl -s -H \"Lambda-Extension-Identifier: $id\" $api/event/next; do echo; done\n";

static bool has_logged(struct container *c, const char *text) {
        return c->log.len && memmem(buf_data(&c->log), c->log.len, text, strlen(text));
}

/* A file in /opt/extensions is a process beside the runtime, told of invocations and of the end. */
static void extensions_take_part(void **state) {
        struct container c;

        container_set(&c, transport);
        c.extension = extension;
        container_start(&c);
        assert_true(c.e->has_extensions);
        assert_string_equal(container_ask(&c, "\"echo\""), "success - \"echo\"");
        assert_true(has_logged(&c, "EXTENSION\tName: ext\tState: Ready\tEvents: "));
        c.e->ops->stop(c.e);
        container_await(&c, "gone stopped");
        assert_true(has_logged(&c, "\"eventType\":\"INVOKE\""));
        assert_true(has_logged(&c, "\"eventType\":\"SHUTDOWN\""));
        assert_true(has_logged(&c, "\"shutdownReason\":\"spindown\""));
        container_end(&c);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(invocations_of_all_kinds),   cmocka_unit_test(a_large_event),
                cmocka_unit_test(a_stream_is_held_back),      cmocka_unit_test(init_failures),
                cmocka_unit_test(the_log_is_whole),           cmocka_unit_test(who_the_function_is),
                cmocka_unit_test(the_same_uid_does_not_help), cmocka_unit_test(leftovers_die),
                cmocka_unit_test(frozen_and_thawed),          cmocka_unit_test(stopped_under_an_invocation),
                cmocka_unit_test(told_to_end_from_outside),   cmocka_unit_test(killed_from_outside),
                cmocka_unit_test(localhost_is_ours),          cmocka_unit_test(the_aws_api_leads_home),
                cmocka_unit_test(extensions_take_part),
        };

        if (!container_can_run()) {
                puts("1..0 # SKIP needs root and namespaces");
                return 77;
        }
        transport = argc > 1 && streq(argv[1], "stdio") ? OVER_STDIO : OVER_SOCKET;
        return cmocka_run_group_tests(tests, NULL, NULL);
}
