/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/compiled.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/log.h"
#include "base/random.h"
#include "base/sha256.h"

#define PATIENCE_MS 20000
#define KEY_BYTES 12
/* An installation that we cannot reach by its path is reached by a descriptor, its shared library included. */
#define SHOWN_FD 3
#define SHOWN "/proc/self/fd/3"

struct compiled {
        struct loop *loop;
        char *source, *folder;
        struct list makings;
};

/* One interpreter's. The strings are written before the job is submitted, and dir by the worker before it is
 * done. */
struct making {
        struct job job;
        struct list link;
        char *python, *source, *folder;
        size_t prefix_len; /* of python */
        int prefix_fd;     /* when its path is closed to us; -1 */
        char *dir;         /* NULL: could not be made */
        int error;
        bool done;
};

/* The copy is readable for the users that functions run as, whatever our umask is. */
static const char script[] =
        "import compileall, os, py_compile, shutil, sys\n"
        "source, target = sys.argv[1:]\n"
        "os.umask(0o022)\n"
        "shutil.rmtree(target, ignore_errors=True)\n"
        "shutil.copytree(source, target, ignore=shutil.ignore_patterns('__pycache__'))\n"
        "mode = py_compile.PycInvalidationMode.UNCHECKED_HASH\n"
        "sys.exit(not compileall.compile_dir(target, quiet=2, invalidation_mode=mode))\n";

/* ---- on the worker thread ---- */

static void digest_file(struct sha256 *hash, int folder, const char *name) {
        AUTO(fd) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
        char block[4096];
        ssize_t n;

        while (fd >= 0 && (n = read(fd, block, sizeof(block))) > 0)
                sha256_update(hash, block, (size_t)n);
}

static int is_source(const struct dirent *entry) {
        return entry->d_name[0] != '.' && !streq(entry->d_name, "__pycache__");
}

/* In the order of names; a name and a content cannot be confused, because of the NUL behind the former. */
static int digest_folder(struct sha256 *hash, const char *path) {
        struct dirent **entries;
        int count = scandir(path, &entries, is_source, alphasort), r = 0;
        AUTO(fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (count < 0)
                return -errno;
        for (int i = 0; i < count; ++i) {
                const char *name = entries[i]->d_name;

                sha256_update(hash, name, strlen(name) + 1);
                if (entries[i]->d_type == DT_DIR) {
                        AUTO(str) char *below = xasprintf("%s/%s", path, name);

                        r = r ? r : digest_folder(hash, below);
                } else {
                        digest_file(hash, fd, name);
                }
                free(entries[i]);
        }
        free(entries);
        return fd < 0 ? -EIO : r;
}

static int await_end(pid_t pid) {
        AUTO(fd) int fd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd ended = { fd, POLLIN, 0 };
        int status;

        if (fd < 0 || poll(&ended, 1, PATIENCE_MS) <= 0)
                kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return -errno;
        return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOEXEC;
}

static int run_script(const struct making *m, const char *target) {
        bool closed = m->prefix_fd >= 0;
        AUTO(str) char *python =
                closed ? xasprintf(SHOWN "%s", m->python + m->prefix_len) : xstrdup(m->python);
        char *const argv[] = { python,    (char *)"-ISB", (char *)"-c", (char *)script,
                               m->source, (char *)target, NULL };
        char *const envp[] = { (char *)"PATH=/usr/bin:/bin",
                               closed ? (char *)"LD_LIBRARY_PATH=" SHOWN "/lib" : NULL, NULL };
        posix_spawn_file_actions_t actions;
        posix_spawnattr_t attr;
        sigset_t none;
        pid_t pid;
        int r;

        sigemptyset(&none);
        posix_spawnattr_init(&attr);
        posix_spawnattr_setsigmask(&attr, &none);
        posix_spawnattr_setpgroup(&attr, 0); /* the terminal's ^C is for the daemon */
        posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
        posix_spawn_file_actions_adddup2(&actions, 0, 1);
        posix_spawn_file_actions_adddup2(&actions, 0, 2);
        if (closed)
                posix_spawn_file_actions_adddup2(&actions, m->prefix_fd, SHOWN_FD);
        r = -posix_spawn(&pid, python, &actions, &attr, argv, envp);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attr);
        return r ? r : await_end(pid);
}

