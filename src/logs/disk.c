/* SPDX-License-Identifier: Apache-2.0 */
/* Everything here runs under disk->lock, on the worker thread (or in logs_close). */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/random.h"
#include "base/sha256.h"
#include "logs/logs_private.h"

#define FOLDER_MAX 200

struct disk *disk_ref(struct disk *disk) {
        ++disk->refs;
        return disk;
}

static void group_free(struct disk *disk, struct disk_group *group) {
        map_remove(&disk->groups, &group->node);
        disk->bytes -= group->bytes;
        buf_deinit(&group->out);
        free(group->segments);
        free(group->folder);
        free(group->name);
        free(group);
}

void disk_unref(struct disk *disk) {
        struct map_node *node;

        if (--disk->refs)
                return;
        while ((node = map_next(&disk->groups, NULL)))
                group_free(disk, container_of(node, struct disk_group, node));
        map_deinit(&disk->groups);
        fd_close(disk->fd);
        pthread_mutex_destroy(&disk->lock);
        free(disk);
}

/* ---- names ---- */

bool group_is_in(const char *name, const char *scope) {
        const char *bare = group_bare(name);

        if (!scope)
                return bare == name;
        return bare != name && str_starts(name, scope) && name[strlen(scope)] == ':';
}

/* What is not plain becomes %XX; a name too long for a file keeps its beginning and a digest of the whole. */
static char *encode(const char *name) {
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
        struct buf folder = BUF_NULL(4 * LOGS_NAME_MAX);
        unsigned char digest[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1];
        struct sha256 hash;

        for (const char *c = name; *c; ++c)
                must((strchr(plain, *c) ? buf_append(&folder, c, 1)
                                        : buf_printf(&folder, "%%%02X", (unsigned char)*c)) == 0);
        if (folder.len <= FOLDER_MAX)
                return buf_take_str(&folder, NULL);
        sha256_init(&hash);
        sha256_update(&hash, name, strlen(name));
        sha256_final(&hash, digest);
        hex_encode(digest, 16, hex);
        folder.len = FOLDER_MAX;
        must(buf_printf(&folder, "%%%%%s", hex) == 0);
        return buf_take_str(&folder, NULL);
}

/* What the folder of a scope is called. */
static char *scope_folder(const char *scope) {
        AUTO(str) char *encoded = encode(scope);

        return xstrcat("@", encoded, NULL);
}

char *disk_folder(const char *name) {
        const char *bare = group_bare(name);
        AUTO(str) char *own = encode(bare), *scope = NULL, *above = NULL;

        if (bare == name)
                return TAKE(own);
        scope = xstrndup(name, (size_t)(bare - name) - 1);
        above = scope_folder(scope);
        return xstrcat(above, "/", own, NULL);
}

/* The other way round, as far as encode() keeps all; malloc'ed, NULL: no folder of a scope. */
static char *scope_of(const char *folder) {
        AUTO(buf) struct buf scope = BUF_NULL(LOGS_SCOPE_MAX);
        AUTO(str) char *text = NULL, *again = NULL;

        for (const char *c = folder + 1; *c; ++c) {
                char byte = *c, hex[3] = "", *end = hex;

                if (*c == '%' && c[1] && c[2]) {
                        hex[0] = c[1], hex[1] = c[2];
                        byte = (char)strtoul(hex, &end, 16);
                        c += 2;
                }
                if (byte == '\0' || byte == ':' || buf_append(&scope, &byte, 1))
                        return NULL;
        }
        text = xstrndup(buf_data(&scope), scope.len);
        again = scope_folder(text);
        return streq(again, folder) ? TAKE(text) : NULL;
}

static void segment_path(const struct disk_group *group, uint64_t first, char ret_path[static PATH_MAX]) {
        snprintf(ret_path, PATH_MAX, "%s/%016llx.log", group->folder, (unsigned long long)first);
}

/* ---- groups ---- */

static struct disk_group *group_new(struct disk *disk, const char *name, char *folder) {
        struct disk_group *group = xcalloc(1, sizeof(*group));

        group->name = xstrdup(name);
        group->folder = folder;
        group->out = BUF_NULL(SIZE_MAX / 2);
        map_add(&disk->groups, &group->node, group->name);
        return group;
}

