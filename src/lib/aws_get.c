/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/aws_get.h"

#include <stdio.h>

#include "base/date.h"
#include "base/log.h"
#include "lib/sigv4.h"

#define FIELDS_MAX (64 * KIB)
#define REGION_MAX 64
#define VERSION_MAX 1024

const struct aws_get_limits aws_get_limits = { 4, 200 * MILLISECOND, 20 * SECOND, 300 * SECOND };

struct aws_get {
        struct loop *loop;
        struct tls *tls;
        struct endpoint endpoint;
        char *target, *service, *region;
        const struct aws_keys *keys;
        struct aws_get_limits limits;
        const struct aws_get_events *events;
        void *owner;

        struct http_client *client;
        struct timer timer; /* the pause between attempts, or patience */
        struct timer deadline;
        unsigned attempt;
        bool waiting, paused; /* waiting: between attempts */
        int status;
        bool measured; /* the answer says where it ends */
        char bucket_region[REGION_MAX];
        char *object_version;
        struct buf body; /* of an answer that is not 200 */
};

/* ---- the request ---- */

static void write_time(const struct aws_get *g, char ret_time[static 17], char ret_date[static 9]) {
        char text[64];
        struct date d;

        date_of(loop_wall(g->loop), &d);
        snprintf(text, sizeof(text), "%04u%02u%02uT%02u%02u%02uZ", d.year, d.month + 1, d.day, d.hour,
                 d.minute, d.second);
        str_fit(ret_time, 17, text);
        str_fit(ret_date, 9, text);
}

static int sign(const struct aws_get *g, struct buf *fields) {
        AUTO(buf) struct buf canonical = BUF_NULL(FIELDS_MAX);
        const char *token = g->keys->token, *query = strchr(g->target, '?');
        AUTO(str) char *path = xstrndup(g->target, query ? (size_t)(query - g->target) : strlen(g->target));
        char time[17], date[9], signature[SIGV4_HEX_LEN + 1];
        const struct http_field list[] = {
                { "host", g->endpoint.host, 4, strlen(g->endpoint.host) },
                { "x-amz-content-sha256", SIGV4_EMPTY_SHA256, 20, SIGV4_HEX_LEN },
                { "x-amz-date", time, 10, 16 },
                { "x-amz-security-token", token, 20, token ? strlen(token) : 0 },
        };
        const struct sigv4_request request = {
                .method = "GET",
                .path = path,
                .query = query ? query + 1 : "",
                .fields = list,
                .field_count = ARRAY_SIZE(list) - !token,
                .signed_headers = token ? "host;x-amz-content-sha256;x-amz-date;x-amz-security-token"
                                        : "host;x-amz-content-sha256;x-amz-date",
                .payload_sha256 = SIGV4_EMPTY_SHA256,
                .path_as_is = streq(g->service, "s3"),
        };
        int r;

        write_time(g, time, date);
        r = sigv4_canonical(&request, &canonical);
        if (r)
                return r;
        sigv4_signature(g->keys->secret, &(struct sigv4_scope){ time, date, g->region, g->service },
                        &canonical, signature);
        r = buf_append_strs(fields, "X-Amz-Content-Sha256: " SIGV4_EMPTY_SHA256 "\r\nX-Amz-Date: ", time,
                            "\r\n", NULL);
        if (token)
                r = r ?: buf_append_strs(fields, "X-Amz-Security-Token: ", token, "\r\n", NULL);
        return r
                       ?: buf_append_strs(fields,
                                          "Authorization: " SIGV4_ALGORITHM " Credential=", g->keys->key, "/",
                                          date, "/", g->region, "/", g->service,
                                          "/aws4_request, SignedHeaders=", request.signed_headers,
                                          ", Signature=", signature, "\r\n", NULL);
}

/* ---- the end of an attempt, and of all ---- */

static void begin_attempt(struct aws_get *g);

static void stop(struct aws_get *g) {
        timer_disarm(&g->timer);
        timer_disarm(&g->deadline);
        http_client_free(TAKE(g->client));
}

static void finish(struct aws_get *g, int error, const char *problem) {
        AUTO(str) char *sentence = error ? xstrdup(problem) : NULL;
        struct aws_get_result result = {
                .error = error,
                .problem = sentence,
                .status = error ? 0 : g->status,
                .region = *g->bucket_region ? g->bucket_region : NULL,
                .version = g->object_version,
                .body = g->body.len ? buf_data(&g->body) : "",
                .len = g->body.len,
        };

        stop(g);
        g->events->end(g->owner, &result);
}

static bool is_passing(int status) {
        return status == 429 || status == 500 || (status >= 502 && status <= 504);
}

/* What no repetition mends: the peer's certificate and our own files. */
static bool is_hopeless(int error) {
        return error == -EINVAL || error == -EKEYREJECTED || error == -ENOKEY || error == -ELIBACC;
}

/* error 0: the status says what was wrong. */
static void attempt_failed(struct aws_get *g, int error, const char *problem) {
        log_info("aws_get attempt=%u of %s from %s: %s", g->attempt, g->service, g->endpoint.host,
                 error ? problem : "a status that may pass");
        if (g->attempt >= g->limits.attempts || is_hopeless(error)) {
                finish(g, error, problem);
                return;
        }
        http_client_free(TAKE(g->client));
        g->waiting = true;
        timer_arm(&g->timer, loop_now(g->loop) + (g->limits.pause << (g->attempt - 1)));
}

