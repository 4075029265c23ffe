/* SPDX-License-Identifier: Apache-2.0 */
#include "api/signature.h"

#include <stdio.h>

#include "api/api_private.h"
#include "api/session.h"
#include "base/date.h"
#include "base/map.h"
#include "lib/sigv4.h"

#define FILE_MAX (4 * MIB)
#define CANONICAL_MAX (512 * KIB)
#define SKEW_MINUTES 15
#define PRESIGNED_MAX 604800 /* a week, in seconds */
#define TIME_LEN 16          /* 20150830T123600Z */
#define NOT_THE_SAME \
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access " \
        "Key and signing method. Consult the service documentation for details."

/* ---- the keys ---- */

struct key {
        struct map_node node;
        char *id, *secret;
};

struct keys {
        struct map map;
};

void keys_free(struct keys *keys) {
        struct map_node *node;

        if (!keys)
                return;
        while ((node = map_next(&keys->map, NULL))) {
                struct key *key = map_entry(node, struct key, node);

                map_remove(&keys->map, node);
                free(key->id);
                free(key->secret);
                free(key);
        }
        map_deinit(&keys->map);
        free(keys);
}

/* False: it is neither "ID SECRET" nor empty. */
static bool keep_line(struct keys *keys, char *line) {
        char *id = NULL, *secret = NULL, *rest = line, *word;
        struct key *key;

        while ((word = strsep(&rest, " \t\r\n"))) {
                if (!*word)
                        continue;
                if (*word == '#')
                        break;
                if (secret)
                        return false;
                *(id ? &secret : &id) = word;
        }
        if (!id)
                return true;
        if (!secret || map_find(&keys->map, id))
                return false;
        key = xcalloc(1, sizeof(*key));
        key->id = xstrdup(id);
        key->secret = xstrdup(secret);
        map_add(&keys->map, &key->node, key->id);
        return true;
}

int keys_read(const char *path, struct keys **ret_keys, char **ret_problem) {
        AUTO(keys) struct keys *keys = xcalloc(1, sizeof(*keys));
        FILE *file = fopen(path, "re");
        AUTO(str) char *line = NULL;
        size_t room = 0, number = 0;
        int r = 0;

        map_init(&keys->map);
        if (!file) {
                r = -errno;
                *ret_problem = xasprintf("cannot read the credentials in %s: %s", path, strerror(-r));
                return r;
        }
        while (!r && getline(&line, &room, file) >= 0) {
                number++;
                if (keep_line(keys, line))
                        continue;
                r = -EINVAL;
                *ret_problem =
                        xasprintf("%s, line %zu: a line is an access key's id, a blank and its secret, "
                                  "each id once",
                                  path, number);
        }
        fclose(file);
        if (!r)
                *ret_keys = TAKE(keys);
        return r;
}

static const char *secret_of(const struct keys *keys, const char *id) {
        const struct key *key = map_entry(map_find(&keys->map, id), struct key, node);

        return key ? key->secret : NULL;
}

/* ---- what the request says of its signature ---- */

struct signature {
        const struct http_ops *inner; /* of the exchange, while we stand before them */
        struct http_ops ops;
        struct sha256 body;
        char *secret, *signed_headers, *given,
                *payload; /* payload: what is signed for the body; NULL: its digest */
        char time[TIME_LEN + 1];
        struct credential credential;
        bool presigned, judged;
        bool sink_taken; /* what lay in the exchange's sink before more came than it holds */
};

void signature_free(struct signature *s) {
        if (!s)
                return;
        free(s->secret);
        free(s->signed_headers);
        free(s->given);
        free(s->payload);
        free(s);
}

enum offence { MISSING_TOKEN, INCOMPLETE, UNKNOWN_KEY, WRONG_SIGNATURE, EXPIRED_TOKEN };

/* The services' clients know the same offence by different names. */
static void refuse(struct api_request *r, enum offence offence, const char *message) {
        static const struct {
                const char *json, *query, *s3;
        } codes[] = {
                [MISSING_TOKEN] = { "MissingAuthenticationTokenException", "MissingAuthenticationToken",
                                    "AccessDenied" },
                [INCOMPLETE] = { "IncompleteSignatureException", "IncompleteSignature",
                                 "AuthorizationHeaderMalformed" },
                [UNKNOWN_KEY] = { "UnrecognizedClientException", "InvalidClientTokenId",
                                  "InvalidAccessKeyId" },
                [WRONG_SIGNATURE] = { "InvalidSignatureException", "SignatureDoesNotMatch",
                                      "SignatureDoesNotMatch" },
                [EXPIRED_TOKEN] = { "ExpiredTokenException", "ExpiredToken", "ExpiredToken" },
        };
        const enum protocol protocol = r->service.protocol;

        service_refuse(r, 403,
                       protocol == PROTOCOL_REST_XML                            ? codes[offence].s3
                       : protocol == PROTOCOL_QUERY || protocol == PROTOCOL_EC2 ? codes[offence].query
                                                                                : codes[offence].json,
                       "%s", message);
}

