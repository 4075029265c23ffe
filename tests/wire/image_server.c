/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API and the engine with a source of images that the test plays: what the source is asked goes to standard output,
 * a line each, and the oldest question is answered by a line on standard input. So the states that an image passes
 * through stand still for as long as the test looks at them.
 *
 *   image_server BUILD-DIR RUNTIMES-DIR DATA-DIR      → "listening http://127.0.0.1:PORT"
 *   resolve URI ARCHITECTURE | fetch URI ARCHITECTURE SHA256 | forget SHA256        what is asked and told
 *   fine SHA256 | missing | denied | unsupported | unreachable                      the answers
 *
 * It ends with its standard input.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/stat.h>

#include "api/api.h"
#include "engine/engine.h"
#include "function/images.h"
#include "http/http.h"

struct server {
        struct loop *loop;
        struct engine *engine;
        struct api *api;
        struct http_listener *listener;
        struct source commands;
        struct list questions; /* struct image_wait, oldest first */
        char line[256];
        size_t len;
};

static void say(const char *a, const char *b, const char *c, const char *d) {
        printf("%s %s %s %s\n", a, b, c, d);
        fflush(stdout);
}

static void ask_resolve(void *owner, const struct image_request *request, struct image_wait *wait) {
        struct server *s = owner;

        list_push_back(&s->questions, &wait->link);
        say("resolve", request->uri, request->architecture, "");
}

static void ask_fetch(void *owner, const struct image_request *request, struct image_wait *wait) {
        struct server *s = owner;

        list_push_back(&s->questions, &wait->link);
        say("fetch", request->uri, request->architecture, request->sha256);
}

static void forget(void *owner, const char *sha256) {
        say("forget", sha256, "", "");
}

static void answer(struct server *s, char *line) {
        static const char *const words[] = { "fine", "missing", "denied", "unsupported", "unreachable" };
        char *digest = strchr(line, ' ');
        struct image_answer image = { .reason = "the test says so", .sha256 = digest ? digest + 1 : NULL };

        if (digest)
                *digest = '\0';
        while (!streq(words[image.outcome], line))
                must(++image.outcome < ARRAY_SIZE(words));
        if (!list_is_empty(&s->questions))
                image_wait_answer(list_first(&s->questions, struct image_wait, link), &image);
}

static void on_commands(struct source *source, uint32_t events) {
        struct server *s = container_of(source, struct server, commands);
        ssize_t n = read(source->fd, s->line + s->len, sizeof(s->line) - s->len);
        char *end;

        if (n <= 0) {
                loop_quit(s->loop);
                return;
        }
        s->len += (size_t)n;
        while ((end = memchr(s->line, '\n', s->len))) {
                *end = '\0';
                answer(s, s->line);
                s->len -= (size_t)(end + 1 - s->line);
                memmove(s->line, end + 1, s->len);
        }
        must(s->len < sizeof(s->line));
}

static void open_engine(struct server *s, char **argv) {
        static struct image_source images = { .resolve = ask_resolve, .fetch = ask_fetch, .forget = forget };
        struct engine_options options = {
                .libexec_dir = argv[1],
                .runtimes_dir = argv[2],
                .data_dir = argv[3],
                .sandbox = "native",
                .region = "us-east-1",
                .account = "000000000000",
                .idle_ttl = 300 * SECOND,
                .freeze_after = NSEC_NEVER,
                .log_bytes_max = MIB,
        };
        AUTO(str) char *problem = NULL;

        if (engine_open(s->loop, &options, &s->engine, &problem)) {
                fprintf(stderr, "%s\n", problem);
                exit(1);
        }
        images.owner = s;
        engine_set_images(s->engine, &images);
}

static void listen_on_loopback(struct server *s) {
        static const struct api_options none = {};
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        must(bind(fd, (struct sockaddr *)&address, len) == 0 && listen(fd, 16) == 0);
        must(getsockname(fd, (struct sockaddr *)&address, &len) == 0);
        s->api = api_new(s->loop, s->engine, &none);
        must(http_listen(s->loop, fd, api_handler(), &http_limits_api, s->api, &s->listener) == 0);
        printf("listening http://127.0.0.1:%d\n", ntohs(address.sin_port));
        fflush(stdout);
}

int main(int argc, char **argv) {
        struct server s = {};

        must(argc == 4);
        list_init(&s.questions);
        must(loop_new(&s.loop) == 0);
        open_engine(&s, argv);
        listen_on_loopback(&s);
        must(source_add(s.loop, &s.commands, STDIN_FILENO, EPOLLIN, RANK_NORMAL, on_commands) == 0);
        loop_run(s.loop);
        source_remove(&s.commands);
        http_listener_free(s.listener);
        api_free(s.api);
        engine_close(s.engine);
        loop_free(s.loop);
        return 0;
}
