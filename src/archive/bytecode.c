/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One struct bytecode is what one interpreter is to compile of one tree; what is there already has none:
 *
 *   WAITING     in the queue store->compiling
 *   STARTING    job: makes tmp/<name>, opens what the helper gets, spawns it
 *   RUNNING     until the interpreter ends, or its time is over
 *   PUBLISHING  job: renames into place
 *   FAILED      and not tried again
 *
 * When the tree goes meanwhile the result is thrown away as soon as it comes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/compile.h"
#include "archive/content_private.h"
#include "base/log.h"

#define KEY_BYTES 12
/* Each may keep a descriptor. Who finds no room asks again at the next cold start. */
#define QUEUE_MOST 64

enum state { WAITING, STARTING, RUNNING, PUBLISHING, FAILED };

struct bytecode {
        struct job job;
        struct map_node node; /* by folder */
        struct list link;     /* on store->compiling */
        struct content_store *store;
        struct content_root *root;
        enum state state;
        char *folder, *python, *inside, *prefix;
        int prefix_fd;
        char tree[sizeof("trees//root") + SHA256_HEX_LEN];
        char name[sizeof("tmp/") + HEX_ID_LEN];
        struct helper_process process;
        struct source exit_source;
        struct timer patience;
        int error; /* of the job that ran last */
        bool doomed;
};

static void leave_queue(struct bytecode *b) {
        if (!list_is_linked(&b->link))
                return;
        list_unlink(&b->link);
        --b->store->compiling_count;
}

/* Its store may have gone. */
static void bytecode_free(struct bytecode *b) {
        source_remove(&b->exit_source);
        timer_disarm(&b->patience);
        helper_end(&b->process);
        list_unlink(&b->link);
        content_root_unref(b->root);
        fd_close(b->prefix_fd);
        free(b->folder), free(b->python), free(b->inside), free(b->prefix);
        free(b);
}

/* ---- the worker's part ---- */

