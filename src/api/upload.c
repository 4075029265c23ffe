/* SPDX-License-Identifier: Apache-2.0 */
#include "api/upload.h"

#include "archive/content.h"
#include "base/base64.h"
#include "base/log.h"
#include "engine/engine.h"

/* Decoded at a time, on the stack. */
#define PIECE ((size_t)(16 * KIB))

enum upload_fault { UPLOAD_FINE, UPLOAD_TOO_LARGE, UPLOAD_NOT_BASE64, UPLOAD_BROKE };

struct api_upload {
        struct api_request *request;
        struct content_store *content;
        struct registry *registry;
        struct content_upload *upload;
        struct base64_decoder decoder;
        struct content_blob blob;
        struct content_wait wait;
        void (*ready)(struct api_request *r);
        void (*resume)(struct api_request *r);
        uint64_t most; /* bytes */
        enum upload_fault fault;
        int error;
        bool held; /* blob.hex counts as in use */
        uint64_t unzipped;
};

static void on_drained(void *owner) {
        struct api_upload *u = owner;

        u->resume(u->request);
}

static void resume_client(struct api_request *r) {
        http_resume(r->exchange);
}

static void fail_broken_off(struct api_upload *u, int error) {
        log_error("api request=%s operation=%s upload failed: %s", u->request->request_id,
                  u->request->operation, strerror(-error));
        api_fail(u->request, PROBLEM_SERVICE, "The package could not be stored: %s.", strerror(-error));
}

static void fail_unzipped(struct api_request *r) {
        api_fail(r, PROBLEM_INVALID_PARAMETER, "Unzipped size must be smaller than %d bytes",
                 UNZIPPED_SIZE_MAX);
}

static void fail_archive(struct api_upload *u, const struct content_tree *tree) {
        struct api_request *r = u->request;

        log_info("api request=%s operation=%s zip refused: %s", r->request_id, r->operation, tree->reason);
        switch (tree->outcome) {
        case ARCHIVE_EMPTY:
                api_fail(r, PROBLEM_INVALID_PARAMETER, "Uploaded file must be a non-empty zip");
                break;
        case ARCHIVE_TOO_LARGE:
                fail_unzipped(r);
                break;
        case ARCHIVE_BROKE_OFF:
                fail_broken_off(u, tree->error);
                break;
        case ARCHIVE_NOT_A_ZIP:
        case ARCHIVE_UNSAFE:
        case ARCHIVE_FINE:
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Could not unzip uploaded file. Please check your file, then try to upload again.");
                break;
        }
}

static void on_tree(struct content_wait *wait, const struct content_tree *tree) {
        struct api_upload *u = container_of(wait, struct api_upload, wait);

        if (tree->outcome != ARCHIVE_FINE) {
                fail_archive(u, tree);
                return;
        }
        u->unzipped = tree->bytes;
        u->ready(u->request);
}

static void on_stored(void *owner, int r, const struct content_blob *blob) {
        static const struct archive_limits limits = { UNZIPPED_SIZE_MAX, UNZIPPED_ENTRIES_MAX };
        struct api_upload *u = owner;

        u->upload = NULL;
        if (r) {
                fail_broken_off(u, r);
                return;
        }
        u->blob = *blob;
        registry_hold(u->registry, u->blob.hex);
        u->held = true;
        content_unpack(u->content, u->blob.hex, &limits, &u->wait, on_tree);
}

static const struct content_upload_events upload_events = { on_drained, on_stored };

static struct api_upload *upload_new(struct api_request *r, uint64_t most,
                                     void (*resume)(struct api_request *r)) {
        struct api_upload *u = xcalloc(1, sizeof(*u));

        u->request = r;
        u->content = engine_content(r->engine);
        u->registry = engine_registry(r->engine);
        u->most = most;
        u->resume = resume;
        u->upload = content_upload_new(u->content, most, &upload_events, u);
        return u;
}

struct api_upload *api_upload_new(struct api_request *r) {
        return upload_new(r, ZIP_SIZE_MAX, resume_client);
}

