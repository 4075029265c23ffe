/* SPDX-License-Identifier: Apache-2.0 */
/* The store itself: opening, items, waiting for trees, removal. Uploads: upload.c. Work for helpers: task.c.
 */
#include "archive/content.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/content_private.h"

#define HELPERS_MOST 2

static const char *const folders[] = { "blobs", "unsynced", "trees", "opt", "tmp", "trash" };

/* ---- root ---- */

struct content_root *content_root_ref(struct content_root *root) {
        ++root->refs;
        return root;
}

void content_root_unref(struct content_root *root) {
        if (--root->refs)
                return;
        helper_server_end(&root->server);
        fd_close(root->fd);
        free(root->helper);
        free(root);
}

/* ---- items ---- */

const char *item_folder(enum item_kind kind) {
        return kind == ITEM_PACKAGE ? "trees" : "opt";
}

static struct item *find(const struct content_store *store, enum item_kind kind, const char *hex) {
        return map_entry(map_find(kind == ITEM_PACKAGE ? &store->packages : &store->merges, hex), struct item,
                         node);
}

struct item *item_get(struct content_store *store, enum item_kind kind, const char *hex) {
        struct item *item = find(store, kind, hex);

        if (item)
                return item;
        item = xcalloc(1, sizeof(*item));
        item->store = store;
        item->kind = kind;
        list_init(&item->waiters);
        snprintf(item->hex, sizeof(item->hex), "%s", hex);
        map_add(kind == ITEM_PACKAGE ? &store->packages : &store->merges, &item->node, item->hex);
        return item;
}

static void item_free(struct item *item) {
        map_remove(item->kind == ITEM_PACKAGE ? &item->store->packages : &item->store->merges, &item->node);
        defer_cancel(&item->answer);
        free(item->failure);
        free(item->layers);
        free(item->note);
        free(item);
}

void item_drop_if_empty(struct item *item) {
        if (!item->has_blob && !item->has_tree && !item->task && !item->answering &&
            list_is_empty(&item->waiters))
                item_free(item);
}

void item_take_tree(struct item *item, const struct tree_info *info) {
        item->has_tree = true;
        item->bytes = info->bytes;
        item->entries = info->entries;
        item->unreadable = info->unreadable;
        free(item->note);
        item->note = *info->note ? xstrdup(info->note) : NULL;
}

static void item_path(const struct item *item, char ret_path[static PATH_MAX]) {
        snprintf(ret_path, PATH_MAX, "%s/%s/%s/root", item->store->dir, item_folder(item->kind), item->hex);
}

static void describe(const struct item *item, char path[static PATH_MAX], struct content_tree *ret) {
        item_path(item, path);
        *ret = (struct content_tree){
                .outcome = ARCHIVE_FINE,
                .bytes = item->bytes,
                .entries = item->entries,
                .unreadable = item->unreadable,
                .reason = item->note ? item->note : "",
                .path = path,
        };
}

void item_answer(struct item *item) {
        const struct archive_report failure = item->failure ? *item->failure : (struct archive_report){};
        struct content_tree tree = { .outcome = failure.outcome,
                                     .error = failure.error,
                                     .reason = failure.reason };
        struct content_wait *wait;
        struct list batch;
        char path[PATH_MAX];

        defer_cancel(&item->answer);
        if (item->has_tree)
                describe(item, path, &tree);
        list_init(&batch);
        if (!list_is_empty(&item->waiters)) {
                list_link_after(&item->waiters, &batch);
                list_unlink(&item->waiters);
        }
        item->answering = true;
        while ((wait = list_first(&batch, struct content_wait, link))) {
                list_unlink(&wait->link);
                wait->fn(wait, &tree);
        }
        item->answering = false;
        item_drop_if_empty(item);
}

