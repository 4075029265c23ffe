/* SPDX-License-Identifier: Apache-2.0 */
/* The far end of a link alone: the test plays a daemon that says what it should not, and dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>

#include "init/carrier.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

struct far {
        struct loop *loop;
        struct carrier *carrier;
        struct place place;
        struct defer opened;
        int fd, api_fd, runtime_fd, port;
        unsigned frees, places, spawns, kills, freezes, thaws, signals;
        int open_error, spawn_error, lend_error, freeze_error, output_fd, shared_network;
        bool lends_nothing;
        char *why;
        char **envp;
        /* What the daemon is told. */
        struct line daemon;
        unsigned said[LINK_TYPES];
        int handed[HANDED_MOST];
        size_t handed_count;
        uint32_t handed_bits;
        char *text;
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

        if (f->open_error)
                return -f->open_error;
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
        return -far_of(place)->spawn_error;
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
        ++far_of(place)->signals;
}

static void place_kill(struct place *place) {
        ++far_of(place)->kills;
}

static void place_drain(struct place *place) {
}

static int place_freeze(struct place *place) {
        ++far_of(place)->freezes;
        return -far_of(place)->freeze_error;
}

static void place_thaw(struct place *place) {
        ++far_of(place)->thaws;
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
        struct far *f = far_of(place);

        defer_cancel(&f->opened);
        f->output_fd = fd_close(f->output_fd);
        ++f->frees;
}

static const struct place_ops place_ops = {
        .open = place_open,
        .spawn = place_spawn,
        .signal = place_signal,
        .kill = place_kill,
        .drain_output = place_drain,
        .freeze = place_freeze,
        .thaw = place_thaw,
        .peer_is_ours = place_peer_is_ours,
        .peak_memory = place_memory,
        .current_memory = place_memory,
        .pid = place_pid,
        .free = place_free,
};

static struct place *make_place(void *owner, const struct link_site *site, int output_fd) {
        struct far *f = owner;

        assert_int_equal(f->places++, f->frees); /* one at a time */
        f->output_fd = output_fd;
        return &f->place;
}

static int lend(void *owner, struct carrier_loan *ret_loan) {
        const struct far *f = owner;

        *ret_loan = (struct carrier_loan){ -1, -1, -1, 7 };
        if (!f->lends_nothing)
                ret_loan->memory_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return -f->lend_error;
}

static void on_end(void *owner, const char *why) {
        ((struct far *)owner)->why = xstrdup(why);
}

static const char *const image[] = { "IMAGE=1",     "HOME=/root", "HOSTNAME=abc", "TZ=Mars", "LANG=C",
                                     "PATH=/image", "MINE=image", "ODD",          NULL };
static const struct carrier_ports ports = {
        .make_place = make_place, .lend = lend, .environ = image, .on_end = on_end
};

/* ---- the daemon ---- */

