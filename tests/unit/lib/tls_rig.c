/* SPDX-License-Identifier: Apache-2.0 */
#include "tls_rig.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/wait.h>

#include "unit/lib/tls_data.h"

extern char **environ;

int rig_start(void **state) {
        struct rig *rig = xcalloc(1, sizeof(*rig));
        const char *argv[] = { "python3", "-B", TLS_SERVER, rig->folder, NULL };
        posix_spawn_file_actions_t actions;
        int in[2], out[2];
        FILE *said;

        str_fit(rig->folder, sizeof(rig->folder), "/tmp/lambent-tls-XXXXXX");
        assert_non_null(mkdtemp(rig->folder));
        assert_int_equal(pipe2(in, O_CLOEXEC), 0);
        assert_int_equal(pipe2(out, O_CLOEXEC), 0);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
        assert_int_equal(posix_spawnp(&rig->pid, "python3", &actions, NULL, (char *const *)argv, environ), 0);
        posix_spawn_file_actions_destroy(&actions);
        fd_close(in[0]);
        fd_close(out[1]);
        rig->lifeline = in[1];
        said = fdopen(out[0], "r");
        for (;;) {
                assert_true(rig->count < ARRAY_SIZE(rig->servers));
                assert_int_equal(fscanf(said, "%31s %u", rig->servers[rig->count].name,
                                        &rig->servers[rig->count].port),
                                 2);
                if (streq(rig->servers[rig->count].name, "ready"))
                        break;
                ++rig->count;
        }
        fclose(said);
        *state = rig;
        return 0;
}

int rig_stop(void **state) {
        struct rig *rig = *state;
        const char *argv[] = { "rm", "-r", rig->folder, NULL };
        int status;
        pid_t pid;

        fd_close(rig->lifeline);
        assert_int_equal(waitpid(rig->pid, &status, 0), rig->pid);
        assert_int_equal(status, 0);
        assert_int_equal(posix_spawnp(&pid, "rm", NULL, NULL, (char *const *)argv, environ), 0);
        waitpid(pid, NULL, 0);
        free(rig);
        return 0;
}

unsigned rig_port(const struct rig *rig, const char *name) {
        for (size_t i = 0; i < rig->count; ++i)
                if (streq(rig->servers[i].name, name))
                        return rig->servers[i].port;
        fail_msg("no server %s", name);
        return 0;
}

const char *rig_file(const struct rig *rig, const char *name) {
        static char paths[4][128];
        static size_t next;
        char *path = paths[next++ % ARRAY_SIZE(paths)];

        snprintf(path, sizeof(*paths), "%s/%s", rig->folder, name);
        return path;
}

/* ---- the client ---- */

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct caller *c = owner;

        c->status = status;
        if (c->free_in_head)
                http_client_free(TAKE(c->client));
}

static void on_body(void *owner, const char *data, size_t len) {
        struct caller *c = owner;

        c->heard += len;
        if (c->keep)
                assert_int_equal(buf_append(&c->body, data, len), 0);
        if (c->free_in_body)
                http_client_free(TAKE(c->client));
        else if (c->pause)
                http_client_pause(c->client);
}

static void on_end(void *owner, int r) {
        struct caller *c = owner;

        c->ended = true;
        c->result = r;
        str_fit(c->problem, sizeof(c->problem), r ? http_client_problem(c->client, r) : "");
}

static const struct http_client_ops ops = { on_head, on_body, on_end };

void caller_open(struct caller *c, const struct tls_settings *settings, const char *host, unsigned port) {
        AUTO(str) char *address = xasprintf("%s:%u", host, port);

        *c = (struct caller){ .keep = true, .budget = NSEC_NEVER, .body = BUF_NULL(64 * MIB) };
        assert_int_equal(loop_new(&c->loop), 0);
        c->tls = tls_new(c->loop, settings);
        c->client = tls_client_new(c->tls, address);
}

void caller_close(struct caller *c) {
        http_client_free(c->client);
        tls_free(c->tls);
        loop_free(c->loop);
        buf_deinit(&c->body);
}

void caller_begin(struct caller *c, enum http_method method, const char *target, const void *body,
                  size_t len) {
        buf_clear(&c->body);
        c->ended = false;
        c->status = 0;
        c->heard = 0;
        assert_int_equal(http_client_call(c->client, method, target, NULL, body, len, c->budget, &ops, c), 0);
}

int caller_get(struct caller *c, const char *target) {
        caller_begin(c, HTTP_GET_, target, NULL, 0);
        caller_until(c, c->ended);
        return c->result;
}