static void fail(struct item *item, enum archive_outcome outcome, int error, const char *reason) {
        if (!item->failure)
                item->failure = xmalloc(sizeof(*item->failure));
        *item->failure = (struct archive_report){ .outcome = outcome, .error = error };
        str_fit(item->failure->reason, sizeof(item->failure->reason), reason);
}

void item_answer_failure(struct item *item, enum archive_outcome outcome, int error, const char *reason) {
        fail(item, outcome, error, reason);
        item_answer(item);
}

static void answer_deferred(struct defer *defer) {
        struct item *item = container_of(defer, struct item, answer);

        /* It may have been removed since; and then even asked for again. */
        if (!item->task || item->has_tree)
                item_answer(item);
}

/* ---- waiting ---- */

static void wait_for(struct item *item, struct content_wait *wait,
                     void (*fn)(struct content_wait *wait, const struct content_tree *tree)) {
        must(!list_is_linked(&wait->link));
        wait->fn = fn;
        list_push_back(&item->waiters, &wait->link);
}

static void answer_soon(struct item *item) {
        if (!item->has_tree)
                fail(item, ARCHIVE_BROKE_OFF, -ENOENT, "there is no such package");
        defer_call(item->store->loop, &item->answer, answer_deferred);
}

void content_unpack(struct content_store *store, const char *hex, const struct archive_limits *limits,
                    struct content_wait *wait,
                    void (*fn)(struct content_wait *wait, const struct content_tree *tree)) {
        struct item *item = item_get(store, ITEM_PACKAGE, hex);

        wait_for(item, wait, fn);
        if (item->has_tree || (!item->task && !item->has_blob))
                answer_soon(item);
        else
                task_unpack(item, limits);
}

static char *layer_lines(const char *const *hexes, unsigned count) {
        char *lines = xcalloc(count, SHA256_HEX_LEN + 1 + 1), *p = lines;

        for (unsigned i = 0; i < count; ++i) {
                memcpy(p, hexes[i], SHA256_HEX_LEN);
                p[SHA256_HEX_LEN] = '\n';
                p += SHA256_HEX_LEN + 1;
        }
        return lines;
}

