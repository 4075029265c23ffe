/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A supervisor between a runtime that says anything, a place in which anything happens, and an owner that
 * keeps to runtime/environment.h. Each byte of the input is an event. Whatever comes: every invocation is
 * answered once and then idle once, gone is the last word, and no descriptor, timer or byte is left.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "owner.h"
#include "runtime/supervisor_private.h"

#define CONNS 3

struct world {
        struct words words;
        struct owner owner;
        struct loop *loop;
        struct place place;
        struct sockaddr_un address;
        socklen_t address_len;
        int api_fd, conns[CONNS];
        bool opening, opened, killing; /* the place */
        bool alive[PROCESS_NUMBERS];
};

static uint8_t next(struct world *w) {
        return next_byte(&w->words);
}

/* ---- the place ---- */

static struct world *world_of(struct place *place) {
        return container_of(place, struct world, place);
}

static int place_open(struct place *place) {
        world_of(place)->opening = true;
        return 0;
}

static int place_spawn(struct place *place, const struct process_spec *spec) {
        struct world *w = world_of(place);

        must(w->opened && spec->process < PROCESS_NUMBERS && !w->alive[spec->process] && !w->killing);
        if (next(w) % 8 == 7)
                return -EAGAIN;
        w->alive[spec->process] = true;
        return 0;
}

static void place_kill(struct place *place) {
        struct world *w = world_of(place);

        must(w->opened && !w->killing);
        w->killing = true;
}

static void place_drain(struct place *place) {
}

static int place_freeze(struct place *place) {
        return next(world_of(place)) % 4 ? 0 : -EBUSY;
}

static void place_thaw(struct place *place) {
}

static bool place_peer_is_ours(struct place *place, int fd) {
        return true;
}

static uint64_t place_memory(struct place *place) {
        return 3 * MIB;
}

static pid_t place_pid(struct place *place) {
        return 0;
}

