/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of a link alone: the test plays a daemon that says what it should not, and dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <sys/socket.h>

#include "init/carrier.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

struct far {
        struct loop *loop;
        struct carrier *carrier;
        struct place place;
        struct defer opened;
        int fd, api_fd, runtime_fd, port;
        unsigned frees, spawns;
        char *why;
        char **envp;
};

/* ---- a place that opens and spawns nothing ---- */

static struct far *far_of(struct place *place) {
        return container_of(place, struct far, place);
}

static void on_opened(struct defer *defer) {
        struct far *f = container_of(defer, struct far, opened);

        f->place.events->on_opened(&f->place, f->api_fd, "127.0.0.1:9001");
}

static int place_open(struct place *place) {
        struct far *f = far_of(place);
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);

        f->api_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(f->api_fd, (struct sockaddr *)&address, len), 0);
        assert_int_equal(listen(f->api_fd, 8), 0);
        assert_int_equal(getsockname(f->api_fd, (struct sockaddr *)&address, &len), 0);
        f->port = ntohs(address.sin_port);
        defer_call(f->loop, &f->opened, on_opened);
        return 0;
}

static int place_spawn(struct place *place, const struct process_spec *spec) {
        ++far_of(place)->spawns;
        far_of(place)->envp = (char **)(uintptr_t)spec->envp;
        return 0;
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
}

static void place_kill(struct place *place) {
}

static int place_freeze(struct place *place) {
        return 0;
}

static bool place_peer_is_ours(struct place *place, int fd) {
        return true;
}

static uint64_t place_memory(struct place *place) {
        return 0;
}

static pid_t place_pid(struct place *place) {
        return 0;
}

static void place_free(struct place *place) {
        defer_cancel(&far_of(place)->opened);
        ++far_of(place)->frees;
}

static const struct place_ops place_ops = {
        .open = place_open,
        .spawn = place_spawn,
        .signal = place_signal,
        .kill = place_kill,
        .drain_output = place_kill,
        .freeze = place_freeze,
        .thaw = place_kill,
        .peer_is_ours = place_peer_is_ours,
        .peak_memory = place_memory,
        .current_memory = place_memory,
        .pid = place_pid,
        .free = place_free,
};

static struct place *make_place(void *owner, const struct link_site *site) {
        return &((struct far *)owner)->place;
}

static void on_end(void *owner, const char *why) {
        ((struct far *)owner)->why = xstrdup(why);
}

static const char *const image[] = { "IMAGE=1",     "HOME=/root", "HOSTNAME=abc", "TZ=Mars", "LANG=C",
                                     "PATH=/image", "MINE=image", "ODD",          NULL };
static const struct carrier_ports ports = { .make_place = make_place, .environ = image, .on_end = on_end };

/* ---- the daemon ---- */

static void set(struct far *f) {
        int ends[2];

        *f = (struct far){ .runtime_fd = -1 };
        f->place = (struct place){
                .ops = &place_ops, .task_root = "/t", .opt_root = "/opt", .runtime_dir = "/r"
        };
        assert_int_equal(loop_new(&f->loop), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        f->carrier = carrier_new(f->loop, &ports, f);
        assert_int_equal(carrier_open(f->carrier, ends[0], ends[0]), 0);
        f->fd = ends[1];
}

static void turn(struct far *f) {
        for (unsigned i = 0; i < 6; ++i)
                assert_int_equal(loop_turn(f->loop, 0), 0);
}

static void say(struct far *f, struct link_message m) {
        AUTO(buf) struct buf frame = BUF_NULL(4 * MIB);

        assert_int_equal(link_encode(&frame, &m), 0);
        assert_int_equal(send(f->fd, buf_data(&frame), frame.len, MSG_NOSIGNAL), (ssize_t)frame.len);
        turn(f);
}

#define SAY(f, kind, ...) say(f, (struct link_message){ .type = kind, ##__VA_ARGS__ })

static void end(struct far *f) {
        carrier_free(f->carrier);
        assert_int_equal(loop_next_due(f->loop), NSEC_NEVER);
        loop_free(f->loop);
        fd_close(f->fd);
        if (f->runtime_fd >= 0)
                fd_close(f->runtime_fd);
        free(f->why);
}

static struct link_message start_message(void) {
        static const char vars[] = "MINE\0function", argv[] = "/bootstrap";

        return (struct link_message){
                .type = LINK_START,
                .start = { .spec = { .id = "00112233445566778899aabbccddeeff",
                                     .account = "a",
                                     .region = "r",
                                     .function = "f",
                                     .version = "1",
                                     .runtime = "provided.al2023",
                                     .memory_mb = 128,
                                     .timeout = SECOND,
                                     .log_group = "g",
                                     .log_stream = "s" },
                           .command = { .cwd = "/", .version_name = "v", .version_arn = "a" },
                           .vars = { vars, sizeof(vars) },
                           .has_command = true,
                           .argv = { argv, sizeof(argv) },
                           .init_limit = 10 * SECOND },
        };
}

static void begin_runtime(struct far *f, const char *runtime) {
        struct link_message m = start_message();

        m.start.spec.runtime = runtime;
        set(f);
        SAY(f, LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION });
        say(f, m);
        assert_null(f->why);
        assert_int_equal(f->spawns, 1);
}

static void begin(struct far *f) {
        begin_runtime(f, "provided.al2023");
}

