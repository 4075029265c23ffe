/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire - what daemon, launcher and cells say to each other
 *
 * SOCK_SEQPACKET: one message is one packet: struct wire, then its strings, each with its NUL, back to back;
 * descriptors ride along. Both ends are the same build on the same machine, so the struct travels as it is. A
 * received message is checked whole before anybody looks at it: size, type, every string terminated, nothing
 * behind the last one, no more descriptors than announced by the kernel; whoever sends rubbish is treated as
 * gone.
 *
 *   daemon → guard      LAUNCH (+ the launcher's end of its socket)
 *   daemon → launcher   SETUP (once), PREPARE (+ the cell's end of its socket)
 *   launcher → daemon   SETUP_DONE or FAILED
 *   daemon → cell       OPEN (+ the directories it names, for their identity), SPAWN, SIGNAL, KILL, STOP,
 *                       CONTINUE
 *   cell → daemon       PREPARED (+ descriptors), EXIT, EMPTIED; FAILED, whatever was being done, is the last
 *
 * The guard answers nothing: that a launcher is there says its SETUP_DONE, that it has gone the end of its
 * socket. A cell may be told to open before it has said PREPARED: the messages wait in its socket. Opening
 * has no answer of its own (one waking of the daemon less in each cold start): what is wrong with it comes as
 * FAILED.
 *
 * The daemon may have given up the privileges that guard and launcher keep, so nothing that it says may give
 * them back: tier and state directory are settled when the guard is started, directories must be shown.
 */
#pragma once
#include <sys/types.h>

#include "base/util.h"

#define WIRE_MAX (160 * KIB)
#define WIRE_STRINGS_MAX 2048
#define WIRE_FDS_MAX 6

enum wire_type {
        WIRE_LAUNCH = 1,
        WIRE_SETUP,
        WIRE_SETUP_DONE,
        WIRE_PREPARE,
        WIRE_PREPARED,
        WIRE_OPEN,
        WIRE_SPAWN,
        WIRE_SIGNAL,
        WIRE_EXIT,
        WIRE_KILL,
        WIRE_EMPTIED,
        WIRE_STOP,
        WIRE_CONTINUE,
        WIRE_FAILED,
        WIRE_TYPES
};

/* Flags of SETUP and of SETUP_DONE. */
enum {
        WIRE_PRIVATE_NETWORK = 1 << 0,
        WIRE_CPU_SHARE = 1 << 1,
        WIRE_LIMIT_MEMORY = 1 << 2,
        WIRE_SECCOMP = 1 << 3,
        WIRE_LANDLOCK = 1 << 4,
        WIRE_MEMORY_V1 = 1 << 5,
        WIRE_MEMORY_V2 = 1 << 6,
        WIRE_PIDS_CGROUP = 1 << 7,
        WIRE_NPROC = 1 << 8,
        WIRE_FREEZER = 1 << 9,
        WIRE_NPROC_ABOVE = 1 << 10, /* counted with everything that the user runs */
};

/* Which descriptors PREPARED carries, in this order. */
enum {
        WIRE_FD_API = 1 << 0,    /* the listening socket */
        WIRE_FD_OUTPUT = 1 << 1, /* read end of the output pipe */
        WIRE_FD_PEAK = 1 << 2,   /* peak memory, to pread */
        WIRE_FD_FREEZE = 1 << 3, /* cgroup.freeze, to pwrite */
};

struct wire {
        uint32_t type;    /* enum wire_type */
        uint32_t strings; /* how many follow */
        union {
                struct {
                        uint32_t flags, fail_step;
                } setup;
                struct { /* strings: why a cgroup is missing, or "" */
                        uint32_t flags, environments_max;
                } setup_done;
                struct { /* strings: path of the memory cgroup, or "" */
                        uint32_t fds, port, uid;
                } prepared;
                struct { /* strings: task, opt, runtime, lang, bytecode of task and of opt: directories on
                            the host, "" for none */
                        uint64_t memory, tmp; /* bytes */
                } open;
                struct { /* strings: cwd, argv…, envp… */
                        uint32_t process, argc;
                } spawn;
                struct {
                        uint32_t process, number;
                } signal;
                struct {
                        uint32_t process, end, detail;
                } exit;
                struct { /* strings: a sentence */
                        int32_t error;
                } failed;
        };
};

/* A received message. The strings point into bytes; unused descriptors are closed by wire_clear. */
struct wire_in {
        struct wire head;
        pid_t sender; /* by SO_PASSCRED, 0 without */
        size_t fd_count;
        int fds[WIRE_FDS_MAX];
        char *strings[WIRE_STRINGS_MAX + 1]; /* NULL-terminated */
        char bytes[WIRE_MAX];
};

/* Strings and fds may be NULL with a count of 0. 0, or -errno (-EAGAIN when the peer does not read). */
int wire_send(int fd, const struct wire *head, const char *const *strings, const int *fds, size_t fd_count);
/* FAILED with one sentence. */
int wire_send_failed(int fd, int error, const char *sentence);

/* 0; -ENOTCONN when the peer has gone; -EAGAIN; -EPROTO for rubbish; or another -errno. */
int wire_receive(int fd, struct wire_in *in);
/* Takes the next descriptor out of the message; -1 without one. */
int wire_take_fd(struct wire_in *in);
void wire_clear(struct wire_in *in);
/* The check itself, over head.strings and bytes (for tests and fuzzing): 0 or -EPROTO. len is that of the
 * strings. */
int wire_check(struct wire_in *in, size_t len);