struct disk_group *disk_find(struct disk *disk, const char *name) {
        disk_scan(disk);
        return map_entry(map_find(&disk->groups, name), struct disk_group, node);
}

struct disk_group *disk_get(struct disk *disk, const char *name, uint64_t now_ms) {
        struct disk_group *group = disk_find(disk, name);

        if (!group) {
                group = group_new(disk, name, disk_folder(name));
                group->created_ms = now_ms;
        }
        return group;
}

static struct disk_segment *add_segment(struct disk *disk, struct disk_group *group,
                                        const struct disk_segment *segment) {
        if (group->segment_count == group->segment_room) {
                group->segment_room = MAX(group->segment_room * 2, (size_t)2);
                group->segments = xrealloc(group->segments, group->segment_room * sizeof(*group->segments));
        }
        group->segments[group->segment_count] = *segment;
        group->bytes += segment->bytes;
        disk->bytes += segment->bytes;
        return &group->segments[group->segment_count++];
}

static int drop_oldest(struct disk *disk, struct disk_group *group) {
        char path[PATH_MAX];

        segment_path(group, group->segments[0].first, path);
        if (unlinkat(disk->fd, path, 0) < 0 && errno != ENOENT)
                return fault(-errno);
        group->bytes -= group->segments[0].bytes;
        disk->bytes -= group->segments[0].bytes;
        --group->segment_count;
        memmove(group->segments, group->segments + 1, group->segment_count * sizeof(*group->segments));
        return 0;
}

int disk_delete(struct disk *disk, struct disk_group *group) {
        while (group->segment_count) {
                int r = drop_oldest(disk, group);

                if (r)
                        return r;
        }
        unlinkat(disk->fd, group->folder, AT_REMOVEDIR);
        group_free(disk, group);
        return 0;
}

/* ---- finding out what there is ---- */

static int by_first(const void *a, const void *b) {
        const struct disk_segment *x = a, *y = b;

        return x->first < y->first ? -1 : x->first > y->first;
}

static bool parse_segment_name(const char *name, uint64_t *ret_first) {
        if (strlen(name) != 20 || strspn(name, "0123456789abcdef") != 16 || !streq(name + 16, ".log"))
                return false;
        *ret_first = strtoull(name, NULL, 16);
        return true;
}

