/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of a link. What decodes encodes to the same bytes; and a remote environment under an init that says
 * anything, at any time, keeps to runtime/environment.h: every invocation is answered once and then idle once, gone is the
 * last word, no timer and no byte is left.
 */
#include "owner.h"
#include "runtime/remote.h"

struct world {
        struct words words;
        struct owner owner;
        struct loop *loop;
        bool attached, over; /* the transport; its end */
};

/* ---- there and back ---- */

static void decode_all(const char *data, size_t len, enum link_side from) {
        struct buf again = BUF_NULL(2 * LINK_FRAME_MAX);
        struct link_message m;
        size_t size;

        while (link_decode(data, len, from, &m, &size) == LINK_WHOLE) {
                must(size <= len && m.type < LINK_TYPES && link_type_name(m.type));
                buf_clear(&again);
                must(link_encode(&again, &m) == 0);
                must(again.len == size && memcmp(buf_data(&again), data, size) == 0);
                data += size;
                len -= size;
        }
        buf_deinit(&again);
}

/* ---- the place's maker ---- */

static int ports_open(void *owner) {
        return 0;
}

static void ports_link_lost(void *owner) {
        struct world *w = owner;

        if (next_byte(&w->words) % 2)
                remote_lost(w->owner.e, REMOTE_OUT_OF_MEMORY, "lost");
}

static void ports_remove(void *owner) {
}

/* Tunnels have sockets, which a hand-turned loop has not: here none leads anywhere. */
static const struct remote_ports ports = { .open = ports_open,
                                           .link_lost = ports_link_lost,
                                           .remove = ports_remove };
static const struct remote_ports plain_ports = { .open = ports_open, .remove = ports_remove };

static ssize_t transport_write(void *owner, const void *data, size_t len) {
        struct world *w = owner;

        must(!w->over);
        return (ssize_t)MIN(len, (size_t)next_byte(&w->words) * 64);
}

static void transport_close(void *owner) {
        struct world *w = owner;

        must(w->attached && !w->over);
        w->over = true;
}

static const struct line_transport transport = { transport_write, transport_close };

/* ---- what happens ---- */

static void feed(struct world *w, const struct link_message *m) {
        struct buf frame = BUF_NULL(2 * LINK_FRAME_MAX);
        size_t cut;

        must(link_encode(&frame, m) == 0);
        cut = MIN((size_t)next_byte(&w->words), frame.len);
        if (w->owner.e && w->attached)
                remote_feed(w->owner.e, buf_data(&frame), cut);
        if (w->owner.e && w->attached)
                remote_feed(w->owner.e, buf_data(&frame) + cut, frame.len - cut);
        buf_deinit(&frame);
}

static void attach(struct world *w) {
        const struct link_message hello = { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } };

        if (w->attached || w->owner.gone)
                return;
        w->attached = true;
        remote_attach(w->owner.e, &transport, w);
        if (next_byte(&w->words) % 8)
                feed(w, &hello);
}

static void one_event(struct world *w) {
        struct link_message m;
        struct link_bytes raw;
        struct environment_stats stats;

        switch (next_byte(&w->words) % 16) {
        case 0:
                attach(w);
                break;
        case 1:
                raw = next_bytes(&w->words);
                if (w->attached)
                        remote_feed(w->owner.e, raw.data, raw.len);
                break;
        case 2:
                if (w->attached)
                        remote_writable(w->owner.e);
                break;
        case 3:
        case 4:
                owner_invoke(&w->owner);
                break;
        case 5:
                owner_freeze_or_thaw(&w->owner);
                break;
        case 6:
                owner_credit(&w->owner);
                break;
        case 7:
                if (next_byte(&w->words) % 4 == 0)
                        owner_stop(&w->owner);
                break;
        case 8:
                if (next_byte(&w->words) % 8 == 0)
                        remote_lost(w->owner.e, (enum remote_loss)(next_byte(&w->words) % 3), "lost");
                break;
        case 9:
                if (next_byte(&w->words) % 8 == 0 && w->attached)
                        remote_ended(w->owner.e);
                break;
        case 10:
                w->owner.e->ops->stats(w->owner.e, &stats);
                loop_advance(w->loop, (nsec_t)next_byte(&w->words) * 50 * MILLISECOND);
                break;
        default:
                m = say_init(&w->words);
                feed(w, &m);
        }
}

static void open_world(struct world *w) {
        uint8_t how = next_byte(&w->words);
        struct environment_spec spec = some_spec;
        struct remote_options options = { .spec = &spec, .command = &some_command, .owner = w };

        spec.log_json = how & 1;
        w->loop = options.loop = loop_new_manual();
        options.ports = how & 2 ? &ports : &plain_ports;
        owner_begin(&w->owner, &w->words, remote_new(&options));
}

/* Stopped, everything ends, in time. */
static void end_world(struct world *w) {
        if (!w->owner.gone) {
                owner_stop(&w->owner);
                loop_advance(w->loop, 2 * REMOTE_GRACE);
                must(w->owner.gone);
        }
        owner_end(&w->owner);
        must(w->over == w->attached);
        must(loop_next_due(w->loop) == NSEC_NEVER);
        loop_free(w->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct world w = { .words = { data, size } };

        decode_all((const char *)data, size, LINK_DAEMON);
        decode_all((const char *)data, size, LINK_INIT);
        open_world(&w);
        for (unsigned steps = 0; w.words.left && w.owner.e && !w.owner.gone && steps < 300; ++steps) {
                one_event(&w);
                loop_advance(w.loop, 0);
        }
        end_world(&w);
        return 0;
}
