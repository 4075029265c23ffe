/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator's life: one environment, kept as long as the program runs, and made anew should it be given up. */
#include "init/emulator.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "base/log.h"
#include "init/emulator_private.h"
#include "init/image_vars.h"
#include "init/place.h"
#include "runtime/extensions.h"

#define BACKLOG 128

extern char **environ;

static const struct http_limits limits = {
        .head = 64 * KIB, .head_time = 30 * SECOND, .idle_time = 3600 * SECOND, .connections = 256
};

static int make_environment(struct emulator *emulator);

/* ---- events of the environment ---- */

static void on_started(struct environment *e) {
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        struct emulator *emulator = e->owner;

        emulator->idle = !emulator->stopping;
        emulator_next(emulator);
}

static void on_head(struct environment *e, const char *content_type) {
        request_head(((struct emulator *)e->owner)->now, content_type);
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        request_chunk(((struct emulator *)e->owner)->now, data, len);
}

static void on_answered(struct environment *e, struct invocation_answer *answer) {
        request_answered(((struct emulator *)e->owner)->now, answer);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct emulator *emulator = e->owner;

        if (e->ending || emulator->stopping)
                return; /* gone follows */
        emulator->idle = true;
        emulator_next(emulator);
}

/* Whoever reads our standard error holds the function back when he is slow, as he would a program of his own. */
static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        while (len) {
                ssize_t n = write(STDERR_FILENO, line, len);

                if (n < 0 && errno != EINTR)
                        return;
                line += MAX(n, (ssize_t)0);
                len -= (size_t)MAX(n, (ssize_t)0);
        }
}

static void on_gone(struct environment *e, const char *why) {
        struct emulator *emulator = e->owner;
        int r;

        emulator->e = NULL;
        emulator->idle = false;
        e->ops->free(e);
        r = emulator->stopping ? 1 : make_environment(emulator);
        if (!r)
                return;
        if (r < 0)
                fprintf(stderr, "lambent-init: %s, and no other environment can be made: %s\n", why,
                        strerror(-r));
        emulator->status = r < 0;
        loop_quit(emulator->loop);
}

static const struct environment_events events = {
        .started = on_started,
        .ready = on_ready,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
        .idle = on_idle,
        .log = on_log,
        .gone = on_gone,
};

/* ---- making ---- */

static int make_environment(struct emulator *emulator) {
        const struct emulator_settings *settings = emulator->settings;
        const struct local_place_options place = {
                .output_fd = -1,
                .loop = emulator->loop,
                .api_port = ntohs(settings->runtime_api.sin_port),
                .uid = UINT32_MAX, /* as the image's user: the emulator never changes it */
                .gid = UINT32_MAX,
        };
        AUTO(str) char *group = xasprintf("/aws/lambda/%s", settings->function);
        struct environment_spec spec = {
                .account = "012345678912",
                .region = settings->region,
                .function = settings->function,
                .version = settings->version,
                .runtime = "provided.al2023",
                .handler = settings->handler,
                .memory_mb = settings->memory_mb,
                .timeout = settings->timeout,
                .log_group = group,
                .log_stream = "$LATEST",
        };
        char **extensions = extension_files("/opt");
        struct image_vars image;
        struct runtime_command command = { .argv = settings->argv,
                                           .cwd = settings->cwd,
                                           .version_name = "image",
                                           .version_arn = "arn:aws:lambda:::runtime:image" };
        struct supervisor_options options = { .loop = emulator->loop, .spec = &spec, .command = &command };
        int r;

        random_hex_id(spec.id);
        image_vars_read(&image, (const char *const *)environ, NULL, 0);
        spec.vars = image.vars;
        spec.var_count = image.count;
        options.extensions = (const char *const *)extensions;
        options.extensions_disabled = extension_files_disabled("/opt");
        options.place_consume = local_place_new(&place);
        emulator->e = supervisor_new(&options);
        image_vars_clear(&image);
        extension_files_free(extensions);
        emulator->e->events = &events;
        emulator->e->owner = emulator;
        r = emulator->e->ops->start(emulator->e);
        if (r) {
                emulator->e->ops->free(emulator->e);
                emulator->e = NULL;
        }
        return r;
}

/* The port may have been ours to choose. */
static void tell_address(int fd) {
        struct sockaddr_in bound = {};
        socklen_t len = sizeof(bound);
        char host[INET_ADDRSTRLEN];

        getsockname(fd, (struct sockaddr *)&bound, &len);
        inet_ntop(AF_INET, &bound.sin_addr, host, sizeof(host));
        fprintf(stderr, "lambent-init: POST http://%s:%u/2015-03-31/functions/function/invocations\n", host,
                ntohs(bound.sin_port));
}

static int listen_for_requests(struct emulator *emulator) {
        const struct sockaddr_in *address = &emulator->settings->listen;
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1, r;

        if (fd < 0)
                return -errno;
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 || listen(fd, BACKLOG) < 0) {
                r = -errno;
                fd_close(fd);
                return r;
        }
        r = http_listen(emulator->loop, fd, &emulator_handler, &limits, emulator, &emulator->listener);
        if (!r)
                tell_address(fd);
        return r;
}

/* ---- life ---- */

static void on_signal(struct termination *t) {
        struct emulator *emulator = container_of(t, struct emulator, termination);

        if (emulator->stopping)
                return;
        emulator->stopping = true;
        http_listener_stop(emulator->listener);
        emulator->e->ops->stop(emulator->e);
}

static int run(struct emulator *emulator, const char **ret_what) {
        int r = loop_new(&emulator->loop);

        *ret_what = "begin";
        r = r ?: termination_watch(&emulator->termination, emulator->loop, on_signal);
        if (r)
                return r;
        *ret_what = "listen for the Runtime API";
        r = make_environment(emulator);
        if (r)
                return r;
        *ret_what = "listen for invocations";
        r = listen_for_requests(emulator);
        return r ?: loop_run(emulator->loop);
}

int emulator_main(int argc, char **argv) {
        struct emulator_settings settings;
        struct emulator emulator = { .settings = &settings };
        const char *what;
        int r;

        if (emulator_read_settings(argc, argv, &settings))
                return 2;
        list_init(&emulator.waiting);
        emulator.arn =
                xasprintf("arn:aws:lambda:%s:012345678912:function:%s", settings.region, settings.function);
        r = run(&emulator, &what);
        if (r)
                fprintf(stderr, "lambent-init: cannot %s: %s\n", what, strerror(-r));
        http_listener_free(emulator.listener);
        request_drop(emulator.now);
        if (emulator.e)
                emulator.e->ops->free(emulator.e);
        termination_unwatch(&emulator.termination);
        loop_free(emulator.loop);
        free(emulator.arn);
        free((void *)(uintptr_t)settings.cwd);
        return r ? 1 : emulator.status;
}
