/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/detect_places.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

#include "base/random.h"
#include "base/sha256.h"
#include "sandbox/broker/broker.h"
#include "sandbox/broker/roots_own.h"

#define FILE_MAX (1 * MIB)
#define COMMAND_PATIENCE (10 * SECOND)
#define SERVICE_IDLE "5" /* seconds: the service of our own outlives us by so much */
#define OUTPUT_MAX (64 * KIB)

extern char **environ;

static void add_over(struct places *p, char *address_consume, const char *found_by, const char *kind,
                     bool guessed, struct docker_tls tls_consume) {
        for (size_t i = 0; i < p->count; ++i)
                if (streq(p->endpoints[i].address, address_consume)) {
                        free(address_consume);
                        docker_tls_clear(&tls_consume);
                        return;
                }
        if (p->count == DETECT_ENDPOINTS_MAX) {
                free(address_consume);
                docker_tls_clear(&tls_consume);
                return;
        }
        p->endpoints[p->count++] =
                (struct endpoint){ address_consume, xstrdup(found_by), kind, tls_consume, guessed, false };
}

static void add(struct places *p, char *address_consume, const char *found_by, const char *kind) {
        add_over(p, address_consume, found_by, kind, false, (struct docker_tls){});
}

static void add_guess(struct places *p, char *address_consume, const char *found_by, const char *kind) {
        add_over(p, address_consume, found_by, kind, true, (struct docker_tls){});
}

static void add_socket(struct places *p, const char *root, const char *below, const char *found_by,
                       const char *kind) {
        AUTO(str) char *path = root && *root == '/' ? xasprintf("%s%s", root, below) : NULL;
        struct stat st;

        if (path && (p->for_broker || (stat(path, &st) == 0 && S_ISSOCK(st.st_mode))))
                add_guess(p, xasprintf("unix:%s", path), found_by, kind);
}

static void complain(struct places *p, const char *problem) {
        if (buf_printf(&p->problems, "%s%s", p->problems.len ? "; " : "", problem))
                return; /* there is enough of them */
}

/* ---- hosts and contexts ---- */

char *detect_address(const char *host, bool *wanted, char **ret_problem) {
        *ret_problem = NULL;
        if (str_starts(host, "unix://")) {
                *wanted = false;
                return xasprintf("unix:%s", host + strlen("unix://"));
        }
        *wanted = *wanted || str_starts(host, "https://");
        if (str_starts(host, "tcp://") || str_starts(host, "http://") || str_starts(host, "https://")) {
                const char *rest = strstr(host, "://") + 3;
                AUTO(str) char *bare = xstrndup(rest, strcspn(rest, "/"));

                if (*bare)
                        return strrchr(bare, ':') > strrchr(bare, ']') || (strchr(bare, ':') && *bare != '[')
                                       ? xstrdup(bare)
                                       : xasprintf("%s:%s", bare, *wanted ? "2376" : "2375");
        }
        *ret_problem = xasprintf("%s is no address of an engine that lambent can speak to: "
                                 "unix://PATH or tcp://HOST:PORT",
                                 host);
        return NULL;
}

static json_t *read_tree(const char *path) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        AUTO(str) char *text = NULL;
        json_t *tree = NULL;
        struct stat st;
        ssize_t n;

        if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= FILE_MAX) {
                text = xcalloc((size_t)st.st_size + 1, 1);
                n = read(fd, text, (size_t)st.st_size);
                if (n <= 0 || json_tree_parse(text, (size_t)n, &tree, NULL))
                        tree = NULL;
        }
        fd_close(fd);
        return tree;
}

