/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container driver against an engine that answers what the input says: version, network, events, census, image, pull,
 * trial, creation, attach, start. The input is a list of answers, each [kind][length, two bytes][bytes]; where it has none the
 * engine answers well, so that the next one meets the driver further in. Whatever comes: each who waits hears once, and
 * nothing stays but what the next daemon finds.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>

#include "http/http.h"
#include "sandbox/engine/containers.h"

#define TURNS 60         /* after which nothing that matters is under way */
#define TURN MILLISECOND /* for what the worker does */

enum kind { WELL, FINE, CREATED, MISSING, REFUSED, WRONG, BREAKS, KINDS };

struct trial {
        const uint8_t *data;
        size_t left;
        struct containers *containers;
        struct containers_wait wait;
        struct image_ask ask;
        struct image *image;
        struct environment *environment;
        unsigned answers, images, goings;
        int link_fd;
};

static struct loop *loop;
static struct http_listener *listener;
static struct trial *now;
static char folder[] = "/tmp/lambent-fuzz-XXXXXX", init_path[64], socket_path[108], door[512];
static struct utsname host;

/* ---- the engine ---- */

static const char *architecture(void) {
        return streq(host.machine, "x86_64") ? "amd64" : "arm64";
}

/* The next answer of the input; WELL when there is none. */
static enum kind take_answer(const char **ret_bytes, size_t *ret_len) {
        enum kind kind;
        size_t len;

        if (now->left < 3)
                return WELL;
        kind = (enum kind)(now->data[0] % KINDS);
        len = MIN((size_t)(now->data[1] << 8 | now->data[2]), now->left - 3);
        *ret_bytes = (const char *)now->data + 3;
        *ret_len = len;
        now->data += 3 + len;
        now->left -= 3 + len;
        return kind;
}

/* Its body told us which folder is the door. */
static void keep_door(const struct buf *body) {
        static const char before[] = "\"Source\":\"";
        AUTO(str) char *text = body->len ? xmemdup(buf_data(body), body->len) : xstrdup("");
        const char *target = strstr(text, "\"/lambent/link\""), *source = NULL;

        for (const char *at = text; target && (at = strstr(at, before)) && at < target; ++at)
                source = at + sizeof(before) - 1;
        if (source)
                snprintf(door, sizeof(door), "%.*s", (int)strcspn(source, "\""), source);
}

static void knock(void) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };

        if (!*door || now->link_fd >= 0 || strlen(door) + sizeof("/link") > sizeof(at.sun_path))
                return;
        snprintf(at.sun_path, sizeof(at.sun_path), "%.90s/link", door);
        now->link_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (connect(now->link_fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                now->link_fd = fd_close(now->link_fd);
}

static void answer_well(struct http_exchange *x, const struct buf *body) {
        AUTO(str) char *text = NULL;
        int status = 200;

        if (streq(x->path, "/version"))
                text = xasprintf(
                        "{\"Version\":\"1\",\"Arch\":\"%s\",\"Os\":\"linux\",\"KernelVersion\":\"%s\"}",
                        architecture(), host.release);
        else if (streq(x->path, "/containers/json"))
                text = xstrdup("[]");
        else if (str_starts(x->path, "/images/"))
                text = xasprintf("{\"Id\":\"sha256:1111\",\"Architecture\":\"%s\",\"Config\":{}}",
                                 architecture());
        else if (streq(x->path, "/containers/create"))
                text = xasprintf("{\"Id\":\"id%p\"}", (void *)x);
        else
                text = xstrdup("{}");
        if (streq(x->path, "/containers/create")) {
                keep_door(body);
                status = 201;
        }
        if (strstr(x->path, "/start"))
                knock();
        http_respond(x, status, NULL, text, strlen(text));
}

/* Streams end: what they said was all. */
static void answer(struct http_exchange *x, int status, const char *bytes, size_t len) {
        http_respond(x, status, NULL, bytes, status == 204 ? 0 : len);
}

static void on_end(struct http_exchange *x) {
        const struct buf *body = x->owner;
        const char *bytes = NULL;
        size_t len = 0;
        enum kind kind = x->method == HTTP_DELETE_ ? WELL : take_answer(&bytes, &len);

        switch (kind) {
        case WELL:
                answer_well(x, body);
                break;
        case FINE:
                answer(x, 200, bytes, len);
                break;
        case CREATED:
                keep_door(body);
                answer(x, 201, bytes, len);
                knock();
                break;
        case MISSING:
                answer(x, 404, bytes, len);
                break;
        case REFUSED:
                answer(x, 409, bytes, len);
                break;
        case WRONG:
                answer(x, 500, bytes, len);
                break;
        case BREAKS:
        case KINDS:
                http_abort(x);
                break;
        }
}

static void on_body(struct http_exchange *x, const char *data, size_t len) {
}

static void on_done(struct http_exchange *x, bool complete) {
        struct buf *body = x->owner;

        buf_deinit(body);
        free(body);
}

static const struct http_ops ops = { .on_body = on_body, .on_end = on_end, .on_done = on_done };

static void on_request(struct http_exchange *x) {
        struct buf *body = xcalloc(1, sizeof(*body));

        *body = BUF_NULL(16 * MIB);
        x->owner = body;
        x->ops = &ops;
        x->sink = body;
}

static const struct http_handler handler = { .on_request = on_request };

/* ---- who waits ---- */

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        must(++now->answers == 1 && !engine == !!problem);
}