/* "Name=value" behind the algorithm, parted by commas; malloc'ed. */
static char *header_part(const char *authorization, const char *name) {
        size_t name_len = strlen(name);

        for (const char *s = strchr(authorization, ' '); s; s = strchr(s, ',')) {
                s += strspn(s, ", ");
                if (strncmp(s, name, name_len) == 0 && s[name_len] == '=')
                        return xstrndup(s + name_len + 1, strcspn(s + name_len + 1, ", "));
        }
        return NULL;
}

static bool read_header(struct api_request *r, struct signature *s, const char *authorization) {
        AUTO(str) char *credential = NULL, *message = NULL;
        const char *date = http_header(r->exchange, "x-amz-date");

        if (!str_starts(authorization, SIGV4_ALGORITHM " ")) {
                message = xasprintf("Unsupported AWS 'algorithm': '%.*s'.", (int)strcspn(authorization, " "),
                                    authorization);
                refuse(r, INCOMPLETE, message);
                return false;
        }
        credential = header_part(authorization, "Credential");
        s->signed_headers = header_part(authorization, "SignedHeaders");
        s->given = header_part(authorization, "Signature");
        if (credential && s->given && s->signed_headers && date) {
                str_fit(s->time, sizeof(s->time), date);
                return true;
        }
        message = xasprintf(
                "%s%s%s%sAuthorization=%.*s",
                credential ? "" : "Authorization header requires 'Credential' parameter. ",
                s->given ? "" : "Authorization header requires 'Signature' parameter. ",
                s->signed_headers ? "" : "Authorization header requires 'SignedHeaders' parameter. ",
                date ? ""
                     : "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ",
                (int)strcspn(authorization, " "), authorization);
        refuse(r, INCOMPLETE, message);
        return false;
}

static bool read_query(struct api_request *r, struct signature *s) {
        AUTO(str) char *algorithm = http_query_param(r->exchange, "X-Amz-Algorithm");
        AUTO(str) char *date = http_query_param(r->exchange, "X-Amz-Date");

        s->presigned = true;
        s->signed_headers = http_query_param(r->exchange, "X-Amz-SignedHeaders");
        s->given = http_query_param(r->exchange, "X-Amz-Signature");
        if (algorithm && streq(algorithm, SIGV4_ALGORITHM) && date && s->signed_headers && s->given) {
                str_fit(s->time, sizeof(s->time), date);
                return true;
        }
        refuse(r, INCOMPLETE,
               "AWS query-string parameters must include 'X-Amz-Algorithm', 'X-Amz-Credential', 'X-Amz-Signature', "
               "'X-Amz-SignedHeaders' and 'X-Amz-Date'. Re-examine the query-string parameters.");
        return false;
}

/* ---- time ---- */

/* Seconds of "20150830T123600Z"; false: it is no such text. */
static bool read_time(const char *text, int64_t *ret_seconds) {
        static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
        unsigned year, month, day, hour, minute, second;
        int end = 0;
        int64_t days;

        if (sscanf(text, "%4u%2u%2uT%2u%2u%2uZ%n", &year, &month, &day, &hour, &minute, &second, &end) != 6 ||
            end != TIME_LEN || month < 1 || month > 12 || year < 1970)
                return false;
        days = (int64_t)(year - 1970) * 365 + (year - 1969) / 4 - (year - 1901) / 100 + (year - 1601) / 400;
        days += before[month - 1] + (int)day - 1;
        days += month > 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
        *ret_seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
        return true;
}

static const char *time_text(int64_t seconds, char ret_text[static DATE_TEXT]) {
        struct date d;

        date_of((nsec_t)MAX(seconds, (int64_t)0) * SECOND, &d);
        snprintf(ret_text, DATE_TEXT, "%04u%02u%02uT%02u%02u%02uZ", d.year % 10000, (d.month + 1) % 100,
                 d.day % 100, d.hour % 100, d.minute % 100, d.second % 100);
        return ret_text;
}

