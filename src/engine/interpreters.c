/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/interpreters.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define INTERPRETERS_MAX 64
#define VERSION_PATIENCE_MS 5000

struct interpreters {
        struct loop *loop;
        struct search *search; /* under way */
        struct list waiting;
        struct interpreter found[INTERPRETERS_MAX];
        size_t count;
        bool known;
};

/* What the worker thread fills in; it touches nothing else. */
struct search {
        struct job job;
        struct interpreters *owner;
        struct interpreter found[INTERPRETERS_MAX];
        size_t count;
};

static const char *const language_names[] = { [LANGUAGE_PYTHON] = "python", [LANGUAGE_NODE] = "nodejs" };

const char *language_name(enum language language) {
        return language_names[language];
}

/* ---- the search, on the worker thread ---- */

static bool is_known(const struct search *s, const char *path) {
        for (size_t i = 0; i < s->count; ++i)
                if (streq(s->found[i].path, path))
                        return true;
        return false;
}

/* An ELF file: a shim is a script, and would cost a shell at every start. */
static bool is_program(const char *path) {
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char magic[4];

        return fd >= 0 && access(path, X_OK) == 0 && read(fd, magic, 4) == 4 &&
               memcmp(magic, "\177ELF", 4) == 0;
}

/* Reads the first line of `path --version`; the child gets no input and a bounded time. */
static int ask_version(const char *path, unsigned *ret_major, unsigned *ret_minor) {
        char *const argv[] = { (char *)path, (char *)"--version", NULL };
        char *const envp[] = { (char *)"PATH=/usr/bin:/bin", NULL };
        posix_spawn_file_actions_t actions;
        char text[128] = "", *digits;
        size_t len = 0;
        int pipe_fds[2], status, r;
        pid_t pid;

        if (pipe2(pipe_fds, O_CLOEXEC))
                return -errno;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
        posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
        posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
        r = -posix_spawn(&pid, path, &actions, NULL, argv, envp);
        posix_spawn_file_actions_destroy(&actions);
        fd_close(pipe_fds[1]);
        while (!r && len < sizeof(text) - 1 && !strchr(text, '\n')) {
                struct pollfd waiting = { pipe_fds[0], POLLIN, 0 };
                ssize_t n = poll(&waiting, 1, VERSION_PATIENCE_MS) > 0
                                    ? read(pipe_fds[0], text + len, sizeof(text) - 1 - len)
                                    : 0;

                if (n <= 0)
                        break;
                len += (size_t)n;
                text[len] = 0;
        }
        fd_close(pipe_fds[0]);
        if (r)
                return r;
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        digits = strpbrk(text, "0123456789");
        return digits && sscanf(digits, "%u.%u", ret_major, ret_minor) == 2 ? 0 : -ENOEXEC;
}

/* "…/python3.11" says it all. */
static bool version_in_name(const char *path, unsigned *ret_major, unsigned *ret_minor) {
        const char *base = strrchr(path, '/');
        char rest;

        return base && sscanf(base, "/python%u.%u%c", ret_major, ret_minor, &rest) == 2;
}

static void consider(struct search *s, enum language language, const char *candidate) {
        struct interpreter *in = &s->found[s->count];
        char path[PATH_MAX], *bin;
        unsigned major, minor;

        if (s->count == INTERPRETERS_MAX || !realpath(candidate, path) || is_known(s, path) ||
            !is_program(path))
                return;
        if (!version_in_name(path, &major, &minor) && ask_version(path, &major, &minor))
                return;
        *in = (struct interpreter){
                .language = language, .major = major, .minor = minor, .path = xstrdup(path)
        };
        if (!str_starts(path, "/usr/") && !str_starts(path, "/bin/")) {
                /* PREFIX/bin/name: the standard library lies beside bin. */
                in->prefix = xstrdup(path);
                for (int up = 0; up < 2; ++up) {
                        bin = strrchr(in->prefix, '/');
                        if (bin && bin != in->prefix)
                                *bin = 0;
                }
        }
        ++s->count;
}

static void consider_folder(struct search *s, const char *folder) {
        DIR *dir = opendir(folder);
        struct dirent *entry;
        unsigned major, minor;
        char rest;

        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                AUTO(str) char *path = xasprintf("%s/%s", folder, entry->d_name);

                if (streq(entry->d_name, "python3") ||
                    sscanf(entry->d_name, "python3.%u%c", &minor, &rest) == 1)
                        consider(s, LANGUAGE_PYTHON, path);
                else if (streq(entry->d_name, "node") || streq(entry->d_name, "nodejs") ||
                         sscanf(entry->d_name, "node-%u%c", &major, &rest) == 1)
                        consider(s, LANGUAGE_NODE, path);
        }
        closedir(dir);
}