static void on_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        must(++now->images == 1 && !image == (r != 0) && (r <= 0));
        now->image = image ? image_ref(image) : NULL;
}

static void on_started(struct environment *e) {
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
}

static void on_gone(struct environment *e, const char *why) {
        must(++now->goings == 1 && why);
}

static const struct environment_events events = {
        .started = on_started, .ready = on_ready, .log = on_log, .gone = on_gone
};

static struct environment *make(void) {
        static const char *const argv[] = { "/bootstrap", NULL };
        const struct runtime_command command = {
                .argv = argv, .cwd = "/", .version_name = "", .version_arn = ""
        };
        const struct environment_spec spec = {
                .id = "0123456789abcdef0123456789abcdef",
                .account = "0",
                .region = "r",
                .function = "f",
                .version = "1",
                .runtime = "provided.al2023",
                .handler = "h",
                .memory_mb = 128,
                .tmp_mb = 512,
                .timeout = SECOND,
                .log_group = "g",
                .log_stream = "s",
                .task_dir = folder,
                .access_key_id = "a",
                .secret_access_key = "b",
                .session_token = "c",
        };

        return containers_environment_new(
                now->containers,
                &(struct container_spec){ .environment = &spec, .command = &command, .image = now->image });
}

#define turn_until(claim) \
        for (unsigned turns_ = 0; !(claim) && turns_ < TURNS; ++turns_) \
        must(loop_turn(loop, TURN) == 0)

static void run(void) {
        const struct containers_options options = {
                .choice = "docker",
                .init_dir = folder,
                .state_dir = folder,
                .home = "00112233445566778899aabbccddeeff",
        };

        now->containers = containers_new(loop, &options);
        containers_want(now->containers, &now->wait, on_engine);
        turn_until(now->answers);
        containers_wait_cancel(&now->wait);
        if (!containers_engine(now->containers, NULL))
                return;
        images_want(containers_images(now->containers), "a.example/b:c", NULL,
                    streq(architecture(), "amd64") ? "x86_64" : "arm64", &now->ask, on_image);
        turn_until(now->images);
        image_ask_cancel(&now->ask);
        if (!now->image)
                return;
        now->environment = make();
        must(now->environment != NULL);
        now->environment->events = &events;
        if (now->environment->ops->start(now->environment) == 0)
                turn_until(now->goings || now->link_fd >= 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void clean_up(void) {
        unlink(init_path);
        unlink(socket_path);
        rmdir(folder);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        AUTO(str) char *address = NULL;

        must(uname(&host) == 0 && mkdtemp(folder) && loop_new(&loop) == 0);
        snprintf(at.sun_path, sizeof(at.sun_path), "%s/engine.sock", folder);
        str_fit(socket_path, sizeof(socket_path), at.sun_path);
        must(bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 64) == 0);
        must(http_listen(loop, fd, &handler, &http_limits_api, NULL, &listener) == 0);
        address = xasprintf("unix://%s", at.sun_path);
        must(setenv("DOCKER_HOST", address, 1) == 0 && unsetenv("LAMBENT_CONTAINER_CLI") == 0);
        snprintf(init_path, sizeof(init_path), "%s/lambent-init", folder);
        fd_close(open(init_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755));
        atexit(clean_up);
        return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct trial trial = { .data = data, .left = size, .link_fd = -1 };

        now = &trial;
        *door = 0;
        run();
        if (trial.environment)
                trial.environment->ops->free(trial.environment);
        image_unref(trial.image);
        containers_close(trial.containers);
        fd_close(trial.link_fd);
        while (http_listener_exchanges(listener) || http_listener_connections(listener))
                must(loop_turn(loop, TURN) == 0);
        return 0;
}
