/* SPDX-License-Identifier: Apache-2.0 */
/*
 * helper - what the daemon and its helper process lambent-archive say to each other
 *
 * Foreign archives are opened in a process of their own, never in the daemon. The helper is told everything
 * by its arguments and descriptors, and answers with one struct archive_report on descriptor 1. It dies with
 * the process that started it: by PDEATHSIG, and by finding nobody at the other end of descriptor 1.
 *
 *   lambent-archive unpack BYTES ENTRIES  0: the zip   3: empty directory to fill
 *
 *   lambent-archive merge COUNT           3: empty directory   4…: trees, first to last
 *
 *   lambent-archive clear                 3: directory to empty
 *
 *   lambent-archive pack LEVEL [NAME]     0: directory, or a file to be packed as NAME   3: the zip to write
 *
 *   lambent-archive compile PYTHON INSIDE 0: tree      3: empty directory to fill   4: prefix of the interpreter, or nothing
 *
 *   lambent-archive serve                 0: a SOCK_SEQPACKET socket of struct helper_request with the descriptors for
 *                                         1, 3, 4… and 0, in this order; each is answered with the pid of a process that
 *                                         is the helper with these arguments (int32_t), or -errno (fork_server.h)
 *
 * The last but one becomes the interpreter itself (compile.h): its status alone says how it ended, and a report comes only when it
 * could not become that. After the report of a success, unpack and merge go on to bring the file system's data to the disk (syncfs)
 * and end with status 0 when that is done: what is published at once can be marked as safe from power cuts
 * later.
 */
#pragma once
#include <stdint.h>

enum {
        HELPER_SOURCE_FD = 0,
        HELPER_REPORT_FD = 1,
        HELPER_TARGET_FD = 3,
        HELPER_LAYER_FD = 4,
        HELPER_LAYERS_MAX = 16,
        HELPER_FDS_MAX = 3 + HELPER_LAYERS_MAX,
};

struct helper_request {
        uint32_t layer_count, has_source;
        char arguments
                [8192]; /* the verb and what follows it, each with its end; sent no longer than they are */
};

enum archive_outcome {
        ARCHIVE_FINE,
        ARCHIVE_NOT_A_ZIP, /* broken, truncated, encrypted, unknown compression */
        ARCHIVE_EMPTY,     /* a valid zip without entries */
        ARCHIVE_TOO_LARGE, /* found while inflating, or too many entries */
        ARCHIVE_UNSAFE,    /* an entry that wants out, or that is neither file, directory nor link */
        ARCHIVE_BROKE_OFF, /* error says why: -ENOSPC, -EIO… */
};

struct archive_limits {
        uint64_t bytes;   /* of all files together */
        uint32_t entries; /* files, directories and links */
};

#define ARCHIVE_REASON_SIZE 160

/* Sent in one write: smaller than PIPE_BUF, so it comes whole or not at all. */
struct archive_report {
        uint32_t outcome; /* enum archive_outcome */
        int32_t error;
        uint64_t bytes;
        uint32_t entries;
        uint32_t unreadable; /* files whose stored mode AWS would not let a function read; they were made
                                readable */
        char reason[ARCHIVE_REASON_SIZE]; /* one English sentence for the log; for FINE the first unreadable
                                             name */
};