/* FOLDER/VERSION/bin, as version managers lay their installations out. */
static void consider_versions(struct search *s, const char *home, const char *folder, const char *below) {
        AUTO(str) char *root = xasprintf("%s/%s", home, folder);
        DIR *dir = opendir(root);
        struct dirent *entry;

        if (!dir)
                return;
        while ((entry = readdir(dir))) {
                AUTO(str) char *bin = xasprintf("%s/%s/%s", root, entry->d_name, below);

                if (entry->d_name[0] != '.')
                        consider_folder(s, bin);
        }
        closedir(dir);
}

static void search_run(struct job *job) {
        static const struct {
                const char *folder, *below;
        } managers[] = {
                { ".pyenv/versions", "bin" },
                { ".nvm/versions/node", "bin" },
                { ".local/share/fnm/node-versions", "installation/bin" },
                { ".asdf/installs/python", "bin" },
                { ".asdf/installs/nodejs", "bin" },
                { ".local/share/mise/installs/python", "bin" },
                { ".local/share/mise/installs/node", "bin" },
                { ".local/share/uv/python", "bin" },
        };
        struct search *s = container_of(job, struct search, job);
        const char *path = getenv("PATH"), *home = getenv("HOME");
        AUTO(str) char *folders = xasprintf("/usr/bin:/usr/local/bin:%s", path ? path : "");

        for (char *at = folders, *next; at; at = next) {
                next = strchr(at, ':');
                if (next)
                        *next++ = 0;
                if (at[0] == '/' && !strstr(at, "/shims"))
                        consider_folder(s, at);
        }
        if (home && home[0] == '/')
                for (size_t i = 0; i < ARRAY_SIZE(managers); ++i)
                        consider_versions(s, home, managers[i].folder, managers[i].below);
}

/* ---- the loop's side ---- */

static void search_free(struct search *s) {
        for (size_t i = 0; i < s->count; ++i) {
                free(s->found[i].path);
                free(s->found[i].prefix);
        }
        free(s);
}

static void search_discard(struct job *job) {
        search_free(container_of(job, struct search, job));
}

static void tell(struct defer *defer) {
        struct interpreters_wait *wait = container_of(defer, struct interpreters_wait, soon);

        wait->ready(wait);
}

static void search_done(struct job *job) {
        struct search *s = container_of(job, struct search, job);
        struct interpreters *i = s->owner;
        struct interpreters_wait *wait;

        memcpy(i->found, s->found, sizeof(i->found));
        i->count = s->count;
        i->known = true;
        i->search = NULL;
        s->count = 0;
        search_free(s);
        list_each(wait, &i->waiting, link) {
                list_unlink(&wait->link);
                defer_call(i->loop, &wait->soon, tell);
        }
}

struct interpreters *interpreters_new(struct loop *loop) {
        struct interpreters *i = xcalloc(1, sizeof(*i));

        i->loop = loop;
        list_init(&i->waiting);
        return i;
}

void interpreters_free(struct interpreters *i) {
        if (!i)
                return;
        if (i->search)
                job_disown(&i->search->job);
        for (size_t k = 0; k < i->count; ++k) {
                free(i->found[k].path);
                free(i->found[k].prefix);
        }
        free(i);
}

void interpreters_await(struct interpreters *i, struct interpreters_wait *wait,
                        void (*ready)(struct interpreters_wait *wait)) {
        *wait = (struct interpreters_wait){ .ready = ready };
        if (i->known) {
                defer_call(i->loop, &wait->soon, tell);
                return;
        }
        list_push_back(&i->waiting, &wait->link);
        if (i->search)
                return;
        i->search = xcalloc(1, sizeof(*i->search));
        i->search->owner = i;
        i->search->job = (struct job){ .run = search_run, .done = search_done, .discard = search_discard };
        job_submit(i->loop, &i->search->job);
}

void interpreters_wait_cancel(struct interpreters_wait *wait) {
        list_unlink(&wait->link);
        defer_cancel(&wait->soon);
}

bool interpreters_are_known(const struct interpreters *i) {
        return i->known;
}

static unsigned distance(const struct interpreter *in, unsigned major, unsigned minor) {
        int gap = in->language == LANGUAGE_PYTHON ? (int)in->minor - (int)minor : (int)in->major - (int)major;

        return gap >= 0 ? 2 * (unsigned)gap : 2 * (unsigned)-gap + 1;
}

const struct interpreter *interpreters_find(const struct interpreters *i, enum language language,
                                            unsigned major, unsigned minor, bool *ret_exact) {
        const struct interpreter *best = NULL;

        for (size_t k = 0; k < i->count; ++k) {
                const struct interpreter *in = &i->found[k];

                if (in->language != language || (language == LANGUAGE_PYTHON && in->major != major))
                        continue;
                if (!best || distance(in, major, minor) < distance(best, major, minor))
                        best = in;
        }
        *ret_exact = best && distance(best, major, minor) == 0;
        return best;
}

const struct interpreter *interpreters_nth(const struct interpreters *i, size_t n) {
        return n < i->count ? &i->found[n] : NULL;
}
