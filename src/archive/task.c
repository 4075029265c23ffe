/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A task is one helper process and what comes before and after it:
 *
 *   WAITING     for layers to be unpacked, then for a turn (store->helpers_most at a time)
 *   STARTING    job: makes tmp/<name>/root, opens what the helper gets, spawns it
 *   RUNNING     until the report, or until the helper ends without one
 *   PUBLISHING  job: writes the info, renames into place; then all who wait are answered
 *   SYNCING     the helper brings the data to the disk; when it is done a job says so in the info
 *
 * The helper may end at any time from RUNNING on. Emptying the trash is a task without an item and without
 * the last two.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/content_private.h"
#include "base/log.h"

enum task_kind { TASK_UNPACK, TASK_MERGE, TASK_CLEAR };
enum task_state { TASK_WAITING, TASK_STARTING, TASK_RUNNING, TASK_PUBLISHING, TASK_SYNCING };

struct task {
        struct job job;
        struct list link, queue_link;
        struct content_store *store;
        struct content_root *root;
        struct item *item; /* NULL: to clear, or the tree is not wanted any more */
        enum task_kind kind;
        enum task_state state;
        struct archive_limits limits;
        struct content_wait layer_wait;
        const char *next_layer; /* in layers */
        char *layers;           /* a copy of the item's, for the worker */
        char hex[SHA256_HEX_LEN + 1];
        char name[sizeof("tmp/") + HEX_ID_LEN];
        struct helper_process process;
        struct source report_source, exit_source;
        struct archive_report report;
        struct tree_info info;
        int error; /* of the job that ran last */
        bool has_turn, reported, exited, exited_well, doomed;
        bool blob_was_removed; /* under way: one that has come since was perhaps too late for its syncfs */
};

static void task_advance_queue(struct content_store *store);

static struct task *task_new(struct content_store *store, enum task_kind kind, struct item *item) {
        struct task *task = xcalloc(1, sizeof(*task));
        char id[HEX_ID_LEN + 1];

        random_hex_id(id);
        task->store = store;
        task->root = content_root_ref(store->root);
        task->kind = kind;
        task->item = item;
        task->process = HELPER_PROCESS_NULL;
        snprintf(task->name, sizeof(task->name), "tmp/%s", id);
        if (item) {
                item->task = task;
                memcpy(task->hex, item->hex, sizeof(task->hex));
                task->layers = item->layers ? xstrdup(item->layers) : NULL;
        }
        list_push_back(&store->tasks, &task->link);
        return task;
}

static void task_free(struct task *task) {
        source_remove(&task->report_source);
        source_remove(&task->exit_source);
        helper_end(&task->process);
        content_wait_cancel(&task->layer_wait);
        list_unlink(&task->queue_link);
        list_unlink(&task->link);
        content_root_unref(task->root);
        free(task->layers);
        free(task);
}

static void give_turn_back(struct task *task) {
        if (!task->has_turn)
                return;
        task->has_turn = false;
        --task->store->helpers;
        task_advance_queue(task->store);
}

/* ---- the worker's part ---- */

static int open_directory(int at, const char *path) {
        int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int make_target(struct task *task) {
        char path[sizeof(task->name) + sizeof("/root")];

        snprintf(path, sizeof(path), "%s/root", task->name);
        if (mkdirat(task->root->fd, task->name, 0700) < 0 || mkdirat(task->root->fd, path, 0755) < 0)
                return -errno;
        /* 0755 whatever the umask: environments run under other users. */
        if (fchmodat(task->root->fd, path, 0755, 0) < 0)
                return -errno;
        return open_directory(task->root->fd, path);
}

static int spawn_unpack(struct task *task, int target) {
        char bytes[24], entries[16], path[sizeof("blobs/") + SHA256_HEX_LEN];
        const char *argv[] = { task->root->helper, "unpack", bytes, entries, NULL };
        AUTO(fd) int blob = -1;

        snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)task->limits.bytes);
        snprintf(entries, sizeof(entries), "%u", task->limits.entries);
        snprintf(path, sizeof(path), "blobs/%s", task->hex);
        blob = openat(task->root->fd, path, O_RDONLY | O_CLOEXEC);
        if (blob < 0)
                return -errno;
        return helper_spawn(&task->root->server, argv,
                            &(struct helper_fds){ .source = blob, .target = target }, &task->process);
}