static int read_context(const char *folder, const char *name, char **ret_host, struct docker_tls *ret_tls) {
        unsigned char digest[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        AUTO(str) char *meta = NULL;
        AUTO(str) char *tls = NULL;
        const json_t *endpoint;
        const char *host;
        struct sha256 hash;
        bool has_folder;
        json_t *tree;

        /* A context lies in a folder that is called by the digest of its name. */
        sha256_init(&hash);
        sha256_update(&hash, name, strlen(name));
        sha256_final(&hash, digest);
        hex_encode(digest, sizeof(digest), hex);
        meta = xasprintf("%s/contexts/meta/%s/meta.json", folder, hex);
        tls = xasprintf("%s/contexts/tls/%s/docker", folder, hex);
        tree = read_tree(meta);
        if (!tree)
                return -ENOENT;
        endpoint = json_tree_get(json_tree_get(tree, "Endpoints"), "docker");
        host = json_tree_str(endpoint, "Host");
        *ret_host = host ? xstrdup(host) : NULL;
        has_folder = access(tls, F_OK) == 0;
        *ret_tls = (struct docker_tls){ .any_peer = json_is_true(json_tree_get(endpoint, "SkipTLSVerify")) };
        ret_tls->wanted = *ret_host && (has_folder || ret_tls->any_peer);
        ret_tls->folder = ret_tls->wanted && has_folder ? TAKE(tls) : NULL;
        json_decref(tree);
        return *ret_host ? 0 : -EINVAL;
}

int detect_context(const char *folder, const char *name, char **ret_host, struct docker_tls *ret_tls) {
        AUTO(str) char *path = xasprintf("%s/config.json", folder);
        json_t *config = name && *name ? NULL : read_tree(path);
        AUTO(str) char *current = NULL;

        if (!name || !*name)
                name = json_tree_str(config, "currentContext");
        current = name && *name ? xstrdup(name) : NULL;
        json_decref(config);
        return !current || streq(current, "default") ? -ENOENT
                                                     : read_context(folder, current, ret_host, ret_tls);
}

static void add_host(struct places *p, const char *host, struct docker_tls tls_consume,
                     const char *found_by) {
        AUTO(str) char *problem = NULL;
        char *address = detect_address(host, &tls_consume.wanted, &problem);

        if (address) {
                add_over(p, address, found_by, NULL, false, tls_consume);
                return;
        }
        docker_tls_clear(&tls_consume);
        complain(p, problem);
}

/* A variable's value; NULL when it is empty. */
static const char *setting(const char *name) {
        const char *value = getenv(name);

        return value && *value ? value : NULL;
}

/* The folder of docker's own settings; NULL: nobody knows. */
static char *config_folder(void) {
        const char *home = getenv("HOME"), *config = setting("DOCKER_CONFIG");

        return config ? xstrdup(config) : home && *home == '/' ? xasprintf("%s/.docker", home) : NULL;
}

/* As the docker command reads its variables: DOCKER_TLS alone trusts everybody. */
static struct docker_tls tls_of_variables(void) {
        const char *folder = setting("DOCKER_CERT_PATH"), *verify = setting("DOCKER_TLS_VERIFY");
        struct docker_tls tls = { .wanted = verify || setting("DOCKER_TLS") };

        tls.any_peer = tls.wanted && !verify;
        tls.folder = !tls.wanted ? NULL : folder ? xstrdup(folder) : config_folder();
        return tls;
}

static void add_context(struct places *p) {
        AUTO(str) char *folder = config_folder();
        AUTO(str) char *host = NULL;
        struct docker_tls tls = {};
        char real[PATH_MAX];

        /* Whose settings these are could name any socket of root's. */
        if (folder && p->for_broker && roots_own(folder, real))
                return;
        if (folder && detect_context(folder, getenv("DOCKER_CONTEXT"), &host, &tls) == 0)
                add_host(p, host, tls, "the current docker context");
}

static void add_sockets(struct places *p) {
        const char *home = getenv("HOME"), *runtime = getenv("XDG_RUNTIME_DIR");
        AUTO(str) char *user = xasprintf("/run/user/%u", (unsigned)geteuid());

        add_socket(p, "/", "run/docker.sock", "Docker's socket", NULL);
        add_socket(p, "/", "var/run/docker.sock", "Docker's socket", NULL);
        add_socket(p, home, "/.docker/run/docker.sock", "the socket of Docker Desktop", NULL);
        add_socket(p, home, "/.docker/desktop/docker.sock", "the socket of Docker Desktop", NULL);
        add_socket(p, home, "/.colima/default/docker.sock", "the socket of Colima", NULL);
        add_socket(p, home, "/.colima/docker.sock", "the socket of Colima", NULL);
        add_socket(p, runtime, "/docker.sock", "the socket of rootless Docker", NULL);
        add_socket(p, user, "/docker.sock", "the socket of rootless Docker", NULL);
        if (geteuid() == 0)
                add_socket(p, "/", "run/podman/podman.sock", "Podman's socket", "podman");
        add_socket(p, runtime, "/podman/podman.sock", "the socket of rootless Podman", "podman");
        add_socket(p, user, "/podman/podman.sock", "the socket of rootless Podman", "podman");
}

static void look_at_settings(struct places *p) {
        const char *host = setting("DOCKER_HOST");

        if (host) {
                add_host(p, host, tls_of_variables(), "DOCKER_HOST");
                return;
        }
        add_context(p);
        add_sockets(p);
}

/* ---- what root saw ---- */

void places_look_for_broker(struct places *p) {
        p->problems = BUF_NULL(4 * KIB);
        p->for_broker = true;
        if (!setting("LAMBENT_CONTAINER_CLI"))
                look_at_settings(p);
}

void places_begin_with(struct places *p, const struct broker *broker) {
        size_t count;
        const struct broker_place *places = broker_places(broker, &count);

        for (size_t i = 0; i < count; ++i)
                add_over(p, xstrdup(places[i].address), places[i].found_by, places[i].kind, places[i].guessed,
                         (struct docker_tls){});
}

/* In a folder that is closed to us there may be anything. */
static void drop_absent(struct places *p) {
        size_t kept = 0;

        for (size_t i = 0; i < p->count; ++i) {
                struct endpoint *e = &p->endpoints[i];
                struct stat st;

                if (e->guessed && stat(e->address + strlen("unix:"), &st) < 0 && errno != EACCES) {
                        free(e->address);
                        free(e->found_by);
                } else {
                        p->endpoints[kept++] = *e;
                }
        }
        p->count = kept;
}

/* ---- commands ---- */

static void close_both(int fds[static 2]) {
        fd_close(fds[0]);
        fd_close(fds[1]);
}

static nsec_t now(void) {
        struct timespec t;

        clock_gettime(CLOCK_MONOTONIC, &t);
        return (nsec_t)t.tv_sec * SECOND + (nsec_t)t.tv_nsec;
}

static int spawn(const char *const *argv, int out, pid_t *ret_pid) {
        posix_spawn_file_actions_t actions;
        int r;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
        r = -posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* Everything it says until it ends, for so long. 0, -ETIMEDOUT (it is killed), -ECHILD (it failed), or why it could not be run. */
static int run(const struct places *p, const char *const *argv, char **ret_output) {
        AUTO(buf) struct buf output = BUF_NULL(OUTPUT_MAX);
        nsec_t end = now() + (p->patience ?: COMMAND_PATIENCE);
        int fds[2], status = 0, r;
        bool ended = false;
        char some[4096];
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        r = spawn(argv, fds[1], &pid);
        if (r) {
                close_both(fds);
                return r;
        }
        fds[1] = fd_close(fds[1]);
        for (nsec_t at; !ended && (at = now()) < end;) {
                struct pollfd waiting = { fds[0], POLLIN, 0 };
                int most = (int)((end - at) / MILLISECOND) + 1;
                ssize_t n = poll(&waiting, 1, most) > 0 ? read(fds[0], some, sizeof(some)) : -1;

                ended = n == 0;
                if (n > 0 && buf_append(&output, some, (size_t)n))
                        continue; /* what is more is not kept */
        }
        fd_close(fds[0]);
        if (!ended)
                kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        *ret_output = buf_take_str(&output, NULL);
        return !ended ? -ETIMEDOUT : status ? -ECHILD : 0;
}

static const char *last_line(char *output) {
        char *end, *line;

        if (!output)
                return "";
        for (end = output + strlen(output); end > output && (end[-1] == '\n' || end[-1] == '\r'); --end)
                end[-1] = 0;
        line = strrchr(output, '\n');
        return line ? line + 1 : output;
}

static char *why_command_failed(const struct places *p, const char *const *argv, int r, char *output) {
        AUTO(buf) struct buf words = BUF_NULL(KIB);

        for (; *argv; ++argv)
                if (buf_printf(&words, "%s%s", words.len ? " " : "", *argv))
                        break;
        if (r == -ETIMEDOUT)
                return xasprintf("\"%.*s\" did not end within %.3g s", (int)words.len, buf_data(&words),
                                 (double)(p->patience ?: COMMAND_PATIENCE) / (double)SECOND);
        return xasprintf("\"%.*s\" failed: %s", (int)words.len, buf_data(&words),
                         r == -ECHILD ? last_line(output) : strerror(-r));
}

static int listen_at(const char *path) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd, r;

        if (strlen(path) >= sizeof(at.sun_path))
                return -ENAMETOOLONG;
        str_fit(at.sun_path, sizeof(at.sun_path), path);
        unlink(path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(fd, 64) == 0)
                return fd;
        r = -errno;
        fd_close(fd);
        return r;
}

/* Handed over as systemd would (sd_listen_fds(3)), so that whoever connects waits in its backlog and nobody has to ask
 * when it is ready. */
static int spawn_service(const char *command, int fd, pid_t *ret_pid) {
        static const char script[] =
                "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" system service --time=" SERVICE_IDLE;
        const char *const argv[] = { "sh", "-c", script, command, NULL };
        posix_spawn_file_actions_t actions;
        int r;

        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDWR, 0);
        posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, STDIN_FILENO, STDERR_FILENO);
        posix_spawn_file_actions_adddup2(&actions, fd, 3);
        r = -posix_spawnp(ret_pid, argv[0], &actions, NULL, (char *const *)argv, environ);
        posix_spawn_file_actions_destroy(&actions);
        return r;
}

