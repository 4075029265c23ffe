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
#define FOLDERS_MAX 64
#define VERSION_PATIENCE_MS 5000

struct interpreters {
        struct loop *loop;
        struct search *search; /* to come, or under way; NULL when known */
        bool searching;
        struct list waiting;
        struct interpreter found[INTERPRETERS_MAX];
        size_t count;
        bool known;
};

/* Where to look: in path itself, or in `below` of each version's folder in it. */
struct folder {
        char *path;
        const char *below; /* NULL: path itself */
        int fd;            /* of path; -1: it is not there */
};

/* What the worker thread reads and fills in; it touches nothing else. */
struct search {
        struct job job;
        struct interpreters *owner;
        struct folder folders[FOLDERS_MAX];
        size_t folder_count;
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

/* Where an open file really is, whatever lies on the way. */
static bool path_of(int fd, char *ret_path, size_t size) {
        char self[32];
        ssize_t n;

        snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        n = readlink(self, ret_path, size - 1);
        ret_path[MAX(n, (ssize_t)0)] = '\0';
        return ret_path[0] == '/';
}

/* PREFIX/bin/name: the standard library lies beside bin. False when we can neither reach nor show it. */
static bool find_prefix(struct interpreter *in, int folder) {
        AUTO(str) char *prefix = xstrdup(in->path);
        AUTO(fd) int fd = -1;
        char path[PATH_MAX], *slash;

        for (int up = 0; up < 2; ++up) {
                slash = strrchr(prefix, '/');
                if (slash && slash != prefix)
                        *slash = '\0';
        }
        fd = open(prefix, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0) {
                fd = openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (fd < 0 || !path_of(fd, path, sizeof(path)) || !streq(path, prefix))
                        return false;
                in->prefix_fd = TAKE_FD(fd);
        }
        in->prefix = TAKE(prefix);
        return true;
}

static void consider(struct search *s, enum language language, int folder, const char *name) {
        AUTO(fd) int fd = openat(folder, name, O_PATH | O_CLOEXEC);
        struct interpreter in = { .language = language, .prefix_fd = -1 };
        char path[PATH_MAX], self[32];

        if (s->count == INTERPRETERS_MAX || fd < 0 || !path_of(fd, path, sizeof(path)) || is_known(s, path))
                return;
        snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
        if (!is_program(self) ||
            (!version_in_name(path, &in.major, &in.minor) && ask_version(self, &in.major, &in.minor)))
                return;
        in.path = path;
        if (!str_starts(path, "/usr/") && !str_starts(path, "/bin/") && !find_prefix(&in, folder))
                return;
        in.path = xstrdup(path);
        s->found[s->count++] = in;
}

/* Consumes the descriptor. */
static void consider_folder(struct search *s, int folder) {
        DIR *dir = folder < 0 ? NULL : fdopendir(folder);
        struct dirent *entry;
        unsigned major, minor;
        char rest;

        if (!dir) {
                fd_close(folder);
                return;
        }
        while ((entry = readdir(dir))) {
                if (streq(entry->d_name, "python3") ||
                    sscanf(entry->d_name, "python3.%u%c", &minor, &rest) == 1)
                        consider(s, LANGUAGE_PYTHON, dirfd(dir), entry->d_name);
                else if (streq(entry->d_name, "node") || streq(entry->d_name, "nodejs") ||
                         sscanf(entry->d_name, "node-%u%c", &major, &rest) == 1)
                        consider(s, LANGUAGE_NODE, dirfd(dir), entry->d_name);
        }
        closedir(dir);
}

/* FOLDER/VERSION/bin, as version managers lay their installations out. Consumes the descriptor. */
static void consider_versions(struct search *s, int folder, const char *below) {
        DIR *dir = folder < 0 ? NULL : fdopendir(folder);
        struct dirent *entry;

        if (!dir) {
                fd_close(folder);
                return;
        }
        while ((entry = readdir(dir))) {
                AUTO(str) char *bin = xasprintf("%s/%s", entry->d_name, below);

                if (entry->d_name[0] != '.')
                        consider_folder(s, openat(dirfd(dir), bin, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        }
        closedir(dir);
}

static void search_run(struct job *job) {
        struct search *s = container_of(job, struct search, job);

        for (size_t i = 0; i < s->folder_count; ++i) {
                const struct folder *folder = &s->folders[i];
                int fd = folder->fd < 0 ? -1 : openat(folder->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                if (folder->below)
                        consider_versions(s, fd, folder->below);
                else
                        consider_folder(s, fd);
        }
}

/* ---- where to look ---- */

static void add_folder(struct search *s, const char *path, const char *below) {
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || s->folder_count == FOLDERS_MAX) {
                fd_close(fd);
                return;
        }
        s->folders[s->folder_count++] = (struct folder){ .path = xstrdup(path), .below = below, .fd = fd };
}

static void add_folders(struct search *s) {
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
        const char *path = getenv("PATH"), *home = getenv("HOME");
        AUTO(str) char *folders = xasprintf("/usr/bin:/usr/local/bin:%s", path ? path : "");

        for (char *at = folders, *next; at; at = next) {
                next = strchr(at, ':');
                if (next)
                        *next++ = 0;
                if (at[0] == '/' && !strstr(at, "/shims"))
                        add_folder(s, at, NULL);
        }
        for (size_t i = 0; home && home[0] == '/' && i < ARRAY_SIZE(managers); ++i) {
                AUTO(str) char *root = xasprintf("%s/%s", home, managers[i].folder);

                add_folder(s, root, managers[i].below);
        }
}

void interpreters_only_open(struct interpreters *i) {
        must(i->search && !i->searching);
        for (size_t k = 0; k < i->search->folder_count; ++k) {
                struct folder *folder = &i->search->folders[k];

                fd_close(folder->fd);
                folder->fd = open(folder->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        }
}

/* ---- the loop's side ---- */

static void free_found(struct interpreter *found, size_t count) {
        for (size_t i = 0; i < count; ++i) {
                free(found[i].path);
                free(found[i].prefix);
                fd_close(found[i].prefix_fd);
        }
}

static void search_free(struct search *s) {
        for (size_t i = 0; i < s->folder_count; ++i) {
                free(s->folders[i].path);
                fd_close(s->folders[i].fd);
        }
        free_found(s->found, s->count);
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
        i->searching = false;
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
        i->search = xcalloc(1, sizeof(*i->search));
        i->search->owner = i;
        i->search->job = (struct job){ .run = search_run, .done = search_done, .discard = search_discard };
        add_folders(i->search);
        return i;
}

void interpreters_free(struct interpreters *i) {
        if (!i)
                return;
        if (i->searching)
                job_disown(&i->search->job);
        else if (i->search)
                search_free(i->search);
        free_found(i->found, i->count);
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
        if (i->searching)
                return;
        i->searching = true;
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
