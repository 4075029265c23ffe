/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/credentials.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/base64.h"
#include "base/json.h"
#include "lib/json.h"

#define FILE_MAX (1 * MIB)
#define ANSWER_MAX_BYTES (64 * KIB)
#define HELPER_PATIENCE_MS 10000
#define HUB "docker.io"
#define HUB_KEY "https://index.docker.io/v1/" /* what Docker files its own Hub under */
#define IDENTITY "<token>"

extern char **environ;

struct credentials_job {
        struct job job;
        struct credentials_wait *wait;
        char *host, *token;
};

void credentials_clear(struct credentials *c) {
        free(c->user);
        free(c->secret);
        free(c->helper);
        *c = (struct credentials){};
}

/* ---- a file ---- */

static const json_t *entry_of(const json_t *object, const char *host) {
        static const char *const forms[] = { "%s", "https://%s", "http://%s", "https://%s/v1/",
                                             "https://%s/v2/" };
        const json_t *entry = streq(host, HUB) ? json_tree_get(object, HUB_KEY) : NULL;

        for (size_t i = 0; i < ARRAY_SIZE(forms) && !entry; ++i) {
                const char *form = forms[i], *gap = strstr(form, "%s");
                AUTO(str) char *key = xasprintf("%.*s%s%s", (int)(gap - form), form, host, gap + 2);

                entry = json_tree_get(object, key);
        }
        return entry;
}

/* "user:password", in base64. */
static int read_auth(const char *auth, struct credentials *c) {
        AUTO(buf) struct buf plain = BUF_NULL(ANSWER_MAX_BYTES);
        const char *colon;

        if (base64_decode(auth, strlen(auth), &plain) || buf_append(&plain, "", 1))
                return -ENOENT;
        colon = strchr(buf_data(&plain), ':');
        if (!colon)
                return -ENOENT;
        c->user = xstrndup(buf_data(&plain), (size_t)(colon - buf_data(&plain)));
        c->secret = xstrdup(colon + 1);
        return 0;
}

static int read_tree(const json_t *tree, const char *host, struct credentials *c) {
        const json_t *entry = entry_of(json_tree_get(tree, "auths"), host);
        const char *helper = json_string_value(entry_of(json_tree_get(tree, "credHelpers"), host));
        const char *token = json_tree_str(entry, "identitytoken"), *auth = json_tree_str(entry, "auth");

        if (helper) {
                c->helper = xstrdup(helper);
                return 0;
        }
        if (token && *token) {
                c->user = xstrdup(IDENTITY);
                c->secret = xstrdup(token);
                return 0;
        }
        if (auth && *auth)
                return read_auth(auth, c);
        helper = json_tree_str(tree, "credsStore");
        if (!helper || !*helper)
                return -ENOENT;
        c->helper = xstrdup(helper);
        return 0;
}

int credentials_read(const char *text, size_t len, const char *host, struct credentials *ret_credentials) {
        json_t *tree;
        int r;

        *ret_credentials = (struct credentials){};
        if (json_tree_parse(text, len, &tree, NULL))
                return -EINVAL;
        r = read_tree(tree, host, ret_credentials);
        json_decref(tree);
        return r;
}

/* ---- a helper ---- */