static int spawn_merge(struct task *task, int target) {
        int trees[HELPER_LAYERS_MAX], r = 0;
        unsigned count = 0;
        char number[8];
        const char *argv[] = { task->root->helper, "merge", number, NULL };

        for (const char *line = task->layers; *line && !r; line += SHA256_HEX_LEN + 1) {
                char path[sizeof("trees//root") + SHA256_HEX_LEN];

                snprintf(path, sizeof(path), "trees/%.*s/root", SHA256_HEX_LEN, line);
                r = open_directory(task->root->fd, path);
                if (r >= 0) {
                        trees[count++] = r;
                        r = 0;
                }
        }
        snprintf(number, sizeof(number), "%u", count);
        if (!r)
                r = helper_spawn(&task->root->server, argv, &(struct helper_fds){ -1, target, trees, count },
                                 &task->process);
        while (count)
                fd_close(trees[--count]);
        return r;
}

static int spawn_clear(struct task *task) {
        const char *argv[] = { task->root->helper, "clear", NULL };
        AUTO(fd) int trash = open_directory(task->root->fd, "trash");

        if (trash < 0)
                return trash;
        return helper_spawn(&task->root->server, argv, &(struct helper_fds){ .source = -1, .target = trash },
                            &task->process);
}

static void start_run(struct job *job) {
        struct task *task = container_of(job, struct task, job);
        AUTO(fd) int target = -1;

        if (task->kind == TASK_CLEAR) {
                task->error = spawn_clear(task);
                return;
        }
        target = make_target(task);
        if (target < 0)
                task->error = target;
        else
                task->error =
                        task->kind == TASK_UNPACK ? spawn_unpack(task, target) : spawn_merge(task, target);
}

static void publish_run(struct job *job) {
        struct task *task = container_of(job, struct task, job);
        char path[16 + SHA256_HEX_LEN];

        snprintf(path, sizeof(path), "%s/%s", task->kind == TASK_UNPACK ? "trees" : "opt", task->hex);
        task->error = info_write(task->root->fd, task->name, &task->info, task->layers);
        if (!task->error && renameat(task->root->fd, task->name, task->root->fd, path) < 0)
                task->error = -errno;
}

/* The store was closed while the job ran. */
static void job_discard(struct job *job) {
        task_free(container_of(job, struct task, job));
}

/* Says in the info that the disk has the tree. */
struct mark {
        struct job job;
        struct content_root *root;
        char folder[16 + SHA256_HEX_LEN];
};

static void mark_run(struct job *job) {
        struct mark *mark = container_of(job, struct mark, job);

        /* Unmarked it is made again after the next boot, that is all. */
        (void)info_set_synced(mark->root->fd, mark->folder);
}

static void mark_done(struct job *job) {
        struct mark *mark = container_of(job, struct mark, job);

        content_root_unref(mark->root);
        free(mark);
}

/* The blob's mark goes here and now: a worker's turn would come too late and take that of an upload that came since. */
static void mark_synced(struct task *task) {
        struct mark *mark = xcalloc(1, sizeof(*mark));
        struct item *item = task->item;

        mark->job = (struct job){ .run = mark_run, .done = mark_done, .discard = mark_done };
        mark->root = content_root_ref(task->root);
        if (item->unsynced && !task->blob_was_removed) {
                unsynced_clear(task->root->fd, item->hex);
                item->unsynced = false;
        }
        snprintf(mark->folder, sizeof(mark->folder), "%s/%s", item_folder(item->kind), item->hex);
        job_submit(task->store->loop, &mark->job);
}

/* ---- the way back ---- */