static void set(struct far *f) {
        int ends[2];

        *f = (struct far){ .runtime_fd = -1, .output_fd = -1, .fd = -1 };
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

/* ---- the place is lent ---- */

static const char *on_daemon_message(struct line *line, const struct link_message *m) {
        struct far *f = container_of(line, struct far, daemon);
        int fd;

        ++f->said[m->type];
        if (m->type == LINK_OPENED) {
                f->handed_bits = m->opened.handed;
                while ((fd = line_take_fd(line)) >= 0)
                        f->handed[f->handed_count++] = fd;
        }
        if (m->type == LINK_KEPT || m->type == LINK_GONE)
                f->text = xstrdup(m->gone.why);
        if (m->type == LINK_EXIT)
                f->text = xasprintf("%u %u %u", m->exit.process, m->exit.end, m->exit.detail);
        return NULL;
}

static void on_daemon_end(struct line *line, const char *why) {
}

static const struct line_ops daemon_ops = { .on_message = on_daemon_message, .on_end = on_daemon_end };

static void tell(struct far *f, struct link_message m) {
        line_send(&f->daemon, &m);
        turn(f);
}

#define TELL(f, kind, ...) tell(f, (struct link_message){ .type = kind, ##__VA_ARGS__ })

/* A daemon with a line of its own. */
static void set_lender(struct far *f) {
        set(f);
        line_init(&f->daemon, f->loop, LINK_DAEMON, &daemon_ops, f);
        assert_int_equal(line_open(&f->daemon, f->fd, f->fd), 0);
        line_expect_fds(&f->daemon, HANDED_MOST);
        f->fd = -1;
        turn(f);
}

static int tell_open(struct far *f) {
        const struct link_message m = { .type = LINK_OPEN, .open.shared_network = f->shared_network };
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        line_send_fds(&f->daemon, &m, &ends[1], 1);
        turn(f);
        return ends[0];
}

static void end_lender(struct far *f) {
        line_deinit(&f->daemon);
        for (size_t i = 0; i < f->handed_count; ++i)
                fd_close(f->handed[i]);
        free(f->text);
        f->fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        end(f);
        assert_int_equal(f->places, f->frees);
}

static void tell_spawn(struct far *f) {
        static const char argv[] = "/bootstrap", envp[] = "A=b";

        TELL(f, LINK_SPAWN,
             .spawn = { PROCESS_RUNTIME, { argv, sizeof(argv) }, { envp, sizeof(envp) }, "/" });
}

static void lent(struct far *f) {
        set_lender(f);
        fd_close(tell_open(f));
        assert_int_equal(f->said[LINK_OPENED], 1);
}

static void a_place_is_lent(void **state) {
        struct far f;
        char byte;
        int output;

        set_lender(&f);
        output = tell_open(&f);
        assert_int_equal(f.said[LINK_OPENED], 1);
        assert_int_equal(f.handed_bits, 1u << HANDED_LISTENER | 1u << HANDED_MEMORY);
        assert_int_equal(f.handed_count, 2);
        assert_true(f.output_fd >= 0);
        assert_int_equal(write(f.output_fd, "x", 1), 1);
        assert_int_equal(read(output, &byte, 1), 1);
        tell_spawn(&f);
        assert_int_equal(f.spawns, 1);
        TELL(&f, LINK_FREEZE);
        TELL(&f, LINK_THAW);
        TELL(&f, LINK_THAW); /* once is enough */
        assert_int_equal(f.freezes, 1);
        assert_int_equal(f.thaws, 1);
        f.freeze_error = EBUSY;
        TELL(&f, LINK_FREEZE);
        TELL(&f, LINK_THAW); /* it simply ran on */
        assert_int_equal(f.thaws, 1);
        TELL(&f, LINK_SIGNAL, .signal = { PROCESS_RUNTIME, SIGTERM });
        assert_int_equal(f.signals, 1);
        TELL(&f, LINK_KILL);
        assert_int_equal(f.kills, 1);
        f.place.events->on_exit(&f.place, PROCESS_RUNTIME, PLACE_SIGNALED, SIGKILL);
        f.place.events->on_emptied(&f.place);
        turn(&f);
        assert_string_equal(f.text, "0 1 9");
        assert_int_equal(f.said[LINK_EMPTIED], 1);
        assert_null(f.why);
        end_lender(&f);
        fd_close(output);
}

/* Nothing by halves: it is kept, and then START works as if nothing had been said. */
static void a_place_is_kept(void **state) {
        for (unsigned how = 0; how < 4; ++how) {
                static const char *const why[] = {
                        "no descriptor came over the link",
                        "the container's memory cannot be read from outside",
                        "the container's memory cannot be read from outside",
                        "whose a connection is can only be asked inside",
                };
                struct far f;
                int output = -1;

                set_lender(&f);
                f.lend_error = how == 1 ? ENOENT : 0;
                f.lends_nothing = how == 2;
                f.shared_network = how == 3;
                if (how)
                        output = tell_open(&f);
                else
                        TELL(&f, LINK_OPEN);
                assert_int_equal(f.said[LINK_KEPT], 1);
                assert_string_equal(f.text, why[how]);
                assert_int_equal(f.handed_count, 0);
                tell(&f, start_message());
                assert_null(f.why);
                assert_int_equal(f.said[LINK_STARTED], 1);
                assert_int_equal(f.spawns, 1);
                end_lender(&f);
                fd_close(output);
        }
}

/* The descriptors were lost on the way: START is said after all, but not when it runs. */
static void a_place_is_taken_back(void **state) {
        struct far f;

        lent(&f);
        tell(&f, start_message());
        assert_null(f.why);
        assert_int_equal(f.frees, 1);
        assert_int_equal(f.said[LINK_STARTED], 1);
        end_lender(&f);

        lent(&f);
        tell_spawn(&f);
        tell(&f, start_message());
        assert_string_equal(f.why, out_of_turn);
        end_lender(&f);
}

static void a_place_that_does_not_open(void **state) {
        struct far f;

        set_lender(&f);
        f.open_error = EADDRINUSE;
        fd_close(tell_open(&f));
        assert_string_equal(f.text, "Address already in use");
        assert_string_equal(f.why, "done");
        end_lender(&f);
}

static void a_process_that_does_not_start(void **state) {
        struct far f;

        lent(&f);
        f.spawn_error = EACCES;
        tell_spawn(&f);
        assert_string_equal(f.text, "0 3 13");
        end_lender(&f);
}

static void a_place_is_lost(void **state) {
        struct far f;

        lent(&f);
        f.place.events->on_lost(&f.place, "no room");
        turn(&f);
        assert_string_equal(f.text, "no room");
        assert_string_equal(f.why, "done");
        end_lender(&f);
}

/* By a signal: the supervisor decides what that means. By the daemon, which did not know yet: that is all. */
static void a_lender_is_stopped(void **state) {
        struct far f;

        lent(&f);
        carrier_stop(f.carrier);
        turn(&f);
        assert_int_equal(f.said[LINK_STOP], 1);
        assert_null(f.why);
        end_lender(&f);

        lent(&f);
        TELL(&f, LINK_STOP);
        assert_string_equal(f.text, "stopped");
        assert_string_equal(f.why, "done");
        end_lender(&f);
}

static void wrong_words_to_a_lender(void **state) {
        static const char argv[] = "/b";
        const struct link_message messages[] = {
                { .type = LINK_SPAWN, .spawn = { 0, { argv, sizeof(argv) }, { NULL, 0 }, "/" } },
                { .type = LINK_SIGNAL, .signal = { 0, SIGKILL } },
                { .type = LINK_KILL },
                { .type = LINK_FREEZE },
                invoke_message(1, 0),
                { .type = LINK_EVENT, .part = { 1, { "x", 1 } } },
        };
        struct far f;

        for (size_t i = 0; i < ARRAY_SIZE(messages); ++i) {
                set_lender(&f); /* before OPEN */
                tell(&f, messages[i]);
                assert_string_equal(f.why, out_of_turn);
                end_lender(&f);
                if (i < 4)
                        continue;
                lent(&f); /* what is a supervisor's */
                tell(&f, messages[i]);
                assert_string_equal(f.why, out_of_turn);
                end_lender(&f);
        }
        lent(&f);
        fd_close(tell_open(&f)); /* again */
        assert_string_equal(f.why, out_of_turn);
        end_lender(&f);
}

static void the_lenders_daemon_dies(void **state) {
        struct far f;

        lent(&f);
        tell_spawn(&f);
        line_deinit(&f.daemon);
        turn(&f);
        assert_string_equal(f.why, "the link has ended");
        end_lender(&f);
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
                cmocka_unit_test(a_place_is_lent),
                cmocka_unit_test(a_place_is_kept),
                cmocka_unit_test(a_place_is_taken_back),
                cmocka_unit_test(a_place_that_does_not_open),
                cmocka_unit_test(a_process_that_does_not_start),
                cmocka_unit_test(a_place_is_lost),
                cmocka_unit_test(a_lender_is_stopped),
                cmocka_unit_test(wrong_words_to_a_lender),
                cmocka_unit_test(the_lenders_daemon_dies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