struct api_upload *api_upload_new_fetched(struct api_request *r, void (*resume)(struct api_request *r)) {
        return upload_new(r, UNZIPPED_SIZE_MAX, resume);
}

bool api_upload_may_fetch(struct api_request *r, int64_t len) {
        if (len > UNZIPPED_SIZE_MAX)
                fail_unzipped(r);
        return len <= UNZIPPED_SIZE_MAX;
}

void api_upload_restart(struct api_upload *u) {
        must(!u->ready);
        content_upload_abort(u->upload);
        u->upload = content_upload_new(u->content, u->most, &upload_events, u);
        u->fault = UPLOAD_FINE;
}

void api_upload_free(struct api_upload *u) {
        if (!u)
                return;
        content_wait_cancel(&u->wait);
        content_upload_abort(u->upload);
        if (u->held)
                registry_release(u->registry, u->blob.hex);
        free(u);
}

static void spoil(struct api_upload *u, enum upload_fault why, int error) {
        u->fault = why;
        u->error = error;
        content_upload_abort(TAKE(u->upload));
        /* The sender may be paused, and nothing will drain any more. */
        u->resume(u->request);
}

bool api_upload_write_bytes(struct api_upload *u, const void *data, size_t len) {
        int r;

        if (u->fault != UPLOAD_FINE)
                return false;
        r = content_upload_write(u->upload, data, len);
        if (r)
                spoil(u, r == -E2BIG ? UPLOAD_TOO_LARGE : UPLOAD_BROKE, r);
        return !r;
}

void api_upload_write(struct api_upload *u, const char *base64, size_t len) {
        unsigned char bytes[PIECE / 4 * 3 + 3];
        size_t some, decoded;

        /* The rest of a bad upload is still read, so that the client gets to see the answer. */
        for (; len > 0 && u->fault == UPLOAD_FINE; base64 += some, len -= some) {
                some = MIN(len, PIECE);
                if (base64_decode_some(&u->decoder, base64, some, bytes, &decoded)) {
                        spoil(u, UPLOAD_NOT_BASE64, 0);
                        return;
                }
                api_upload_write_bytes(u, bytes, decoded);
        }
}

bool api_upload_is_behind(const struct api_upload *u) {
        return u->upload && content_upload_pending(u->upload) >= CONTENT_UPLOAD_HIGH;
}

void api_upload_finish(struct api_upload *u, void (*ready)(struct api_request *r)) {
        if (u->fault == UPLOAD_FINE && base64_decode_end(&u->decoder))
                spoil(u, UPLOAD_NOT_BASE64, 0);
        u->ready = ready;
        switch (u->fault) {
        case UPLOAD_FINE:
                content_upload_finish(u->upload);
                break;
        case UPLOAD_TOO_LARGE:
                /* From S3 a zip may be as large as what is in it. */
                if (u->most == UNZIPPED_SIZE_MAX)
                        fail_unzipped(u->request);
                else
                        api_fail(u->request, PROBLEM_ENTITY_TOO_LARGE,
                                 "Zipped size must be smaller than %d bytes", ZIP_SIZE_MAX);
                break;
        case UPLOAD_NOT_BASE64:
                api_fail(u->request, PROBLEM_SERIALIZATION, "The value of ZipFile is not valid Base64.");
                break;
        case UPLOAD_BROKE:
                fail_broken_off(u, u->error);
                break;
        }
}

void api_upload_apply(const struct api_upload *u, struct version_config *c) {
        memcpy(c->code_sha256, u->blob.hex, sizeof(c->code_sha256));
        c->code_size = u->blob.size;
        c->code_unzipped = u->unzipped;
}

const char *api_upload_sha256(const struct api_upload *u) {
        return u->blob.hex;
}

uint64_t api_upload_size(const struct api_upload *u) {
        return u->blob.size;
}

uint64_t api_upload_unzipped(const struct api_upload *u) {
        return u->unzipped;
}