/* Podman without its service: one of our own. */
static void start_service(struct places *p, const char *command, const char *state_dir) {
        AUTO(str) char *path = xasprintf("%s/podman.sock", state_dir);
        int fd, r;

        mkdir(state_dir, 0711);
        fd = listen_at(path);
        r = fd < 0 ? fd : spawn_service(command, fd, &p->service);
        fd_close(fd);
        if (r) {
                AUTO(str) char *why =
                        xasprintf("a podman service cannot be started at %s: %s", path, strerror(-r));

                complain(p, why);
                return;
        }
        add(p, xasprintf("unix:%s", path), "a podman service of our own", "podman");
}

/* The command itself, when nothing that it leads to answers. */
static void add_command(struct places *p, const char *dialect, const char *command, const char *kind) {
        AUTO(str) char *found_by = xasprintf("the command %s", command);

        add(p, xasprintf("%s-command:%s", dialect, command), found_by, kind);
}

/* Where a docker command leads: its context knows. */
static void follow_docker(struct places *p, const char *command) {
        const char *const argv[] = { command, "context", "inspect", "--format", "{{.Endpoints.docker.Host}}",
                                     NULL };
        AUTO(str) char *output = NULL;

        if (run(p, argv, &output) == 0 && *last_line(output))
                add_host(p, last_line(output), (struct docker_tls){}, command);
        add_command(p, "docker", command, "docker");
}

