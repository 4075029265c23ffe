/* SPDX-License-Identifier: Apache-2.0 */
/*
 * confine - what lambent-archive gives up before it looks at the first foreign byte
 *
 * In this order: limits and priority; every descriptor it was not given; its view of the file system (chroot
 * where it has the right to, Landlock where the kernel has it); capabilities; and all system calls but those
 * of its verb. The first is demanded, of the others each works alone where the next one is missing.
 *
 * To compile it becomes an interpreter, which has to find its own files: it may read the system's programs, its prefix and
 * the tree, and write the target; and it has no sockets, no children and nothing to do with other processes. As root
 * this is demanded too.
 */
#pragma once
#include <stdint.h>

enum confine_verb { CONFINE_UNPACK, CONFINE_TREES, CONFINE_PACK, CONFINE_COMPILE };

struct confinement {
        enum confine_verb verb;
        int target_fd;          /* the one directory that may be written below; -1: none */
        int tree_fd, prefix_fd; /* CONFINE_COMPILE: may be read below; prefix_fd -1: none */
        int descriptors;        /* 0 … descriptors-1 stay open */
        uint64_t file_size;     /* no file grows beyond; 0: no limit */
};

/* 0 or -errno. Nothing can be opened by an outer path afterwards, except as said above. */
int confine(const struct confinement *c);
