/* SPDX-License-Identifier: Apache-2.0 */
#include "api/download.h"

#include <stdio.h>

#include "api/api_private.h"
#include "api/operations.h"
#include "archive/content.h"
#include "engine/engine.h"

#define LOCATION_LIFE 600 /* seconds: docs/aws.md, functions */
#define BLOCK ((size_t)(256 * KIB))
#define TOKEN_LEN 32

/* ---- Locations ---- */

/* Keyed by a hash of key and message in two passes (HMAC's construction, RFC 2104, with the key as one full
 * block). */
static void token_for(const struct api *api, const char *sha256, uint64_t expires,
                      char ret_hex[static TOKEN_LEN + 1]) {
        unsigned char pad[64], digest[SHA256_LEN];
        char message[SHA256_HEX_LEN + 32];
        int len = snprintf(message, sizeof(message), "%s %llu", sha256, (unsigned long long)expires);
        struct sha256 ctx;

        memset(pad, 0x36, sizeof(pad));
        for (size_t i = 0; i < sizeof(api->secret); i++)
                pad[i] ^= api->secret[i];
        sha256_init(&ctx);
        sha256_update(&ctx, pad, sizeof(pad));
        sha256_update(&ctx, message, (size_t)len);
        sha256_final(&ctx, digest);
        for (size_t i = 0; i < sizeof(pad); i++)
                pad[i] ^= 0x36 ^ 0x5c;
        sha256_init(&ctx);
        sha256_update(&ctx, pad, sizeof(pad));
        sha256_update(&ctx, digest, sizeof(digest));
        sha256_final(&ctx, digest);
        hex_encode(digest, TOKEN_LEN / 2, ret_hex);
}

char *api_download_location(const struct api_request *r, const char *sha256) {
        uint64_t expires = loop_wall(r->api->loop) / SECOND + LOCATION_LIFE;
        AUTO(str) char *endpoint = api_endpoint_of(r);
        char token[TOKEN_LEN + 1];

        token_for(r->api, sha256, expires, token);
        return xasprintf("%s/_lambent/code/%s?expires=%llu&token=%s",
                         endpoint ? endpoint : engine_options(r->engine)->endpoint, sha256,
                         (unsigned long long)expires, token);
}

/* In the time that depends on the length only. */
static bool same_token(const char *a, const char *b) {
        unsigned char difference = 0;

        for (size_t i = 0; i < TOKEN_LEN; i++)
                difference |= (unsigned char)(a[i] ^ b[i]);
        return difference == 0;
}

static bool may_download(struct api_request *r, const char *sha256) {
        AUTO(str) char *token = http_query_param(r->exchange, "token");
        AUTO(str) char *expires_text = http_query_param(r->exchange, "expires");
        char wanted[TOKEN_LEN + 1];
        uint64_t expires;

        if (!token || strlen(token) != TOKEN_LEN || !expires_text ||
            str_to_u64(expires_text, INT64_MAX, &expires))
                return false;
        token_for(r->api, sha256, expires, wanted);
        return same_token(token, wanted) && loop_wall(r->api->loop) / SECOND < expires;
}

/* ---- the transfer: a block is read by the worker while the one before is on its way ---- */

struct download {
        struct api_request *request;
        uint64_t left;
        int fd;
        struct block *reading; /* under way; NULL when the socket is to drain first */
};

struct block {
        struct job job;
        struct download *download; /* NULL once disowned */
        int fd;                    /* a descriptor of its own: the download may end before the read */
        ssize_t got;
        char data[BLOCK];
};

static void block_run(struct job *job) {
        struct block *b = container_of(job, struct block, job);

        do {
                b->got = read(b->fd, b->data, sizeof(b->data));
        } while (b->got < 0 && errno == EINTR);
}

static void block_free(struct job *job) {
        struct block *b = container_of(job, struct block, job);

        fd_close(b->fd);
        free(b);
}

static void block_done(struct job *job);

static void read_on(struct download *d) {
        struct block *b;
        int fd;

        if (d->reading)
                return;
        fd = dup(d->fd);
        if (fd < 0) {
                http_abort(d->request->exchange);
                return;
        }
        b = xmalloc(sizeof(*b));
        b->job = (struct job){ .run = block_run, .done = block_done, .discard = block_free };
        b->download = d;
        b->fd = fd;
        d->reading = b;
        job_submit(d->request->api->loop, &b->job);
}

static void block_done(struct job *job) {
        struct block *b = container_of(job, struct block, job);
        struct download *d = b->download;
        struct http_exchange *x = d->request->exchange;

        d->reading = NULL;
        if (b->got <= 0 || (uint64_t)b->got > d->left) {
                block_free(job);
                http_abort(x); /* the head has promised more */
                return;
        }
        d->left -= (uint64_t)b->got;
        http_respond_some(x, &(struct iovec){ b->data, (size_t)b->got }, 1);
        block_free(job);
        if (d->left == 0)
                http_respond_end(x);
        else if (http_queued(x) == 0)
                read_on(d);
}

static void on_drain(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct download *d = r->state;

        if (d->left > 0)
                read_on(d);
}

static void on_done(struct http_exchange *x, bool complete) {
        struct api_request *r = x->owner;
        struct download *d = TAKE(r->state);

        if (d->reading)
                job_disown(&d->reading->job);
        fd_close(d->fd);
        free(d);
        api_request_free(r);
}

static void on_body(struct http_exchange *x, const char *data, size_t len) {
}

static void on_end(struct http_exchange *x) {
}

static const struct http_ops download_ops = {
        .on_body = on_body, .on_end = on_end, .on_drain = on_drain, .on_done = on_done
};

void api_download(struct api_request *r) {
        AUTO(buf) struct buf fields = BUF_NULL(KIB);
        const char *sha256 = r->labels[0];
        struct download *d;
        uint64_t size;
        int fd;

        if (strlen(sha256) != SHA256_HEX_LEN || strspn(sha256, "0123456789abcdef") != SHA256_HEX_LEN ||
            !may_download(r, sha256)) {
                api_fail(r, PROBLEM_FORBIDDEN, "This Location has expired or was never given.");
                return;
        }
        fd = content_has_blob(engine_content(r->engine), sha256, &size)
                     ? content_open_blob(engine_content(r->engine), sha256)
                     : -ENOENT;
        if (fd < 0) {
                api_fail(r, PROBLEM_NOT_FOUND, "The code was deleted since this Location was given.");
                return;
        }
        d = xcalloc(1, sizeof(*d));
        *d = (struct download){ .request = r, .left = size, .fd = fd };
        r->state = d;
        r->answered = true;
        r->exchange->ops = &download_ops;
        api_common_fields(r, &fields);
        must(buf_append_str(&fields, "Content-Type: application/zip\r\n") == 0 &&
             buf_append(&fields, "", 1) == 0);
        http_respond_begin(r->exchange, 200, buf_data(&fields), (int64_t)size);
        read_on(d);
}
