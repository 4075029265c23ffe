/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs that the disk may not have yet. Waiting for it would be most of the time of a small upload, and the helper brings the
 * whole file system to the disk a moment later anyway. Until then unsynced/<hex> stands for it, with the boot's id in it.
 * It is made before the blob gets its name, and journals keep that order: a blob that a power cut has spoilt has its
 * mark, and is known by its digest at the next open.
 */
#include <fcntl.h>
#include <stdio.h>

#include "archive/content_private.h"
#include "base/log.h"

#define PATH_SIZE (sizeof("unsynced/") + SHA256_HEX_LEN)
#define PIECE (64 * KIB)

static void mark_path(const char *hex, char ret_path[static PATH_SIZE]) {
        snprintf(ret_path, PATH_SIZE, "unsynced/%s", hex);
}

int unsynced_mark(int root, const char *hex, const char *boot) {
        char path[PATH_SIZE];
        AUTO(fd) int fd = -1;
        ssize_t n;

        mark_path(hex, path);
        fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        n = write(fd, boot, UUID_LEN);
        return n < 0 ? -errno : n == UUID_LEN ? 0 : -ENOSPC;
}

void unsynced_clear(int root, const char *hex) {
        char path[PATH_SIZE];

        mark_path(hex, path);
        unlinkat(root, path, 0);
}

/* This boot's: the kernel has the data, wherever the disk is. */
static bool is_of_boot(int root, const char *hex, const char *boot) {
        char path[PATH_SIZE], text[UUID_LEN];
        AUTO(fd) int fd = -1;

        mark_path(hex, path);
        fd = openat(root, path, O_RDONLY | O_CLOEXEC);
        return fd >= 0 && read(fd, text, UUID_LEN) == UUID_LEN && memcmp(text, boot, UUID_LEN) == 0;
}

static bool is_what_it_is_called(int root, const char *hex) {
        AUTO(str) char *path = xstrcat("blobs/", hex, NULL), *piece = xmalloc(PIECE);
        AUTO(fd) int fd = openat(root, path, O_RDONLY | O_CLOEXEC);
        unsigned char digest[SHA256_LEN];
        char found[SHA256_HEX_LEN + 1];
        struct sha256 hash;
        ssize_t n;

        sha256_init(&hash);
        while ((n = fd < 0 ? -1 : read(fd, piece, PIECE)) > 0)
                sha256_update(&hash, piece, (size_t)n);
        sha256_final(&hash, digest);
        hex_encode(digest, sizeof(digest), found);
        return n == 0 && streq(found, hex);
}

enum unsynced_found unsynced_check(int root, const char *hex, const char *boot) {
        if (is_of_boot(root, hex, boot))
                return UNSYNCED_STILL;
        if (is_what_it_is_called(root, hex))
                return UNSYNCED_SOUND;
        log_warn("content blob=%s spoilt: the machine stopped before it was on the disk", hex);
        return UNSYNCED_SPOILT;
}