static int open_folder(int at, const char *path) {
        int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int spawn(struct bytecode *b) {
        const char *argv[] = { b->root->helper, "compile", b->python, b->inside, NULL };
        AUTO(fd) int tree = open_folder(b->root->fd, b->tree);
        AUTO(fd) int target = open_folder(b->root->fd, b->name);
        struct helper_fds fds = { .source = tree, .target = target, .layers = &b->prefix_fd };

        if (tree < 0 || target < 0)
                return tree < 0 ? tree : target;
        if (b->prefix && b->prefix_fd < 0)
                b->prefix_fd = open_folder(AT_FDCWD, b->prefix);
        if (b->prefix && b->prefix_fd < 0)
                return b->prefix_fd;
        fds.layer_count = b->prefix ? 1 : 0;
        return helper_spawn(&b->root->server, argv, &fds, &b->process);
}

static void start_run(struct job *job) {
        struct bytecode *b = container_of(job, struct bytecode, job);

        /* 0755 whatever the umask: environments run under other users. */
        if (mkdirat(b->root->fd, b->name, 0700) < 0 || fchmodat(b->root->fd, b->name, 0755, 0) < 0)
                b->error = -errno;
        else
                b->error = spawn(b);
}

static void publish_run(struct job *job) {
        struct bytecode *b = container_of(job, struct bytecode, job);

        b->error = renameat(b->root->fd, b->name, b->root->fd, b->folder) < 0 ? -errno : 0;
}

/* The store was closed while the job ran. */
static void discard(struct job *job) {
        bytecode_free(container_of(job, struct bytecode, job));
}

/* ---- on the loop ---- */

static void start_first(struct content_store *store);

static void submit(struct bytecode *b, enum state state, void (*run)(struct job *job),
                   void (*done)(struct job *job)) {
        b->state = state;
        b->job = (struct job){ .run = run, .done = done, .discard = discard };
        job_submit(b->store->loop, &b->job);
}

/* error: 0 when it is in its place. */
static void finish(struct bytecode *b, int error) {
        struct content_store *store = b->store;

        source_remove(&b->exit_source);
        timer_disarm(&b->patience);
        helper_end(&b->process);
        leave_queue(b);
        b->prefix_fd = fd_close(b->prefix_fd);
        b->state = FAILED;
        if (error)
                content_discard(store, "tmp", b->name + strlen("tmp/"));
        if (error)
                log_debug("content bytecode=failed folder=%s error=\"%s\"", b->folder, strerror(-error));
        else
                log_debug("content bytecode=ready folder=%s", b->folder);
        if (!error && !b->doomed)
                map_remove(&store->bytecodes, &b->node);
        if (!error || b->doomed)
                bytecode_free(b);
        start_first(store);
}

static void publish_done(struct job *job) {
        struct bytecode *b = container_of(job, struct bytecode, job);
        bool was_there = b->error == -ENOTEMPTY || b->error == -EEXIST;

        /* The tree went and came again meanwhile: what was made for either is as good. */
        if (was_there)
                content_discard(b->store, "tmp", b->name + strlen("tmp/"));
        finish(b, was_there ? 0 : b->error);
}

static void on_exit_of_helper(struct source *source, uint32_t events) {
        struct bytecode *b = container_of(source, struct bytecode, exit_source);

        source_remove(&b->exit_source);
        timer_disarm(&b->patience);
        if (!helper_reap(&b->process))
                finish(b, -ENOEXEC);
        else
                submit(b, PUBLISHING, publish_run, publish_done);
}

static void on_patience(struct timer *timer) {
        finish(container_of(timer, struct bytecode, patience), -ETIMEDOUT);
}

static void start_done(struct job *job) {
        struct bytecode *b = container_of(job, struct bytecode, job);
        struct loop *loop = b->store->loop;
        int r = b->error;

        r = r ?: source_add(loop, &b->exit_source, b->process.pid_fd, EPOLLIN, RANK_EXIT, on_exit_of_helper);
        if (r || b->doomed) {
                finish(b, r ?: -ENOENT);
                return;
        }
        b->state = RUNNING;
        log_debug("content bytecode=begun folder=%s", b->folder);
        timer_arm(&b->patience, loop_now(loop) + BYTECODE_PATIENCE);
}

static void start_first(struct content_store *store) {
        struct bytecode *b = list_first(&store->compiling, struct bytecode, link);

        if (b && b->state == WAITING)
                submit(b, STARTING, start_run, start_done);
}

/* ---- asking ---- */

/* An interpreter that was replaced is another one. */
static char *key_of(const struct content_python *python) {
        unsigned char digest[SHA256_LEN];
        char key[2 * KEY_BYTES + 1];
        struct stat st = {};
        struct sha256 hash;

        if (python->prefix && python->prefix_fd >= 0)
                (void)fstatat(python->prefix_fd, python->path + strlen(python->prefix) + 1, &st, 0);
        else
                (void)stat(python->path, &st);
        sha256_init(&hash);
        sha256_update(&hash, python->path, strlen(python->path) + 1);
        sha256_update(&hash, &st.st_size, sizeof(st.st_size));
        sha256_update(&hash, &st.st_mtim, sizeof(st.st_mtim));
        sha256_final(&hash, digest);
        hex_encode(digest, KEY_BYTES, key);
        return xstrdup(key);
}

static void bytecode_new(struct content_store *store, const char *tree, const char *folder,
                         const char *inside, const struct content_python *python) {
        struct bytecode *b = xcalloc(1, sizeof(*b));
        const char *prefix = python->prefix;
        char id[HEX_ID_LEN + 1];

        random_hex_id(id);
        snprintf(b->name, sizeof(b->name), "tmp/%s", id);
        snprintf(b->tree, sizeof(b->tree), "%s", tree);
        b->store = store;
        b->root = content_root_ref(store->root);
        b->folder = xstrdup(folder);
        b->inside = xstrdup(inside);
        b->python = prefix ? xasprintf(COMPILE_PREFIX "%s", python->path + strlen(prefix))
                           : xstrdup(python->path);
        b->prefix = prefix ? xstrdup(prefix) : NULL;
        b->prefix_fd = prefix && python->prefix_fd >= 0 ? fcntl(python->prefix_fd, F_DUPFD_CLOEXEC, 0) : -1;
        b->process = HELPER_PROCESS_NULL;
        timer_init(&b->patience, store->loop, on_patience);
        b->state = WAITING;
        list_push_back(&store->compiling, &b->link);
        ++store->compiling_count;
        map_add(&store->bytecodes, &b->node, b->folder);
}

char *content_bytecode(struct content_store *store, const char *tree, const char *inside,
                       const struct content_python *python) {
        AUTO(str) char *key = key_of(python);
        AUTO(str) char *folder = NULL;

        must(str_starts(tree, store->dir) &&
             strlen(tree) - strlen(store->dir) <= sizeof(((struct bytecode *)NULL)->tree));
        tree += strlen(store->dir) + 1;
        folder = xasprintf("%.*s/bytecode-%s", (int)(strrchr(tree, '/') - tree), tree, key);
        if (faccessat(store->root->fd, folder, F_OK, 0) == 0)
                return xasprintf("%s/%s", store->dir, folder);
        if (!map_find(&store->bytecodes, folder) && store->compiling_count < QUEUE_MOST) {
                bytecode_new(store, tree, folder, inside, python);
                start_first(store);
        }
        return NULL;
}

/* ---- the end ---- */

static void drop(struct bytecode *b) {
        map_remove(&b->store->bytecodes, &b->node);
        if (b->state == STARTING || b->state == PUBLISHING)
                b->doomed = true;
        else if (b->state == RUNNING)
                b->doomed = true, finish(b, -ENOENT);
        else
                leave_queue(b), bytecode_free(b);
}

void bytecode_forget(struct content_store *store, const char *folder, const char *hex) {
        struct map_node *node = map_next(&store->bytecodes, NULL);
        char prefix[sizeof("trees//") + SHA256_HEX_LEN];

        snprintf(prefix, sizeof(prefix), "%s/%s/", folder, hex);
        while (node) {
                struct bytecode *b = container_of(node, struct bytecode, node);

                node = map_next(&store->bytecodes, node);
                if (str_starts(b->folder, prefix))
                        drop(b);
        }
}

void bytecode_end_all(struct content_store *store) {
        struct map_node *node;
        struct bytecode *b;

        while ((node = map_next(&store->bytecodes, NULL))) {
                b = container_of(node, struct bytecode, node);
                map_remove(&store->bytecodes, node);
                if (list_is_linked(&b->link))
                        continue;
                bytecode_free(b);
        }
        while ((b = list_first(&store->compiling, struct bytecode, link))) {
                list_unlink(&b->link);
                if (b->state == STARTING || b->state == PUBLISHING)
                        job_disown(&b->job);
                else
                        bytecode_free(b);
        }
        map_deinit(&store->bytecodes);
}