/* How long before now it may have been signed, in seconds. */
static bool read_patience(struct api_request *r, const struct signature *s, int64_t *ret_seconds) {
        AUTO(str) char *text = s->presigned ? http_query_param(r->exchange, "X-Amz-Expires") : NULL;
        uint64_t seconds = SKEW_MINUTES * 60;

        if (text && str_to_u64(text, PRESIGNED_MAX, &seconds)) {
                refuse(r, INCOMPLETE, "X-Amz-Expires must be a number of seconds, at most 604800.");
                return false;
        }
        *ret_seconds = (int64_t)seconds;
        return true;
}

static bool check_time(struct api_request *r, struct signature *s) {
        const int64_t now = (int64_t)(loop_wall(r->api->loop) / SECOND), skew = SKEW_MINUTES * 60;
        char now_text[DATE_TEXT], edge_text[DATE_TEXT];
        AUTO(str) char *message = NULL;
        int64_t then, patience;

        if (!read_time(s->time, &then)) {
                message = xasprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See "
                                    "http://en.wikipedia.org/wiki/ISO_8601",
                                    s->time);
                refuse(r, INCOMPLETE, message);
                return false;
        }
        if (!read_patience(r, s, &patience))
                return false;
        if (then + patience < now) {
                message = xasprintf("Signature expired: %s is now earlier than %s (%s - %lld min.)", s->time,
                                    time_text(now - patience, edge_text), time_text(now, now_text),
                                    (long long)patience / 60);
                refuse(r, WRONG_SIGNATURE, message);
        } else if (then > now + skew) {
                message = xasprintf("Signature not yet current: %s is still later than %s (%s + %d min.)",
                                    s->time, time_text(now + skew, edge_text), time_text(now, now_text),
                                    SKEW_MINUTES);
                refuse(r, WRONG_SIGNATURE, message);
        }
        return !r->answered;
}

/* ---- the scope and what must be signed ---- */

static bool is_signed(const struct signature *s, const char *name) {
        size_t len = strlen(name);

        for (const char *at = s->signed_headers; at; at = strchr(at, ';')) {
                at += *at == ';';
                if (strncmp(at, name, len) == 0 && (at[len] == ';' || !at[len]))
                        return true;
        }
        return false;
}

static bool check_scope(struct api_request *r, struct signature *s) {
        static const char *const wanted[] = { "host", "x-amz-date", "x-amz-target" };
        AUTO(str) char *message = NULL;

        if (strncmp(s->credential.date, s->time, 8) != 0 || strlen(s->credential.date) != 8)
                message = xasprintf(
                        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date "
                        "from HTTP: '%s' != '%.8s', from '%s'.",
                        s->credential.date, s->time, s->time);
        else if (!streq(s->credential.end, "aws4_request"))
                message = xasprintf(
                        "Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.",
                        s->credential.end);
        else if (!*s->credential.region || !*s->credential.service)
                message = xstrdup("Credential should be scoped to a valid region.");
        for (size_t i = 0; i < ARRAY_SIZE(wanted) && !message; i++)
                if ((i == 0 || http_header(r->exchange, wanted[i])) && !is_signed(s, wanted[i]))
                        message = xasprintf("'%s' must be a 'SignedHeader' in the AWS Authorization.",
                                            i ? wanted[i] : "Host' or ':authority");
        if (message)
                refuse(r, WRONG_SIGNATURE, message);
        return !message;
}

/* A key of the file, or one that AssumeRole has made. */
static bool find_secret(struct api_request *r, struct signature *s) {
        const char *known = secret_of(r->api->options.keys, s->credential.key);

        if (known) {
                s->secret = xstrdup(known);
        } else if (r->session && streq(r->session->key, s->credential.key)) {
                if (r->session->expires * SECOND < loop_wall(r->api->loop)) {
                        refuse(r, EXPIRED_TOKEN, "The security token included in the request is expired");
                        return false;
                }
                s->secret = session_secret(r->api, s->credential.key);
        } else {
                refuse(r, UNKNOWN_KEY, "The security token included in the request is invalid.");
                return false;
        }
        return true;
}

/* ---- the signature itself ---- */

static bool is_same(const char *a, const char *b) {
        unsigned differs = strlen(a) != strlen(b);

        for (; *a && *b; a++, b++)
                differs |= (unsigned)(*a ^ *b);
        return differs == 0;
}