static bool is_name(const char *helper) {
        return *helper &&
               strspn(helper, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
                       strlen(helper);
}

static int spawn_helper(const char *helper, int in, int out, pid_t *ret_pid) {
        AUTO(str) char *program = xasprintf("docker-credential-%s", helper);
        char *argv[] = { program, (char *)"get", NULL };
        posix_spawn_file_actions_t actions;
        int r;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        r = -posix_spawnp(ret_pid, program, &actions, NULL, argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* Until it closes its output, or has had its time. */
static void read_all(int fd, struct buf *answer) {
        struct pollfd waiting = { fd, POLLIN, 0 };
        char some[4096];
        ssize_t n;

        while (poll(&waiting, 1, HELPER_PATIENCE_MS) > 0 && (n = read(fd, some, sizeof(some))) > 0)
                if (buf_append(answer, some, (size_t)n))
                        return;
}

static int take_answer(const struct buf *answer, struct credentials *c) {
        const char *user, *secret;
        json_t *tree;

        if (json_tree_parse(buf_data(answer), answer->len, &tree, NULL))
                return -ENOENT;
        user = json_tree_str(tree, "Username");
        secret = json_tree_str(tree, "Secret");
        if (user && secret) {
                c->user = xstrdup(user);
                c->secret = xstrdup(secret);
        }
        json_decref(tree);
        return c->user ? 0 : -ENOENT;
}

int credentials_ask(const char *helper, const char *host, struct credentials *ret_credentials) {
        const char *server = streq(host, HUB) ? HUB_KEY : host;
        AUTO(buf) struct buf answer = BUF_NULL(ANSWER_MAX_BYTES);
        int in[2] = { -1, -1 }, out[2] = { -1, -1 }, r = -ENOENT;
        pid_t pid;

        *ret_credentials = (struct credentials){};
        /* A socket, because a pipe that nobody reads would raise SIGPIPE in whoever uses us as a library. */
        if (!is_name(helper) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, in) < 0)
                return r;
        if (pipe2(out, O_CLOEXEC) == 0 && spawn_helper(helper, in[0], out[1], &pid) == 0) {
                in[0] = fd_close(in[0]);
                out[1] = fd_close(out[1]);
                /* Whether it reads that is its own business. */
                send(in[1], server, strlen(server), MSG_NOSIGNAL);
                in[1] = fd_close(in[1]);
                read_all(out[0], &answer);
                r = take_answer(&answer, ret_credentials);
                kill(pid, SIGKILL);
                waitpid(pid, NULL, 0);
        }
        for (int i = 0; i < 2; ++i) {
                fd_close(in[i]);
                fd_close(out[i]);
        }
        return r;
}

char *credentials_token(const struct credentials *c, const char *host) {
        AUTO(buf) struct buf json = BUF_NULL(4 * ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&json);
        const char *server = streq(host, HUB) ? HUB_KEY : host;
        bool identity = streq(c->user, IDENTITY);
        size_t len;
        char *token;

        json_open_object(&w, NULL);
        if (identity) {
                json_str(&w, "identitytoken", c->secret);
        } else {
                json_str(&w, "username", c->user);
                json_str(&w, "password", c->secret);
        }
        json_str(&w, "serveraddress", server);
        json_close_object(&w);
        if (json_writer_end(&w))
                return NULL;
        len = base64_encoded_len(json.len);
        token = xcalloc(len + 1, 1);
        base64_encode(buf_data(&json), json.len, token);
        for (char *at = token; *at; ++at) /* the alphabet of URLs (RFC 4648 section 5) */
                *at = *at == '+' ? '-' : *at == '/' ? '_' : *at;
        return token;
}

/* ---- the job ---- */

static int consider(const char *path, const char *host, struct credentials *c) {
        int fd = open(path, O_RDONLY | O_CLOEXEC), r = -ENOENT;
        AUTO(str) char *text = NULL;
        struct stat st;
        ssize_t n;

        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= FILE_MAX) {
                text = xcalloc((size_t)st.st_size + 1, 1);
                n = read(fd, text, (size_t)st.st_size);
                if (n > 0)
                        r = credentials_read(text, (size_t)n, host, c);
        }
        fd_close(fd);
        if (!r && c->helper) {
                AUTO(str) char *helper = TAKE(c->helper);

                r = credentials_ask(helper, host, c);
        }
        return r;
}

static void job_run(struct job *job) {
        static const struct {
                const char *variable, *below;
        } places[] = {
                { "DOCKER_CONFIG", "/config.json" },
                { "HOME", "/.docker/config.json" },
                { "REGISTRY_AUTH_FILE", "" },
                { "XDG_RUNTIME_DIR", "/containers/auth.json" },
                { "HOME", "/.config/containers/auth.json" },
        };
        struct credentials_job *j = container_of(job, struct credentials_job, job);
        struct credentials c = {};

        for (size_t i = 0; i < ARRAY_SIZE(places) && !j->token; ++i) {
                const char *root = getenv(places[i].variable);
                AUTO(str) char *path = root && *root == '/' ? xasprintf("%s%s", root, places[i].below) : NULL;

                if (path && consider(path, j->host, &c) == 0)
                        j->token = credentials_token(&c, j->host);
                credentials_clear(&c);
        }
}

static void job_discard(struct job *job) {
        struct credentials_job *j = container_of(job, struct credentials_job, job);

        free(j->host);
        free(j->token);
        free(j);
}

static void job_done(struct job *job) {
        struct credentials_job *j = container_of(job, struct credentials_job, job);
        AUTO(str) char *token = TAKE(j->token);
        struct credentials_wait *wait = j->wait;

        job_discard(job);
        wait->job = NULL;
        wait->fn(wait, token);
}

void credentials_want(struct loop *loop, const char *host, struct credentials_wait *wait,
                      void (*fn)(struct credentials_wait *wait, const char *token)) {
        struct credentials_job *j = xcalloc(1, sizeof(*j));

        *wait = (struct credentials_wait){ .job = j, .fn = fn };
        j->wait = wait;
        j->host = xstrdup(host);
        j->job = (struct job){ .run = job_run, .done = job_done, .discard = job_discard };
        job_submit(loop, &j->job);
}

void credentials_cancel(struct credentials_wait *wait) {
        if (wait->job)
                job_disown(&wait->job->job);
        wait->job = NULL;
}