static int make(struct making *m) {
        unsigned char digest[SHA256_LEN];
        char key[2 * KEY_BYTES + 1];
        AUTO(str) char *target = NULL;
        AUTO(str) char *unfinished = NULL;
        struct sha256 hash;
        int r;

        sha256_init(&hash);
        sha256_update(&hash, m->python, strlen(m->python) + 1);
        r = digest_folder(&hash, m->source);
        if (r)
                return r;
        sha256_final(&hash, digest);
        hex_encode(digest, KEY_BYTES, key);
        target = xasprintf("%s/%s", m->folder, key);
        unfinished = xasprintf("%s.new", target);
        if (access(target, F_OK) < 0) {
                if (mkdir(m->folder, 0700) < 0 && errno != EEXIST)
                        return -errno;
                r = run_script(m, unfinished);
                if (!r && rename(unfinished, target) < 0)
                        r = -errno;
        }
        if (!r)
                m->dir = TAKE(target);
        return r;
}

static void making_run(struct job *job) {
        struct making *m = container_of(job, struct making, job);

        m->error = make(m);
}

/* ---- on the loop ---- */

static void making_free(struct making *m) {
        list_unlink(&m->link);
        free(m->python), free(m->source), free(m->folder), free(m->dir);
        fd_close(m->prefix_fd);
        free(m);
}

static void making_done(struct job *job) {
        struct making *m = container_of(job, struct making, job);

        m->done = true;
        if (m->error)
                log_warn("the Python client could not be compiled with %s: %s; its cold starts take longer",
                         m->python, strerror(-m->error));
}

static void making_discard(struct job *job) {
        making_free(container_of(job, struct making, job));
}

struct compiled *compiled_new(struct loop *loop, const char *runtimes_dir, const char *data_dir) {
        struct compiled *c = xcalloc(1, sizeof(*c));

        c->loop = loop;
        c->source = xasprintf("%s/%s", runtimes_dir, language_name(LANGUAGE_PYTHON));
        c->folder = xasprintf("%s/runtimes", data_dir);
        list_init(&c->makings);
        return c;
}

void compiled_free(struct compiled *c) {
        struct making *m;

        if (!c)
                return;
        while ((m = list_first(&c->makings, struct making, link))) {
                list_unlink(&m->link);
                if (m->done)
                        making_free(m);
                else
                        job_disown(&m->job);
        }
        free(c->source), free(c->folder);
        free(c);
}

static struct making *find(const struct compiled *c, const struct interpreter *in) {
        struct making *m;

        list_each(m, &c->makings, link)
                if (streq(m->python, in->path))
                        return m;
        return NULL;
}

void compiled_want(struct compiled *c, const struct interpreter *in) {
        struct making *m;

        if (in->language != LANGUAGE_PYTHON || find(c, in))
                return;
        m = xcalloc(1, sizeof(*m));
        m->python = xstrdup(in->path);
        m->source = xstrdup(c->source);
        m->folder = xstrdup(c->folder);
        m->prefix_fd = in->prefix_fd < 0 ? -1 : fcntl(in->prefix_fd, F_DUPFD_CLOEXEC, SHOWN_FD + 1);
        m->prefix_len = in->prefix ? strlen(in->prefix) : 0;
        m->job = (struct job){ .run = making_run, .done = making_done, .discard = making_discard };
        list_push_back(&c->makings, &m->link);
        job_submit(c->loop, &m->job);
}

const char *compiled_dir(const struct compiled *c, const struct interpreter *in) {
        const struct making *m = find(c, in);

        return m && m->done ? m->dir : NULL;
}
