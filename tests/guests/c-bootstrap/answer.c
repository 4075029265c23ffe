/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest.h"

#define CHUNK (64 * 1024)

void guest_answer_text(struct guest *guest) {
        struct reply reply;

        api_answer(&guest->api, guest->id, guest->text.data, guest->text.len, &reply);
}

char *filler_new(size_t len) {
        char *data = malloc(len + 1);

        if (!data)
                die("no memory");
        memset(data, len == 1 ? '0' : 'x', len);
        if (len > 1)
                data[0] = data[len - 1] = '"';
        return data;
}

static void run_echo(struct guest *guest) {
        struct reply reply;

        api_answer(&guest->api, guest->id, guest->event.body, guest->event.body_len, &reply);
}

static void run_fixed(struct guest *guest) {
        struct reply reply;

        api_answer(&guest->api, guest->id, guest->fixed, guest->fixed_len, &reply);
}

/* The path "invocation/<id>/<leaf>" of the invocation at hand. */
static char *path_of(const struct guest *guest, const char *leaf, char path[128]) {
        stpcpy(stpcpy(stpcpy(stpcpy(path, "invocation/"), guest->id), "/"), leaf);
        return path;
}

static char *put_hex(char *at, size_t number) {
        for (int shift = 60; shift >= 0; shift -= 4)
                if (number >> shift || shift == 0)
                        *at++ = "0123456789abcdef"[number >> shift & 15];
        return at;
}

/* Sends a body in pieces of 64 KB, framed as chunks or not. False: the other side has hung up. */
static bool send_body(struct guest *guest, size_t len, bool chunked) {
        /* A piece with its frame is one send: the size on the left, the end of line on the right of the data.
         */
        static char piece[16 + CHUNK + 2];
        char *data = piece + 16;

        memset(data, 'x', CHUNK);
        while (len) {
                size_t n = len < CHUNK ? len : CHUNK;
                char size[20], *end = stpcpy(put_hex(size, n), "\r\n");
                size_t left = chunked ? (size_t)(end - size) : 0;

                memcpy(data - left, size, left);
                if (chunked)
                        memcpy(data + n, "\r\n", 2);
                if (!api_send(&guest->api, data - left, left + n + (chunked ? 2 : 0)))
                        return false;
                len -= n;
        }
        return true;
}

static void run_big(struct guest *guest) {
        char path[128], lines[96], head[512];
        struct reply reply;
        size_t len = strtoul(guest->arg, NULL, 10);
        char *at = put_num(stpcpy(lines, "Content-Type: application/json\r\nContent-Length: "), len);

        stpcpy(at, "\r\n");
        api_head(&guest->api, path_of(guest, "response", path), lines, head, sizeof(head));
        if (api_send(&guest->api, head, strlen(head)) && len) {
                /* A JSON string, so that a caller may parse it. */
                if (len > 1)
                        (void)(api_send(&guest->api, "\"", 1) && send_body(guest, len - 2, false) &&
                               api_send(&guest->api, "\"", 1));
                else
                        (void)api_send(&guest->api, "0", 1);
        }
        api_receive(&guest->api, &reply);
}

static bool stream_begin(struct guest *guest) {
        char path[128], head[1024];

        api_head(&guest->api, path_of(guest, "response", path),
                 "Content-Type: application/octet-stream\r\n"
                 "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                 "Transfer-Encoding: chunked\r\n"
                 "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n",
                 head, sizeof(head));
        return api_send(&guest->api, head, strlen(head));
}

static void run_stream(struct guest *guest) {
        struct reply reply;

        if (stream_begin(guest) && send_body(guest, strtoul(guest->arg, NULL, 10), true))
                (void)api_send(&guest->api, "0\r\n\r\n", 5);
        api_receive(&guest->api, &reply);
}

/* Half an answer, then the error in the trailers: {"errorMessage":"mid-stream","errorType":"Function.Guest"}.
 */