static bool is_right(const struct api_request *r, const struct signature *s, const char *payload) {
        const struct http_exchange *x = r->exchange;
        const struct sigv4_request request = {
                .method = x->method_name,
                .path = x->path,
                .query = x->query,
                .fields = x->fields,
                .field_count = x->field_count,
                .signed_headers = s->signed_headers,
                .payload_sha256 = payload,
                .path_as_is = streq(r->service.name, "s3"),
        };
        const struct sigv4_scope scope = { s->time, s->credential.date, s->credential.region,
                                           s->credential.service };
        AUTO(buf) struct buf canonical = BUF_NULL(CANONICAL_MAX);
        char hex[SIGV4_HEX_LEN + 1];

        if (sigv4_canonical(&request, &canonical))
                return false;
        sigv4_signature(s->secret, &scope, &canonical, hex);
        return is_same(hex, s->given);
}

/* What the head says of the body. False: answered. */
static bool read_payload(struct api_request *r, struct signature *s) {
        const char *said = http_header(r->exchange, "x-amz-content-sha256");
        const bool is_s3 = streq(r->service.name, "s3");

        if (said && str_starts(said, "STREAMING-") && !is_s3) {
                service_refuse(
                        r, 501, "NotImplemented",
                        "lambent does not verify bodies that are signed in pieces (%.100s): send the digest "
                        "of the whole body, or UNSIGNED-PAYLOAD.",
                        said);
                return false;
        }
        if (said)
                s->payload = xstrdup(said);
        else if (s->presigned && is_s3)
                s->payload = xstrdup("UNSIGNED-PAYLOAD");
        else if (!r->exchange->has_body)
                s->payload = xstrdup(SIGV4_EMPTY_SHA256);
        return true;
}

static bool check_head(struct api_request *r, struct signature *s) {
        const char *authorization = http_header(r->exchange, "authorization");

        if (!(authorization ? read_header(r, s, authorization) : read_query(r, s)) || !check_scope(r, s) ||
            !find_secret(r, s) || !check_time(r, s) || !read_payload(r, s))
                return false;
        if (s->payload && !is_right(r, s, s->payload)) {
                refuse(r, WRONG_SIGNATURE, NOT_THE_SAME);
                return false;
        }
        return true;
}

bool signature_begin(struct api_request *r, const struct credential *credential) {
        AUTO(str) char *query_signature = NULL;

        if (!r->api->options.keys || r->from_function || str_starts(r->exchange->path, "/_lambent/") ||
            streq(r->exchange->path, "/metrics"))
                return true;
        query_signature = http_query_param(r->exchange, "X-Amz-Signature");
        if (!http_header(r->exchange, "authorization") && !query_signature) {
                refuse(r, MISSING_TOKEN, "Missing Authentication Token");
                return false;
        }
        r->signature = xcalloc(1, sizeof(*r->signature));
        r->signature->credential = *credential;
        sha256_init(&r->signature->body);
        return check_head(r, r->signature);
}

/* ---- the body ---- */

static void take_sink(struct signature *s, const struct http_exchange *x) {
        if (x->sink && !s->sink_taken)
                sha256_update(&s->body, buf_data(x->sink), x->sink->len);
        s->sink_taken = true;
}

static void watched_body(struct http_exchange *x, const char *data, size_t len) {
        struct api_request *r = x->owner;

        take_sink(r->signature, x);
        sha256_update(&r->signature->body, data, len);
        r->signature->inner->on_body(x, data, len);
}

static void watched_end(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct signature *s = r->signature;
        unsigned char digest[SHA256_LEN];
        char hex[SHA256_HEX_LEN + 1];
        bool right;

        take_sink(s, x);
        sha256_final(&s->body, digest);
        hex_encode(digest, sizeof(digest), hex);
        /* A digest that the head told has been found signed, so that the body must only be the one. */
        right = s->payload ? is_same(hex, s->payload) : is_right(r, s, hex);
        s->judged = true;
        if (right)
                s->inner->on_end(x);
        else if (!r->answered)
                refuse(r, WRONG_SIGNATURE, NOT_THE_SAME);
        else
                http_abort(x); /* an answer that began before the question was known to be one */
}

bool signature_awaits_body(const struct api_request *r) {
        return r->signature && r->signature->inner && !r->signature->judged;
}

void signature_watch(struct api_request *r) {
        struct signature *s = r->signature;

        if (!s || r->answered ||
            (s->payload && (streq(s->payload, "UNSIGNED-PAYLOAD") || str_starts(s->payload, "STREAMING-"))))
                return;
        s->inner = r->exchange->ops;
        s->ops = *s->inner;
        s->ops.on_body = watched_body;
        s->ops.on_end = watched_end;
        r->exchange->ops = &s->ops;
}