static void make_ready(struct far *f) {
        static const char ask[] =
                "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t)f->port) };

        f->runtime_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(f->runtime_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(send(f->runtime_fd, ask, sizeof(ask) - 1, 0), sizeof(ask) - 1);
        turn(f);
}

static struct link_message invoke_message(uint32_t number, uint32_t len) {
        return (struct link_message){
                .type = LINK_INVOKE,
                .invoke = { number, { .request_id = ID, .arn = "a", .timeout = SECOND }, len }
        };
}

/* ---- tests ---- */

static const char out_of_turn[] = "the daemon said something out of its turn";

/* What may not be said before INIT is over, and what not at all. */
static void too_early(void **state) {
        const struct link_message messages[] = {
                start_message(), /* a second one */
                invoke_message(1, 0),    { .type = LINK_EVENT, .part = { 1, { "x", 1 } } },
                { .type = LINK_FREEZE }, { .type = LINK_THAW },
        };

        for (size_t i = 0; i < ARRAY_SIZE(messages); ++i) {
                struct far f;

                begin(&f);
                say(&f, messages[i]);
                assert_non_null(f.why);
                assert_string_equal(f.why, out_of_turn);
                end(&f);
                assert_int_equal(f.frees, 1);
        }
}

static void wrong_invocations(void **state) {
        static char data[LINK_CHUNK_MAX];
        struct far f;

        begin(&f);
        make_ready(&f);
        say(&f, invoke_message(2, 0)); /* the first is 1 */
        assert_string_equal(f.why, out_of_turn);
        end(&f);

        begin(&f);
        make_ready(&f);
        say(&f, invoke_message(1, 100));
        SAY(&f, LINK_EVENT, .part = { 1, { data, 101 } });
        assert_string_equal(f.why, "the daemon sent more of an event than it may");
        end(&f);

        begin(&f);
        make_ready(&f);
        say(&f, invoke_message(1, 2));
        SAY(&f, LINK_EVENT, .part = { 1, { "{}", 2 } });
        say(&f, invoke_message(2, 0)); /* while the first runs */
        assert_string_equal(f.why, out_of_turn);
        end(&f);

        begin(&f);
        make_ready(&f);
        SAY(&f, LINK_FREEZE);
        say(&f, invoke_message(1, 0)); /* frozen */
        assert_string_equal(f.why, out_of_turn);
        end(&f);
}

/* What is merely late is not wrong. */
static void late_words(void **state) {
        struct far f;

        begin(&f);
        make_ready(&f);
        SAY(&f, LINK_CREDIT, .credit = { 9, 1000 });
        SAY(&f, LINK_TUNNEL_CREDIT, .tunnel = { 9, 1000 });
        SAY(&f, LINK_ASK_STATS);
        assert_null(f.why);
        end(&f);
}

/* The beginning of an event, and then the end: nothing was delivered, nothing hangs. */
static void stopped_inside_an_event(void **state) {
        struct far f;

        begin(&f);
        make_ready(&f);
        say(&f, invoke_message(1, 100));
        SAY(&f, LINK_EVENT, .part = { 1, { "x", 1 } });
        SAY(&f, LINK_STOP);
        SAY(&f, LINK_EVENT, .part = { 1, { "x", 1 } });
        assert_null(f.why);
        f.place.events->on_emptied(&f.place);
        turn(&f);
        assert_string_equal(f.why, "done");
        assert_int_equal(f.frees, 1);
        end(&f);
}

static void stopped_before_it_began(void **state) {
        struct far f;

        set(&f);
        SAY(&f, LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION });
        SAY(&f, LINK_STOP);
        turn(&f);
        assert_string_equal(f.why, "done");
        end(&f);
}

static void the_daemon_dies(void **state) {
        struct far f;

        begin(&f);
        f.fd = fd_close(f.fd);
        turn(&f);
        assert_string_equal(f.why, "the link has ended");
        f.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        end(&f);
        assert_int_equal(f.frees, 1);
}

static const char *env_of(const struct far *f, const char *name) {
        size_t len = strlen(name);

        for (char **at = f->envp; *at; ++at)
                if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
                        return *at + len + 1;
        return "(unset)";
}

/* Defaults, the image, the function, the platform: later ones win. */
static void whose_variables_win(void **state) {
        struct far f;

        begin_runtime(&f, ""); /* the function is an image */
        assert_string_equal(env_of(&f, "IMAGE"), "1");
        assert_string_equal(env_of(&f, "TZ"), "Mars");
        assert_string_equal(env_of(&f, "LANG"), "C");
        assert_string_equal(env_of(&f, "PATH"), "/image");
        assert_string_equal(env_of(&f, "MINE"), "function");
        assert_string_equal(env_of(&f, "AWS_REGION"), "r");
        assert_string_equal(env_of(&f, "HOME"), "(unset)");
        assert_string_equal(env_of(&f, "HOSTNAME"), "(unset)");
        assert_string_equal(env_of(&f, "AWS_ENDPOINT_URL_LAMBDA"), "(unset)"); /* serves_api is false */
        end(&f);
}

/* What AWS sets for zip packages the image of their runtime does not know better. */
static void variables_of_a_zip_package(void **state) {
        struct far f;

        begin_runtime(&f, "python3.13");
        assert_string_equal(env_of(&f, "TZ"), ":UTC");
        assert_string_equal(env_of(&f, "LANG"), "en_US.UTF-8");
        assert_string_equal(env_of(&f, "IMAGE"), "1");
        assert_string_equal(env_of(&f, "PATH"), "/image");
        end(&f);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(too_early),
                cmocka_unit_test(wrong_invocations),
                cmocka_unit_test(late_words),
                cmocka_unit_test(stopped_inside_an_event),
                cmocka_unit_test(stopped_before_it_began),
                cmocka_unit_test(the_daemon_dies),
                cmocka_unit_test(whose_variables_win),
                cmocka_unit_test(variables_of_a_zip_package),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