static void follow_podman(struct places *p, const char *command, const char *state_dir) {
        const char *const argv[] = { command, "info", "--format", "{{.Host.RemoteSocket.Path}}", NULL };
        AUTO(str) char *output = NULL;
        const char *path;

        if (run(p, argv, &output) == 0) {
                path = last_line(output);
                add_socket(p, str_starts(path, "unix://") ? path + strlen("unix://") : path, "", command,
                           "podman");
        }
        start_service(p, command, state_dir);
        add_command(p, "podman", command, "podman");
}

/* "Docker version 28…", "podman version 4…"; nerdctl and finch, which is nerdctl in a machine of its own. Others that work as
 * docker does are taken for it. */
static void follow_command(struct places *p, const char *command, const char *state_dir) {
        const char *const info[] = { command, "info", NULL };
        const char *const version[] = { command, "--version", NULL };
        AUTO(str) char *output = NULL;
        AUTO(str) char *name = NULL;
        int r = run(p, info, &output);

        if (!r)
                r = run(p, version, &name);
        if (r) {
                AUTO(str) char *why = why_command_failed(p, name ? version : info, r, name ?: output);

                complain(p, why);
        } else if (strcasestr(name, "podman")) {
                follow_podman(p, command, state_dir);
        } else if (strcasestr(name, "nerdctl") || strcasestr(name, "finch")) {
                add_command(p, "nerdctl", command, "docker");
        } else {
                follow_docker(p, command);
        }
}

void places_look(struct places *p, const char *choice, const char *state_dir) {
        const char *command = setting("LAMBENT_CONTAINER_CLI");

        p->problems = BUF_NULL(4 * KIB);
        if (command) {
                follow_command(p, command, state_dir);
                return;
        }
        drop_absent(p);
        look_at_settings(p);
}

/* Without a folder of its user's it would leave one in TMPDIR, and a process that holds its namespaces. */
static bool podman_has_a_place(void) {
        const char *runtime = getenv("XDG_RUNTIME_DIR");

        return geteuid() == 0 || (runtime && access(runtime, W_OK) == 0);
}

static bool is_installed(const char *command) {
        const char *at = getenv("PATH") ?: "";

        for (size_t len; *at; at += len + (at[len] == ':')) {
                AUTO(str) char *path = NULL;

                len = strcspn(at, ":");
                path = xasprintf("%.*s/%s", (int)len, at, command);
                if (len && access(path, X_OK) == 0)
                        return true;
        }
        return false;
}

void places_ask_commands(struct places *p, const char *choice, const char *state_dir) {
        static const struct {
                const char *command, *kind;
        } known[] = {
                { "docker", "docker" }, { "podman", "podman" }, { "nerdctl", "docker" }, { "finch", "docker" }
        };

        p->problems = BUF_NULL(4 * KIB);
        for (size_t i = 0; i < ARRAY_SIZE(known); ++i) {
                bool wanted = streq(choice, "auto") || streq(choice, known[i].kind);
                bool possible = !streq(known[i].command, "podman") || podman_has_a_place();

                if (wanted && possible && is_installed(known[i].command))
                        follow_command(p, known[i].command, state_dir);
        }
}