static void on_timer(struct timer *timer) {
        struct aws_get *g = container_of(timer, struct aws_get, timer);

        if (g->waiting)
                begin_attempt(g);
        else
                attempt_failed(g, -ETIMEDOUT, "no byte came for too long");
}

static void on_deadline(struct timer *timer) {
        struct aws_get *g = container_of(timer, struct aws_get, deadline);

        finish(g, -ETIMEDOUT, "it took too long");
}

static void have_patience(struct aws_get *g) {
        if (!g->paused)
                timer_arm(&g->timer, loop_now(g->loop) + g->limits.patience);
}

/* ---- the answer ---- */

/* A word of ASCII. */
static bool is_version(const char *text) {
        size_t len = 0;

        while (text[len] > ' ' && text[len] < 127)
                len++;
        return !text[len] && len > 0 && len <= VERSION_MAX;
}

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct aws_get *g = owner;
        int64_t length = -1;
        uint64_t given;

        g->status = status;
        g->measured = false;
        g->bucket_region[0] = '\0';
        free(TAKE(g->object_version));
        for (size_t i = 0; i < count; i++) {
                if (streq(fields[i].name, "content-length") &&
                    str_to_u64(fields[i].value, INT64_MAX, &given) == 0)
                        length = (int64_t)given;
                if (streq(fields[i].name, "x-amz-bucket-region"))
                        str_fit(g->bucket_region, sizeof(g->bucket_region), fields[i].value);
                if (streq(fields[i].name, "x-amz-version-id") && !g->object_version &&
                    is_version(fields[i].value))
                        g->object_version = xstrdup(fields[i].value);
                g->measured |= streq(fields[i].name, "transfer-encoding");
        }
        g->measured |= length >= 0;
        have_patience(g);
        if (status == 200 && g->measured && !g->events->begin(g->owner, length))
                stop(g);
}

static void on_body(void *owner, const char *data, size_t len) {
        struct aws_get *g = owner;

        have_patience(g);
        if (g->status == 200) {
                if (g->measured && !g->events->body(g->owner, data, len))
                        stop(g);
                return;
        }
        must(buf_append(&g->body, data, MIN(len, AWS_GET_ERROR_MAX - g->body.len)) == 0);
        if (g->body.len < AWS_GET_ERROR_MAX)
                return;
        /* Who says so much is not worth listening to the end. */
        if (is_passing(g->status))
                attempt_failed(g, 0, NULL);
        else
                finish(g, 0, NULL);
}

static void on_end(void *owner, int r) {
        struct aws_get *g = owner;

        timer_disarm(&g->timer);
        if (r)
                attempt_failed(g, r, http_client_problem(g->client, r));
        else if (g->status == 200 && !g->measured)
                attempt_failed(g, -EBADMSG, "the answer does not say how long it is");
        else if (is_passing(g->status))
                attempt_failed(g, 0, NULL);
        else
                finish(g, 0, NULL);
}

static void begin_attempt(struct aws_get *g) {
        static const struct http_client_ops ops = { on_head, on_body, on_end };
        AUTO(buf) struct buf fields = BUF_NULL(FIELDS_MAX);
        int r;

        g->attempt++;
        g->waiting = g->paused = false;
        g->status = 0;
        buf_clear(&g->body);
        r = buf_append_strs(&fields, "Host: ", g->endpoint.host, "\r\nAccept: */*\r\n", NULL);
        if (!r && g->keys)
                r = sign(g, &fields);
        r = r ?: buf_append(&fields, "", 1);
        g->client = endpoint_client(&g->endpoint, g->loop, g->tls);
        r = r
                    ?: http_client_call(g->client, HTTP_GET_, g->target, buf_data(&fields), NULL, 0,
                                        NSEC_NEVER, &ops, g);
        if (r)
                finish(g, r, strerror(-r));
        else
                have_patience(g);
}

/* ---- life ---- */

struct aws_get *aws_get_new(const struct aws_get_request *request, const struct aws_get_events *events,
                            void *owner) {
        struct aws_get *g = xcalloc(1, sizeof(*g));

        g->loop = request->loop;
        g->tls = request->tls;
        endpoint_copy(request->endpoint, &g->endpoint);
        g->target = xstrdup(request->target);
        g->service = xstrdup(request->service);
        g->region = xstrdup(request->region);
        g->keys = request->keys;
        g->limits = *request->limits;
        g->events = events;
        g->owner = owner;
        g->body = BUF_NULL(AWS_GET_ERROR_MAX);
        timer_init(&g->timer, g->loop, on_timer);
        timer_init(&g->deadline, g->loop, on_deadline);
        timer_arm(&g->deadline, loop_now(g->loop) + g->limits.budget);
        /* In the next turn, so that no callback comes before the owner knows whose it is. */
        g->waiting = true;
        timer_arm(&g->timer, loop_now(g->loop));
        return g;
}

void aws_get_free(struct aws_get *g) {
        if (!g)
                return;
        stop(g);
        endpoint_clear(&g->endpoint);
        free(g->target);
        free(g->service);
        free(g->region);
        free(g->object_version);
        buf_deinit(&g->body);
        free(g);
}

void aws_get_pause(struct aws_get *g) {
        if (!g->client || g->paused)
                return;
        g->paused = true;
        timer_disarm(&g->timer);
        http_client_pause(g->client);
}

void aws_get_resume(struct aws_get *g) {
        if (!g->client || !g->paused)
                return;
        g->paused = false;
        have_patience(g);
        http_client_resume(g->client);
}