static void run_stream_error(struct guest *guest) {
        static const char rest[] =
                "7\r\npartial\r\n0\r\n"
                "Lambda-Runtime-Function-Error-Type: Function.Guest\r\n"
                "Lambda-Runtime-Function-Error-Body: "
                "eyJlcnJvck1lc3NhZ2UiOiJtaWQtc3RyZWFtIiwiZXJyb3JUeXBlIjoiRnVuY3Rpb24uR3Vlc3QifQ==\r\n\r\n";
        struct reply reply;

        if (stream_begin(guest))
                (void)api_send(&guest->api, rest, sizeof(rest) - 1);
        api_receive(&guest->api, &reply);
}

/* The connection ends inside a chunk; the process lives on and asks for more work over a new one. */
static void run_stream_cut(struct guest *guest) {
        if (stream_begin(guest))
                (void)api_send(&guest->api, "7\r\npartial\r\n64\r\nhalf a chunk", 28);
        api_close(&guest->api);
}

static void run_post_error(struct guest *guest) {
        static const char error[] =
                "{\"errorMessage\":\"the guest failed\",\"errorType\":\"GuestError\",\"stackTrace\":[]}";
        char path[128];
        struct reply reply;

        api_post(&guest->api, path_of(guest, "error", path),
                 "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: Function.Guest\r\n",
                 error, sizeof(error) - 1, &reply);
}

/* {"status":400,"body":"…"}: what the Runtime API said to something it should refuse. */
static void describe(struct text *text, const struct reply *reply) {
        text_str(text, "{\"status\":");
        text_num(text, reply->status);
        text_str(text, ",\"body\":");
        text_json(text, reply->body ? reply->body : "", reply->body_len);
        text_str(text, "}");
}

static void run_wrong_id(struct guest *guest) {
        struct reply reply;

        api_answer(&guest->api, "00000000-0000-4000-8000-000000000000", "\"stray\"", 7, &reply);
        describe(&guest->text, &reply);
        guest_answer_text(guest);
}

/* The verdict on a second answer can only be told by the next invocation; the first one is answered with
 * null. */
static void run_answer_twice(struct guest *guest) {
        static struct text verdict;
        struct reply reply;

        if (!verdict.len)
                text_str(&verdict, "null");
        api_answer(&guest->api, guest->id, verdict.data, verdict.len, &reply);
        api_answer(&guest->api, guest->id, "\"again\"", 7, &reply);
        text_clear(&verdict);
        describe(&verdict, &reply);
}

/* Polls again without an answer; a Runtime API must then give the same event again. */
static void run_poll_twice(struct guest *guest) {
        struct text *text = &guest->text;
        char id[64] = "";

        api_next(&guest->api, &guest->event);
        (void)reply_header(&guest->event, "Lambda-Runtime-Aws-Request-Id", id, sizeof(id));
        text_str(text, strcmp(id, guest->id) ? "{\"same\":false}" : "{\"same\":true}");
        guest_answer_text(guest);
}

static void write_line(int fd, const char *word, unsigned long number) {
        char line[64], *at = put_num(stpcpy(line, word), number);

        *at++ = '\n';
        if (write(fd, line, (size_t)(at - line)) < 0)
                die("cannot write a log line");
}

static void run_log(struct guest *guest) {
        unsigned long lines = strtoul(guest->arg, NULL, 10);

        for (unsigned long i = 1; i <= lines; i++) {
                write_line(STDOUT_FILENO, "stdout line ", i);
                write_line(STDERR_FILENO, "stderr line ", i);
        }
        run_echo(guest);
}

const struct mode answer_modes[] = {
        { "echo", run_echo },
        { "fixed", run_fixed },
        { "big", run_big },
        { "stream", run_stream },
        { "stream-error", run_stream_error },
        { "stream-cut", run_stream_cut },
        { "post-error", run_post_error },
        { "wrong-id", run_wrong_id },
        { "answer-twice", run_answer_twice },
        { "poll-twice", run_poll_twice },
        { "log", run_log },
        {},
};
