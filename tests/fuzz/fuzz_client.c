/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client on foreign answers, whole and cut into pieces: both must be understood alike, on_end comes
 * exactly once and last. The first byte chooses the method, and whether the body is paused after each piece.
 */
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http/client.h"

struct run {
        struct http_client *client;
        struct buf transcript, body;
        bool pause, paused, ended;
};

static struct loop *loop;
static int listener;
static char folder[] = "/tmp/lambent-fuzz-XXXXXX", address[64];

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct run *run = owner;

        must(!run->ended && !run->transcript.len);
        must(buf_printf(&run->transcript, "%d\n", status) == 0);
        for (size_t i = 0; i < count; ++i) {
                must(strlen(fields[i].name) == fields[i].name_len && fields[i].name_len);
                must(strlen(fields[i].value) == fields[i].value_len);
                must(buf_printf(&run->transcript, "%s=%s\n", fields[i].name, fields[i].value) == 0);
        }
}

static void on_body(void *owner, const char *data, size_t len) {
        struct run *run = owner;

        must(!run->ended && len && run->transcript.len);
        must(buf_append(&run->body, data, len) == 0);
        if (run->pause) {
                http_client_pause(run->client);
                run->paused = true;
        }
}

static void on_end(void *owner, int r) {
        struct run *run = owner;

        must(!run->ended && r <= 0);
        must(buf_append(&run->transcript, run->body.base ? buf_data(&run->body) : "", run->body.len) == 0);
        must(buf_printf(&run->transcript, "\nend %d", r) == 0);
        run->ended = true;
}

static const struct http_client_ops ops = { on_head, on_body, on_end };

static void clean_up(void) {
        unlink(address + 5);
        rmdir(folder);
}

static void set_up(void) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };

        must(loop_new(&loop) == 0);
        must(mkdtemp(folder));
        snprintf(address, sizeof(address), "unix:%s/s", folder);
        snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", folder);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        must(bind(listener, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(listener, 4) == 0);
        atexit(clean_up);
}

static void turn(struct run *run) {
        must(loop_turn(loop, 0) == 0);
        if (run->paused) {
                run->paused = false;
                http_client_resume(run->client);
        }
}

static void converse(struct run *run, uint8_t choice, const char *data, size_t size, uint32_t cut) {
        int fd;

        *run = (struct run){ .pause = choice & 1 };
        buf_init(&run->transcript, 16 * MIB);
        buf_init(&run->body, 16 * MIB);
        run->client = http_client_new(loop, address);
        must(http_client_call(run->client, choice & 2 ? HTTP_HEAD_ : HTTP_POST_, "/", NULL, NULL, 0,
                              NSEC_NEVER, &ops, run) == 0);
        turn(run);
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        must(fd >= 0);
        turn(run);
        while (size) {
                size_t piece =
                        cut ? MIN((size_t)1 + (cut = cut * 1664525 + 1013904223) / 65536 % 40, size) : size;

                if (send(fd, data, piece, MSG_NOSIGNAL) < 0)
                        break;
                data += piece;
                size -= piece;
                if (cut)
                        turn(run);
        }
        shutdown(fd, SHUT_WR);
        for (int i = 0; i < 1000 && !run->ended; ++i)
                turn(run);
        must(run->ended);
        close(fd);
        http_client_free(run->client);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct run whole, cut;

        if (!loop)
                set_up();
        if (!size)
                return 0;
        converse(&whole, data[0], (const char *)data + 1, size - 1, 0);
        converse(&cut, data[0], (const char *)data + 1, size - 1, (uint32_t)size * 2 + 1);
        must(whole.transcript.len == cut.transcript.len);
        must(memcmp(buf_data(&whole.transcript), buf_data(&cut.transcript), cut.transcript.len) == 0);
        buf_deinit(&whole.transcript);
        buf_deinit(&whole.body);
        buf_deinit(&cut.transcript);
        buf_deinit(&cut.body);
        return 0;
}