/* Both the answer and the helper's end have come. */
static void finish(struct task *task) {
        struct content_store *store = task->store;
        struct item *item = task->item;

        if (task->kind == TASK_CLEAR)
                store->clearing = NULL;
        if (item && task->state == TASK_SYNCING && task->exited_well)
                mark_synced(task);
        if (item)
                item->task = NULL;
        give_turn_back(task);
        task_free(task);
        if (item)
                item_drop_if_empty(item);
        if (store->clear_again && !store->clearing)
                task_clear_trash(store);
}

/* No tree will come of it. The helper, if it still runs, has nothing left to do that matters. */
static void fail(struct task *task, enum archive_outcome outcome, int error, const char *reason) {
        struct content_store *store = task->store;
        struct item *item = TAKE(task->item);
        char text[ARCHIVE_REASON_SIZE];

        snprintf(text, sizeof(text), "%s", reason);
        if (task->kind == TASK_CLEAR)
                log_debug("content trash=kept error=\"%s\"", text);
        else if (task->state != TASK_WAITING)
                content_discard(store, "tmp", task->name + strlen("tmp/"));
        if (item)
                item->task = NULL;
        finish(task);
        if (!item)
                return;
        item_answer_failure(item, outcome, error, text);
}

static void fail_errno(struct task *task, int r) {
        fail(task, ARCHIVE_BROKE_OFF, r, strerror(-r));
}

static void publish_done(struct job *job) {
        struct task *task = container_of(job, struct task, job);
        struct content_store *store = task->store;
        struct item *item = task->item;

        if (task->error) {
                fail_errno(task, task->error);
                return;
        }
        task->state = TASK_SYNCING;
        item_take_tree(item, &task->info);
        if (task->doomed) {
                /* Nobody wants the tree now, but who waits is owed an answer. */
                content_discard(store, item_folder(item->kind), item->hex);
                item->has_tree = false;
                task->item = NULL;
                item->task = NULL;
                if (task->exited)
                        finish(task);
                item_answer_failure(item, ARCHIVE_BROKE_OFF, -ENOENT, "removed while it was unpacked");
                return;
        }
        item->answering = true; /* finish must not drop it */
        if (task->exited)
                finish(task);
        item->answering = false;
        item_answer(item);
}

static void publish(struct task *task) {
        task->state = TASK_PUBLISHING;
        task->info = (struct tree_info){
                .bytes = task->report.bytes,
                .entries = task->report.entries,
                .unreadable = task->report.unreadable,
        };
        memcpy(task->info.boot, task->store->boot, sizeof(task->info.boot));
        memcpy(task->info.note, task->report.reason, sizeof(task->info.note));
        for (char *c = task->info.note; *c; ++c)
                if (*c == '\n')
                        *c = ' ';
        task->job = (struct job){ .run = publish_run, .done = publish_done, .discard = job_discard };
        job_submit(task->store->loop, &task->job);
}

static void read_report(struct task *task) {
        struct archive_report report;

        if (task->reported ||
            read(task->process.report_fd, &report, sizeof(report)) != (ssize_t)sizeof(report))
                return;
        task->reported = true;
        task->report = report;
        task->report.reason[sizeof(report.reason) - 1] = 0;
        give_turn_back(task);
}

/* True while the task still exists. */
static bool take_report(struct task *task) {
        bool had = task->reported;

        read_report(task);
        if (!task->reported || had || task->kind == TASK_CLEAR)
                return true;
        if (task->report.outcome == ARCHIVE_FINE) {
                publish(task);
                return true;
        }
        fail(task, MIN(task->report.outcome, (uint32_t)ARCHIVE_BROKE_OFF), task->report.error,
             task->report.reason);
        return false;
}

static void on_report(struct source *source, uint32_t events) {
        take_report(container_of(source, struct task, report_source));
}