static void scan_segments(struct disk *disk, struct disk_group *group, DIR *dir) {
        struct dirent *entry;

        while ((entry = readdir(dir))) {
                struct disk_segment segment = {};
                struct stat st;

                if (!parse_segment_name(entry->d_name, &segment.first) ||
                    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                        continue;
                segment.bytes = (uint64_t)st.st_size;
                segment.age_ms = (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
                add_segment(disk, group, &segment);
        }
        if (group->segment_count)
                qsort(group->segments, group->segment_count, sizeof(*group->segments), by_first);
}

/* A segment whose first record is torn holds nothing. */
bool disk_read_name(DIR *dir, char ret_name[static LOGS_NAME_MAX + 1], uint64_t *ret_created) {
        struct dirent *entry;

        rewinddir(dir);
        while ((entry = readdir(dir))) {
                char text[SEGMENT_HEAD + LOGS_NAME_MAX];
                struct segment_record record;
                uint64_t first;
                ssize_t n;
                int fd;

                if (!parse_segment_name(entry->d_name, &first))
                        continue;
                fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
                n = fd < 0 ? -1 : pread(fd, text, sizeof(text), 0);
                fd_close(fd);
                if (n <= 0 || !segment_get(text, (size_t)n, &record) || record.type != SEGMENT_GROUP ||
                    record.len > LOGS_NAME_MAX || memchr(record.data, 0, record.len))
                        continue;
                memcpy(ret_name, record.data, record.len);
                ret_name[record.len] = 0;
                *ret_created = record.ms;
                return true;
        }
        return false;
}

/* Nobody can tell whose records these were. */
static void remove_nameless(struct disk *disk, const char *folder, DIR *dir) {
        struct dirent *entry;
        uint64_t first;

        rewinddir(dir);
        while ((entry = readdir(dir)))
                if (parse_segment_name(entry->d_name, &first))
                        unlinkat(dirfd(dir), entry->d_name, 0);
        unlinkat(disk->fd, folder, AT_REMOVEDIR);
}

/* scope NULL: in none. */
static void scan_group(struct disk *disk, const char *scope, const char *folder) {
        int fd = openat(disk->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        char bare[LOGS_NAME_MAX + 1];
        AUTO(str) char *name = NULL;
        struct disk_group *group;
        uint64_t created;

        if (!dir) {
                fd_close(fd);
                return;
        }
        if (disk_read_name(dir, bare, &created))
                name = scope ? xstrcat(scope, ":", bare, NULL) : xstrdup(bare);
        if (!name) {
                remove_nameless(disk, folder, dir);
        } else if (!map_find(&disk->groups, name)) {
                group = group_new(disk, name, xstrdup(folder));
                group->created_ms = created;
                rewinddir(dir);
                scan_segments(disk, group, dir);
        }
        closedir(dir);
}

static void scan_scope(struct disk *disk, const char *folder) {
        int fd = openat(disk->fd, folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = fd < 0 ? NULL : fdopendir(fd);
        AUTO(str) char *scope = scope_of(folder);
        struct dirent *entry;

        if (!dir) {
                fd_close(fd);
                return;
        }
        while (scope && (entry = readdir(dir))) {
                AUTO(str) char *below = xstrcat(folder, "/", entry->d_name, NULL);

                if (entry->d_name[0] != '.')
                        scan_group(disk, scope, below);
        }
        closedir(dir);
}

void disk_scan(struct disk *disk) {
        int fd;
        DIR *dir;
        struct dirent *entry;

        if (disk->scanned)
                return;
        disk->scanned = true;
        fd = openat(disk->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                log_debug("logs scan=failed error=\"%s\"", strerror(errno));
                fd_close(fd);
                return;
        }
        while ((entry = readdir(dir)))
                if (entry->d_name[0] == '@')
                        scan_scope(disk, entry->d_name);
                else if (entry->d_name[0] != '.')
                        scan_group(disk, NULL, entry->d_name);
        closedir(dir);
}

/* ---- reading and writing ---- */

int disk_load(struct disk *disk, const struct disk_group *group, size_t index, char **ret_text,
              size_t *ret_len) {
        AUTO(fd) int fd = -1;
        AUTO(str) char *text = NULL;
        char path[PATH_MAX];
        struct stat st;
        size_t len = 0;

        segment_path(group, group->segments[index].first, path);
        fd = openat(disk->fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return fault(-errno);
        text = malloc((size_t)st.st_size + 1);
        if (!text)
                return fault(-ENOMEM);
        while (len < (size_t)st.st_size) {
                ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return fault(-errno);
                if (n == 0)
                        break;
                len += (size_t)n;
        }
        *ret_text = TAKE(text);
        *ret_len = len;
        return 0;
}

/* A segment that another run of the daemon left: counts its events and cuts off a torn end. */
static int recover(struct disk *disk, struct disk_group *group) {
        struct disk_segment *segment = &group->segments[group->segment_count - 1];
        AUTO(str) char *text = NULL;
        struct segment_record record;
        size_t len, at = 0, n;
        int r = disk_load(disk, group, group->segment_count - 1, &text, &len);

        if (r)
                return r;
        group->next = segment->first;
        while ((n = segment_get(text + at, len - at, &record))) {
                at += n;
                group->next += record.type == SEGMENT_EVENT;
                if (record.type == SEGMENT_STREAM)
                        group->next_stream = MAX(group->next_stream, record.stream + 1);
        }
        if (at < len) {
                char path[PATH_MAX];
                AUTO(fd) int fd = -1;

                segment_path(group, segment->first, path);
                fd = openat(disk->fd, path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0 || ftruncate(fd, (off_t)at) < 0)
                        return fault(-errno);
        }
        group->bytes -= segment->bytes - at;
        disk->bytes -= segment->bytes - at;
        segment->bytes = at;
        group->serial = ++disk->serials;
        return 0;
}

static int make_folders(struct disk *disk, const char *folder) {
        const char *slash = strchr(folder, '/');
        AUTO(str) char *above = slash ? xstrndup(folder, (size_t)(slash - folder)) : NULL;

        if ((above && mkdirat(disk->fd, above, 0700) < 0 && errno != EEXIST) ||
            (mkdirat(disk->fd, folder, 0700) < 0 && errno != EEXIST))
                return fault(-errno);
        return 0;
}

static int new_segment(struct disk *disk, struct disk_group *group, uint64_t now_ms) {
        const struct segment_record name = {
                .type = SEGMENT_GROUP,
                .ms = group->created_ms,
                .data = group_bare(group->name),
                .len = strlen(group_bare(group->name)),
        };

        int r;

        /* A group that was deleted and comes back must not use numbers that a reader may still hold as its
         * cursor. */
        if (!group->next)
                group->next = now_ms * 1000;
        r = make_folders(disk, group->folder);
        if (r)
                return r;
        add_segment(disk, group, &(struct disk_segment){ .first = group->next });
        group->serial = ++disk->serials;
        group->next_stream = 1;
        return segment_put(&group->out, &name);
}

int disk_prepare(struct disk *disk, struct disk_group *group, uint64_t now_ms) {
        int r = 0;

        if (!group->ready && group->segment_count)
                r = recover(disk, group);
        if (r)
                return r;
        group->ready = true;
        if (!group->segment_count || !group->segments[group->segment_count - 1].bytes ||
            group->segments[group->segment_count - 1].bytes >= disk->options.segment_bytes) {
                if (group->segment_count && !group->segments[group->segment_count - 1].bytes)
                        --group->segment_count; /* an empty file is begun anew */
                return new_segment(disk, group, now_ms);
        }
        return 0;
}

static int write_all(int fd, const char *data, size_t len, off_t at) {
        while (len) {
                ssize_t n = pwrite(fd, data, len, at);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n ? -errno : -ENOSPC;
                data += n;
                len -= (size_t)n;
                at += n;
        }
        return 0;
}

int disk_flush(struct disk *disk, struct disk_group *group, uint64_t now_ms) {
        struct disk_segment *segment = &group->segments[group->segment_count - 1];
        AUTO(fd) int fd = -1;
        char path[PATH_MAX];
        int r = 0;

        segment_path(group, segment->first, path);
        fd = openat(disk->fd, path,
                    O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (segment->bytes ? 0 : O_TRUNC), 0600);
        if (fd < 0)
                r = -errno;
        if (!r)
                r = write_all(fd, buf_data(&group->out), group->out.len, (off_t)segment->bytes);
        if (r) {
                /* Half a record must not stay in the middle of the segment. */
                if (fd >= 0 && ftruncate(fd, (off_t)segment->bytes) < 0)
                        log_debug("logs group=%s truncate error=\"%s\"", group->name, strerror(errno));
                group->serial = ++disk->serials; /* the streams' numbers went with it */
        } else {
                segment->bytes += group->out.len;
                segment->age_ms = now_ms;
                group->bytes += group->out.len;
                disk->bytes += group->out.len;
                group->next += group->out_events;
        }
        group->out_events = 0;
        buf_deinit(&group->out);
        return fault(r);
}

/* ---- bounds ---- */

static struct disk_group *oldest_group(struct disk *disk) {
        struct disk_group *oldest = NULL;

        for (struct map_node *node = map_next(&disk->groups, NULL); node;
             node = map_next(&disk->groups, node)) {
                struct disk_group *group = container_of(node, struct disk_group, node);

                if (group->segment_count &&
                    (!oldest || group->segments[0].age_ms < oldest->segments[0].age_ms))
                        oldest = group;
        }
        return oldest;
}

void disk_trim(struct disk *disk, struct disk_group *group) {
        while (group->bytes > disk->options.group_bytes_max && group->segment_count > 1)
                if (drop_oldest(disk, group))
                        return;
        while (disk->bytes > disk->options.total_bytes_max) {
                struct disk_group *oldest = oldest_group(disk);

                if (!oldest || (oldest == group && oldest->segment_count == 1))
                        return;
                if (drop_oldest(disk, oldest))
                        return;
                if (!oldest->segment_count)
                        unlinkat(disk->fd, oldest->folder, AT_REMOVEDIR);
        }
}
