/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>

#include "archive/content_private.h"

#define INFO_SIZE_MAX (8 * KIB)
#define SYNCED "\nsynced "
#define FORM "lambent-tree 1\nbytes %llu\nentries %u\nunreadable %u" SYNCED "%d\nboot %36s\n"

static int write_whole(int root, const char *path, const struct buf *text) {
        AUTO(fd) int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = write(fd, buf_data(text), text->len);
        return n < 0 ? -errno : (size_t)n == text->len ? 0 : -ENOSPC;
}

int info_write(int root, const char *folder, const struct tree_info *info, const char *layers) {
        AUTO(buf) struct buf text = BUF_NULL(INFO_SIZE_MAX);
        char path[128];
        int r;

        r = buf_printf(&text, FORM "note %s\n%s", (unsigned long long)info->bytes, info->entries,
                       info->unreadable, info->synced, info->boot, info->note, layers ? layers : "");
        if (r)
                return fault(r);
        snprintf(path, sizeof(path), "%s/info", folder);
        return fault(write_whole(root, path, &text));
}

/* Opens <folder>/info and reads it; the descriptor, or -errno. */
static int open_text(int root, const char *folder, int flags, char text[static INFO_SIZE_MAX + 1]) {
        char path[128];
        ssize_t n;
        int fd, r;

        snprintf(path, sizeof(path), "%s/info", folder);
        fd = openat(root, path, flags | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        n = read(fd, text, INFO_SIZE_MAX);
        if (n < 0) {
                r = -errno;
                fd_close(fd);
                return r;
        }
        text[n] = 0;
        return fd;
}

/* One byte, so that it is the one or the other whatever happens. */
int info_set_synced(int root, const char *folder) {
        char text[INFO_SIZE_MAX + 1], *at;
        AUTO(fd) int fd = open_text(root, folder, O_RDWR, text);

        if (fd < 0)
                return fd;
        at = strstr(text, SYNCED "0\n");
        if (!at)
                return -EBADMSG;
        return pwrite(fd, "1", 1, at - text + (off_t)strlen(SYNCED)) == 1 ? 0 : -EIO;
}

static int parse(char *text, struct tree_info *ret_info, char **ret_layers) {
        unsigned long long bytes;
        char *note = strstr(text, "\nnote "), *end = note ? strchr(note + 1, '\n') : NULL;
        int synced;

        *ret_info = (struct tree_info){};
        if (!end || sscanf(text, FORM, &bytes, &ret_info->entries, &ret_info->unreadable, &synced,
                           ret_info->boot) != 5)
                return -EBADMSG;
        ret_info->bytes = bytes;
        ret_info->synced = synced;
        *end = 0;
        snprintf(ret_info->note, sizeof(ret_info->note), "%s", note + strlen("\nnote "));
        *ret_layers = end[1] ? xstrdup(end + 1) : NULL;
        return 0;
}

int info_read(int root, const char *folder, struct tree_info *ret_info, char **ret_layers) {
        char text[INFO_SIZE_MAX + 1];
        AUTO(fd) int fd = open_text(root, folder, O_RDONLY, text);

        if (fd < 0)
                return fd;
        return parse(text, ret_info, ret_layers);
}
