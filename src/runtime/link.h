/* SPDX-License-Identifier: Apache-2.0 */
/*
 * link - what a daemon and the lambent-init of one container say to each other: struct environment, encoded
 *
 * One link carries one environment, so no message names it but START. A message is one frame: four bytes of length
 * (of what follows), one of type, then the fields of that type in a fixed order, little-endian. The table in
 * link.c is the protocol; whatever does not match it to the byte is -EPROTO, and the peer is treated as gone:
 * bytes of the other end are as untrusted as the function's.
 *
 *   both ends     HELLO first, then the daemon's START or OPEN, also without waiting for the other HELLO
 *   START         the supervisor is over there:
 *                 an invocation: INVOKE, EVENT… → (HEAD, CHUNK… | PAYLOAD…), ANSWERED, IDLE; all of them carry its
 *                 number, which rises from 1, so that what is late (a CREDIT) is seen to be late
 *                 at any time: LOG, STATS
 *   OPEN          the supervisor is here, only the place is over there (runtime/place.h, encoded): OPENED hands its
 *                 descriptors over, or KEPT says that it cannot, then START follows after all;
 *                 SPAWN, SIGNAL → EXIT; KILL → EMPTIED
 *   either        FREEZE, THAW; tunnels; STOP → GONE, the last message
 *
 * Times are durations, but for a log line's stamp, which is the wall clock of the sender. Flow control is
 * credit, never a pause of the link: CHUNKs may run ENVIRONMENT_WINDOW ahead of CREDIT, the bytes of a tunnel
 * TUNNEL_WINDOW ahead of TUNNEL_CREDIT; the rest is bounded by itself (an EVENT, a PAYLOAD, a line of the log).
 * Bulk travels in frames of at most LINK_CHUNK_MAX, so that nothing waits long behind it.
 *
 * No I/O here: bytes in, messages out, and back. Decoded strings and bytes point into the input.
 */
#pragma once
#include "base/buf.h"
#include "runtime/environment.h"
#include "runtime/link_site.h"
#include "runtime/supervisor.h"

#define LINK_MAGIC 0x746e626c /* "lbnt" */
#define LINK_VERSION 2
#define LINK_FRAME_MAX (1024 * KIB) /* START is the largest */
#define LINK_CHUNK_MAX (64 * KIB)
#define LINK_PART_HEAD 13 /* bytes of a frame of bulk around those it carries */
#define LINK_LOG_MAX (320 * KIB)
#define LINK_TEXT_MAX (64 * KIB) /* a string with its NUL; a longer one that a function chose is cut */
#define TUNNEL_WINDOW (256 * KIB)
#define TUNNELS_MAX 256 /* at once on one link */
#define TUNNEL_PORTS_MAX 32

enum link_type {
        LINK_HELLO = 1,
        /* daemon → init */
        LINK_START,
        LINK_OPEN, /* with the end of a pipe to write to: the processes' output */
        LINK_SPAWN,
        LINK_SIGNAL,
        LINK_KILL,
        LINK_INVOKE,
        LINK_EVENT,
        LINK_CREDIT,
        LINK_FREEZE,
        LINK_THAW,
        LINK_ASK_STATS,
        LINK_STOP, /* also from an init that hands over: somebody asked it to end */
        /* init → daemon */
        LINK_STARTED,
        LINK_READY,
        LINK_HEAD,
        LINK_CHUNK,
        LINK_PAYLOAD,
        LINK_ANSWERED,
        LINK_IDLE,
        LINK_LOG,
        LINK_STATS,
        LINK_OPENED,
        LINK_KEPT,
        LINK_EXIT,
        LINK_EMPTIED,
        LINK_GONE,
        LINK_TUNNEL_OPEN,
        /* both */
        LINK_TUNNEL_DATA,
        LINK_TUNNEL_CREDIT,
        LINK_TUNNEL_END,   /* no more bytes this way */
        LINK_TUNNEL_CLOSE, /* no more bytes either way */
        LINK_TYPES
};
const char *link_type_name(enum link_type type);

enum link_side { LINK_DAEMON, LINK_INIT };

enum tunnel_kind {
        TUNNEL_API, /* to the daemon's AWS API, in the name of the function */
        TUNNEL_PORT /* to a port of the daemon's own loopback */
};

struct link_start {
        struct environment_spec spec;   /* all but task_dir, opt_dir, vars */
        struct runtime_command command; /* all but argv, vars */
        struct link_bytes vars;         /* name, value, name, value… */
        struct link_bytes command_vars;
        bool has_command; /* argv is not empty */
        struct link_bytes argv;
        nsec_t init_limit;
        struct link_site site;
};

struct link_message {
        enum link_type type;
        union {
                struct {
                        uint32_t magic, version;
                } hello;
                struct link_start start;
                struct link_site open;
                struct {
                        uint32_t handed;              /* a bit for each of enum link_handed */
                        uint32_t peer_uid;            /* with HANDED_DIAG: whose connections are ours */
                        uint32_t endpoint_port;       /* of the door to the AWS API; 0: none */
                        struct link_bytes vars;       /* the image's: name, value, name, value… */
                        struct link_bytes extensions; /* file names */
                        bool extensions_disabled;
                } opened;
                struct {
                        uint32_t process;
                        struct link_bytes argv, envp;
                        const char *cwd;
                } spawn;
                struct {
                        uint32_t process, number;
                } signal;
                struct {
                        uint32_t process, end, detail; /* as place_events.on_exit has them */
                } exit;
                struct {
                        uint32_t number;
                        struct invocation_order
                                order;      /* all but the event and want_tail: lines pass by the daemon */
                        uint32_t event_len; /* its bytes follow as EVENTs */
                } invoke;
                struct {
                        uint32_t number;
                        struct link_bytes bytes;
                } part; /* EVENT, CHUNK, PAYLOAD */
                struct {
                        uint32_t number, len;
                } credit;
                struct {
                        uint32_t generation;
                        nsec_t init;
                        bool failed, has_extensions;
                } ready;
                struct {
                        uint32_t number;
                        const char *content_type;
                } head;
                struct {
                        uint32_t number, outcome;
                        bool is_error;
                        const char *content_type, *error_type;
                } answered;
                struct {
                        uint32_t number, generation, outcome;
                        bool ending, has_extensions;
                        nsec_t duration, billed, init;
                        uint32_t memory_mb, max_memory_mb;
                        const char *error_type;
                } idle;
                struct {
                        nsec_t wall;
                        struct link_bytes line;
                } log;
                struct {
                        uint64_t memory, memory_peak;
                } stats;
                struct {
                        const char *why;
                } gone; /* and KEPT */
                struct {
                        uint32_t id, kind, port;
                } tunnel_open;
                struct {
                        uint32_t id;
                        struct link_bytes bytes;
                } tunnel_data;
                struct {
                        uint32_t id, len; /* len: of TUNNEL_CREDIT only */
                } tunnel;
        };
};

/* Appends one frame. 0, -E2BIG (a field is longer than the protocol allows, or the buffer is full), -ENOMEM;
 * then nothing was appended. */
int link_encode(struct buf *out, const struct link_message *message);

enum link_result { LINK_WHOLE = 1, LINK_MORE = 2 };

/* The message at the start of data, sent by `from`: LINK_WHOLE, LINK_MORE, or -EPROTO. */
int link_decode(const char *data, size_t len, enum link_side from, struct link_message *ret_message,
                size_t *ret_total);