static void place_free(struct place *place) {
        struct world *w = world_of(place);

        if (w->api_fd >= 0 && !w->opened)
                w->api_fd = fd_close(w->api_fd);
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
        must(world_of(place)->opened && process < PROCESS_NUMBERS);
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

/* ---- the runtime ---- */

static int *conn(struct world *w) {
        int *fd = &w->conns[next(w) % CONNS];

        if (*fd < 0 && w->opened) {
                *fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                must(*fd >= 0);
                if (connect(*fd, (struct sockaddr *)&w->address, w->address_len))
                        *fd = fd_close(*fd);
        }
        return fd;
}

static void say(int fd, const char *text, size_t len) {
        char sink[4096];

        if (fd < 0)
                return;
        while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
        if (send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
                return; /* it hung up */
}

static void ask(struct world *w) {
        static const char text[] =
                "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";

        say(*conn(w), text, sizeof(text) - 1);
}

static void post(struct world *w) {
        static const char *const paths[] = { "invocation/" REQUEST_ID "/response",
                                             "invocation/" REQUEST_ID "/error", "init/error",
                                             "invocation/other/response" };
        static const char *const fields[] = { "", "Lambda-Runtime-Function-Response-Mode: streaming\r\n",
                                              "Lambda-Runtime-Function-Response-Mode: odd\r\n",
                                              "Content-Type: application/vnd.aws.lambda.error.cause+json\r\n",
                                              "Lambda-Runtime-Function-Error-Type: Function.Oops\r\n" };
        static const char *const bodies[] = {
                "Content-Length: 7\r\n\r\n{\"a\":1}",
                "Content-Length: 0\r\n\r\n",
                "Content-Length: 100\r\n\r\nhalf",
                "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n",
                "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: "
                "Runtime.Oops\r\n"
                "Lambda-Runtime-Function-Error-Body: eyJhIjoxfQ==\r\n\r\n",
                "Transfer-Encoding: chunked\r\n\r\n0\r\nLambda-Runtime-Function-Error-Type: \r\n\r\n",
        };
        int fd = *conn(w);
        char text[1024];
        int len = snprintf(text, sizeof(text),
                           "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s",
                           paths[next(w) % ARRAY_SIZE(paths)], fields[next(w) % ARRAY_SIZE(fields)],
                           bodies[next(w) % ARRAY_SIZE(bodies)]);

        say(fd, text, (size_t)len);
}

/* An extension that the supervisor knows, or somebody else. */
static void call_extensions_api(struct world *w) {
        static const char *const names[] = { "one", "two", "inside", "other", "" };
        static const char *const lists[] = { "{\"events\":[\"INVOKE\",\"SHUTDOWN\"]}",
                                             "{\"events\":[\"INVOKE\"]}", "{\"events\":[]}",
                                             "{\"events\":[\"X\"]}", "{\"events\":[[1]" };
        static const char *const calls[] = { "GET /2020-01-01/extension/event/next",
                                             "POST /2020-01-01/extension/init/error",
                                             "POST /2020-01-01/extension/exit/error" };
        const struct extensions *x = &supervisor_of(w->owner.e)->extensions;
        uint8_t how = next(w), who = next(w);
        const char *id = who < x->count ? x->all[who].id : REQUEST_ID;
        int fd = *conn(w);
        char text[1024];
        int len;

        if (how % 4 == 0) {
                const char *list = lists[how / 4 % ARRAY_SIZE(lists)];

                len = snprintf(text, sizeof(text),
                               "POST /2020-01-01/extension/register HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                               "Lambda-Extension-Name: %s\r\nContent-Length: %zu\r\n\r\n%s",
                               names[who % ARRAY_SIZE(names)], strlen(list), list);
        } else {
                len = snprintf(text, sizeof(text),
                               "%s HTTP/1.1\r\nHost: 127.0.0.1\r\nLambda-Extension-Identifier: %s\r\n%s\r\n",
                               calls[how % 4 - 1], id,
                               how & 64 ? "" : "Lambda-Extension-Function-Error-Type: Extension.Oops\r\n");
        }
        say(fd, text, (size_t)len);
}

static void say_anything(struct world *w) {
        int fd = *conn(w);
        struct link_bytes some = next_bytes(&w->words);

        say(fd, some.data, some.len);
}

/* ---- what happens ---- */

static void open_place(struct world *w) {
        if (!w->opening || w->opened || !w->owner.e || w->owner.gone)
                return;
        w->opened = true;
        w->place.events->on_opened(&w->place, w->api_fd, "127.0.0.1:9001");
}

static void process_ends(struct world *w) {
        uint8_t how = next(w);
        unsigned process = how & 128 ? PROCESS_EXTENSION + next(w) % EXTENSIONS_MAX : PROCESS_RUNTIME;

        if (!w->alive[process])
                return;
        w->alive[process] = false;
        w->place.events->on_exit(&w->place, process, (enum place_end)(how % 4), how / 4 % 32);
}

static void place_empties(struct world *w) {
        if (!w->killing)
                return;
        w->killing = false;
        memset(w->alive, 0, sizeof(w->alive));
        w->place.events->on_emptied(&w->place);
}

static void output(struct world *w) {
        struct link_bytes some = next_bytes(&w->words);

        w->place.events->on_output(&w->place, some.data, some.len);
}

static void one_event(struct world *w) {
        switch (next(w) % 20) {
        case 0:
        case 1:
                open_place(w);
                break;
        case 2:
        case 3:
                ask(w);
                break;
        case 4:
        case 5:
                post(w);
                break;
        case 6:
                say_anything(w);
                break;
        case 7: {
                int *fd = conn(w);

                *fd = fd_close(*fd);
                break;
        }
        case 8:
        case 9:
                owner_invoke(&w->owner);
                break;
        case 10:
                process_ends(w);
                break;
        case 11:
                place_empties(w);
                break;
        case 12:
                output(w);
                break;
        case 13:
                owner_freeze_or_thaw(&w->owner);
                break;
        case 14:
                if (next(w) % 4 == 0)
                        owner_stop(&w->owner);
                break;
        case 16:
        case 17:
        case 18:
        case 19:
                call_extensions_api(w);
                break;
        case 15:
                if (next(w) % 16 == 0)
                        w->place.events->on_lost(&w->place, "lost");
                else
                        owner_credit(&w->owner);
                break;
        }
}

static void turn(struct world *w) {
        for (unsigned i = 0; i < 3; ++i)
                must(loop_turn(w->loop, 0) == 0);
}

static void open_world(struct world *w) {
        static const char *const argv[] = { "/var/task/bootstrap", NULL };
        static const char *const extensions[] = { "one", "two", NULL };
        static const char *const too_many[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", NULL };
        struct environment_spec spec = {
                .function = "f", .version = "1", .runtime = "provided.al2023", .memory_mb = 128
        };
        struct runtime_command command = {
                .argv = argv, .cwd = "/", .version_name = "v", .version_arn = "arn"
        };
        uint8_t how = next(w);
        struct supervisor_options options = {
                .place_consume = &w->place,
                .spec = &spec,
                .command = &command,
                .init_limit = how & 1 ? MICROSECOND : 0,
        };

        must(loop_new(&w->loop) == 0);
        options.loop = w->loop;
        spec.log_json = how & 2;
        if ((how & 12) == 12)
                command.argv = NULL;
        if (how & 16)
                options.extensions = (how & 96) == 96 ? too_many : extensions;
        options.extensions_disabled = (how & 224) == 128;
        w->place = (struct place){
                .ops = &place_ops, .task_root = "/t", .opt_root = "/opt", .runtime_dir = "/r"
        };
        for (size_t i = 0; i < CONNS; ++i)
                w->conns[i] = -1;
        w->api_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        w->address.sun_family = AF_UNIX;
        /* No name: the kernel chooses an abstract one. */
        must(w->api_fd >= 0 && bind(w->api_fd, (struct sockaddr *)&w->address, sizeof(sa_family_t)) == 0);
        must(listen(w->api_fd, 16) == 0);
        w->address_len = sizeof(w->address);
        must(getsockname(w->api_fd, (struct sockaddr *)&w->address, &w->address_len) == 0);
        owner_begin(&w->owner, &w->words, supervisor_new(&options));
}

static void all_processes_end(struct world *w) {
        for (unsigned i = 0; i < PROCESS_NUMBERS && !w->owner.gone; ++i)
                if (w->alive[i]) {
                        w->alive[i] = false;
                        w->place.events->on_exit(&w->place, i, PLACE_EXITED, 0);
                }
}

/* Stopped, everything ends, in time. */
static void end_world(struct world *w) {
        if (w->owner.e && !w->owner.gone) {
                owner_stop(&w->owner);
                for (unsigned i = 0; i < 8 && w->owner.e && !w->owner.gone; ++i) {
                        turn(w);
                        if (w->owner.e && !w->owner.gone)
                                all_processes_end(w);
                        if (w->owner.e && !w->owner.gone)
                                place_empties(w);
                }
                must(w->owner.gone);
        }
        owner_end(&w->owner);
        must(loop_next_due(w->loop) == NSEC_NEVER);
        loop_free(w->loop);
        for (size_t i = 0; i < CONNS; ++i)
                fd_close(w->conns[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct world w = { .words = { data, size } };

        open_world(&w);
        for (unsigned steps = 0; w.words.left && w.owner.e && steps < 200; ++steps) {
                one_event(&w);
                turn(&w);
        }
        end_world(&w);
        return 0;
}