static void on_exit_of_helper(struct source *source, uint32_t events) {
        struct task *task = container_of(source, struct task, exit_source);

        if (!take_report(task))
                return;
        source_remove(&task->exit_source);
        task->exited = true;
        task->exited_well = helper_reap(&task->process);
        if (!task->reported)
                fail(task, ARCHIVE_BROKE_OFF, -EIO, "the helper process broke down");
        else if (task->kind == TASK_CLEAR || task->state == TASK_SYNCING)
                finish(task);
}

static void start_done(struct job *job) {
        struct task *task = container_of(job, struct task, job);
        struct loop *loop = task->store->loop;
        int r = task->error;

        if (!r)
                r = source_add(loop, &task->report_source, task->process.report_fd, 0, RANK_OUTPUT,
                               on_report);
        if (!r)
                r = source_add(loop, &task->exit_source, task->process.pid_fd, EPOLLIN, RANK_EXIT,
                               on_exit_of_helper);
        if (r)
                fail_errno(task, r);
        else
                task->state = TASK_RUNNING;
}

/* ---- the way there ---- */

static void start(struct task *task) {
        task->state = TASK_STARTING;
        task->job = (struct job){ .run = start_run, .done = start_done, .discard = job_discard };
        job_submit(task->store->loop, &task->job);
}

static void task_advance_queue(struct content_store *store) {
        while (store->helpers < store->helpers_most && !list_is_empty(&store->queue)) {
                struct task *task = list_first(&store->queue, struct task, queue_link);

                list_unlink(&task->queue_link);
                task->has_turn = true;
                ++store->helpers;
                start(task);
        }
}

static void take_turn(struct task *task) {
        list_push_back(&task->store->queue, &task->queue_link);
        task_advance_queue(task->store);
}

void task_unpack(struct item *item, const struct archive_limits *limits) {
        struct task *task = item->task;

        if (task) {
                task->doomed = false; /* wanted again */
                return;
        }
        task = task_new(item->store, TASK_UNPACK, item);
        task->limits = *limits;
        take_turn(task);
}

static void await_layers(struct task *task);

static void on_layer(struct content_wait *wait, const struct content_tree *tree) {
        struct task *task = container_of(wait, struct task, layer_wait);

        if (tree->outcome == ARCHIVE_FINE)
                await_layers(task);
        else
                fail(task, tree->outcome, tree->error, tree->reason);
}

static void await_layers(struct task *task) {
        char hex[SHA256_HEX_LEN + 1];

        if (!*task->next_layer) {
                take_turn(task);
                return;
        }
        memcpy(hex, task->next_layer, SHA256_HEX_LEN);
        hex[SHA256_HEX_LEN] = 0;
        task->next_layer += SHA256_HEX_LEN + 1;
        content_unpack(task->store, hex, &task->limits, &task->layer_wait, on_layer);
}

void task_merge(struct item *item, const struct archive_limits *limits) {
        struct task *task = item->task;

        if (task) {
                task->doomed = false;
                return;
        }
        task = task_new(item->store, TASK_MERGE, item);
        task->limits = *limits;
        task->next_layer = task->layers;
        await_layers(task);
}

void task_forget_tree(struct task *task) {
        if (task->state != TASK_SYNCING) {
                task->doomed = task->blob_was_removed = true;
                return;
        }
        task->item->task = NULL;
        task->item = NULL;
}

void task_clear_trash(struct content_store *store) {
        store->clear_again = store->clearing != NULL;
        if (store->clearing)
                return;
        store->clearing = task_new(store, TASK_CLEAR, NULL);
        start(store->clearing);
}

void task_end_all(struct content_store *store) {
        struct task *task;

        while ((task = list_first(&store->tasks, struct task, link))) {
                list_unlink(&task->link);
                source_remove(&task->report_source);
                source_remove(&task->exit_source);
                content_wait_cancel(&task->layer_wait);
                list_unlink(&task->queue_link);
                if (task->state == TASK_STARTING || task->state == TASK_PUBLISHING)
                        job_disown(&task->job); /* job_discard frees it */
                else
                        task_free(task);
        }
}