void content_merge(struct content_store *store, const char *const *hexes, unsigned count,
                   const struct archive_limits *limits, struct content_wait *wait,
                   void (*fn)(struct content_wait *wait, const struct content_tree *tree)) {
        AUTO(str) char *lines = NULL;
        unsigned char digest[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        struct sha256 hash;
        struct item *item;

        must(count > 0 && count <= HELPER_LAYERS_MAX);
        if (count == 1) {
                content_unpack(store, hexes[0], limits, wait, fn);
                return;
        }
        lines = layer_lines(hexes, count);
        sha256_init(&hash);
        sha256_update(&hash, lines, strlen(lines));
        sha256_final(&hash, digest);
        hex_encode(digest, sizeof(digest), hex);
        item = item_get(store, ITEM_MERGE, hex);
        if (!item->layers)
                item->layers = TAKE(lines);
        wait_for(item, wait, fn);
        if (item->has_tree)
                answer_soon(item);
        else
                task_merge(item, limits);
}

void content_wait_cancel(struct content_wait *wait) {
        list_unlink(&wait->link);
}

bool content_has_blob(const struct content_store *store, const char *hex, uint64_t *ret_size) {
        const struct item *item = find(store, ITEM_PACKAGE, hex);

        if (!item || !item->has_blob)
                return false;
        if (ret_size)
                *ret_size = item->blob_size;
        return true;
}

bool content_has_tree(const struct content_store *store, const char *hex) {
        const struct item *item = find(store, ITEM_PACKAGE, hex);

        return item && item->has_tree;
}

char *content_tree_path(const struct content_store *store, const char *hex) {
        const struct item *item = find(store, ITEM_PACKAGE, hex);
        char path[PATH_MAX];

        if (!item || !item->has_tree)
                return NULL;
        item_path(item, path);
        return xstrdup(path);
}

int content_open_blob(const struct content_store *store, const char *hex) {
        char path[sizeof("blobs/") + SHA256_HEX_LEN];
        int fd;

        if (!content_has_blob(store, hex, NULL))
                return -ENOENT;
        snprintf(path, sizeof(path), "blobs/%s", hex);
        fd = openat(store->root->fd, path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? fault(-errno) : fd;
}

/* ---- removal ---- */

/* A rename, at once and on the loop: a worker's would come too late and take what an upload has put there since. */
void content_discard(struct content_store *store, const char *folder, const char *name) {
        char from[128], to[sizeof("trash/") + HEX_ID_LEN], id[HEX_ID_LEN + 1];

        random_hex_id(id);
        snprintf(from, sizeof(from), "%s/%s", folder, name);
        snprintf(to, sizeof(to), "trash/%s", id);
        renameat(store->root->fd, from, store->root->fd, to);
        task_clear_trash(store);
}

static void remove_tree(struct item *item) {
        if (item->task)
                task_forget_tree(item->task);
        if (item->has_tree) {
                content_discard(item->store, item_folder(item->kind), item->hex);
                bytecode_forget(item->store, item_folder(item->kind), item->hex);
        }
        item->has_tree = false;
}

static void remove_package(struct item *item) {
        struct content_store *store = item->store;
        struct map_node *node = map_next(&store->merges, NULL);

        while (node) {
                struct item *merge = container_of(node, struct item, node);

                node = map_next(&store->merges, node);
                if (strstr(merge->layers, item->hex)) {
                        remove_tree(merge);
                        item_drop_if_empty(merge);
                }
        }
        remove_tree(item);
        if (item->has_blob)
                content_discard(store, "blobs", item->hex);
        if (item->unsynced)
                unsynced_clear(store->root->fd, item->hex);
        item->has_blob = item->unsynced = false;
        item_drop_if_empty(item);
}

void content_remove(struct content_store *store, const char *hex) {
        struct item *item = find(store, ITEM_PACKAGE, hex);

        if (item)
                remove_package(item);
}

void content_sweep(struct content_store *store, bool (*keep)(const char *hex, void *owner), void *owner) {
        struct map_node *node = map_next(&store->packages, NULL);

        while (node) {
                struct item *item = container_of(node, struct item, node);

                node = map_next(&store->packages, node);
                if (!keep(item->hex, owner))
                        remove_package(item);
        }
}

/* ---- opening ---- */

static bool is_hex(const char *name) {
        return strspn(name, "0123456789abcdef") == SHA256_HEX_LEN && !name[SHA256_HEX_LEN];
}

static int each_name(struct content_store *store, const char *folder,
                     void (*fn)(struct content_store *store, const char *folder, const char *name)) {
        int fd = openat(store->root->fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        struct dirent *entry;

        if (!dir) {
                int r = -errno;

                fd_close(fd);
                return fault(r);
        }
        while ((entry = readdir(dir)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                        fn(store, folder, entry->d_name);
        closedir(dir);
        return 0;
}

static void found_blob(struct content_store *store, const char *folder, const char *name) {
        char path[PATH_MAX];
        struct item *item;
        struct stat st;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        if (!is_hex(name) || fstatat(store->root->fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return;
        item = item_get(store, ITEM_PACKAGE, name);
        item->has_blob = true;
        item->blob_size = (uint64_t)st.st_size;
}

/* Blobs are known by now. */
static void found_mark(struct content_store *store, const char *folder, const char *name) {
        struct item *item = is_hex(name) ? find(store, ITEM_PACKAGE, name) : NULL;
        enum unsynced_found found;

        if (!item) {
                content_discard(store, folder, name);
                return;
        }
        found = unsynced_check(store->root->fd, name, store->boot);
        item->unsynced = true;
        if (found == UNSYNCED_SPOILT) {
                remove_package(item);
        } else if (found == UNSYNCED_SOUND) {
                unsynced_clear(store->root->fd, name);
                item->unsynced = false;
        }
}

static void found_tree(struct content_store *store, const char *folder, const char *name) {
        enum item_kind kind = streq(folder, "trees") ? ITEM_PACKAGE : ITEM_MERGE;
        AUTO(str) char *layers = NULL;
        struct tree_info info;
        char path[PATH_MAX];
        struct item *item;

        snprintf(path, sizeof(path), "%s/%s", folder, name);
        if (!is_hex(name) || info_read(store->root->fd, path, &info, &layers) ||
            (!info.synced && !streq(info.boot, store->boot)) || (kind == ITEM_MERGE && !layers)) {
                content_discard(store, folder, name);
                return;
        }
        item = item_get(store, kind, name);
        item_take_tree(item, &info);
        item->layers = TAKE(layers);
}

static void found_unfinished(struct content_store *store, const char *folder, const char *name) {
        content_discard(store, folder, name);
}

static void found_trash(struct content_store *store, const char *folder, const char *name) {
        task_clear_trash(store);
}

static void read_boot_id(char ret_boot[static UUID_LEN + 1]) {
        AUTO(fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);

        /* Without it every tree that is not on the disk counts as one of an earlier boot. */
        if (fd < 0 || read(fd, ret_boot, UUID_LEN) != UUID_LEN)
                random_uuid(ret_boot);
        ret_boot[UUID_LEN] = 0;
}

static int scan(struct content_store *store) {
        int r = 0;

        for (size_t i = 0; i < ARRAY_SIZE(folders); ++i)
                if (mkdirat(store->root->fd, folders[i], 0700) < 0 && errno != EEXIST)
                        return fault(-errno);
        r = each_name(store, "blobs", found_blob);
        if (!r)
                r = each_name(store, "unsynced", found_mark);
        if (!r)
                r = each_name(store, "trees", found_tree);
        if (!r)
                r = each_name(store, "opt", found_tree);
        if (!r)
                r = each_name(store, "tmp", found_unfinished);
        return r ? r : each_name(store, "trash", found_trash);
}

int content_open(struct loop *loop, const char *dir, const struct content_options *options,
                 struct content_store **ret_store) {
        AUTO(content_store) struct content_store *store = xcalloc(1, sizeof(*store));
        char path[PATH_MAX];
        int r;

        store->loop = loop;
        store->helpers_most = options->helpers ? options->helpers : HELPERS_MOST;
        store->root = content_root_ref(xcalloc(1, sizeof(*store->root)));
        store->root->fd = -1;
        store->root->server = HELPER_SERVER_NULL;
        store->root->helper = xstrdup(options->helper);
        map_init(&store->packages);
        map_init(&store->merges);
        map_init(&store->bytecodes);
        list_init(&store->compiling);
        list_init(&store->tasks);
        list_init(&store->queue);
        read_boot_id(store->boot);
        if ((mkdir(dir, 0700) < 0 && errno != EEXIST) || !realpath(dir, path))
                return fault(-errno);
        store->dir = xstrdup(path);
        store->root->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (store->root->fd < 0)
                return fault(-errno);
        r = scan(store);
        if (r)
                return r;
        *ret_store = TAKE(store);
        return 0;
}

static void free_items(struct map *map) {
        struct map_node *node;

        while ((node = map_next(map, NULL))) {
                struct item *item = container_of(node, struct item, node);
                struct content_wait *wait;

                while ((wait = list_first(&item->waiters, struct content_wait, link)))
                        list_unlink(&wait->link);
                item_free(item);
        }
        map_deinit(map);
}

void content_close(struct content_store *store) {
        if (!store)
                return;
        bytecode_end_all(store);
        task_end_all(store);
        free_items(&store->packages);
        free_items(&store->merges);
        content_root_unref(store->root);
        free(store->dir);
        free(store);
}
