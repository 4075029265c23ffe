/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Extensions API (2020-01-01) as HTTP: routes, refusals, events. AWS refuses everything with 403 and a type
 * of its own (docs/aws.md, extensions). The Telemetry and Logs APIs are answered here, too: that they are not
 * supported, in the words that extensions know.
 */
#include "base/json.h"
#include "runtime/supervisor_private.h"

#define BODY_MAX (64 * KIB)
#define EVENT_MAX (512 * KIB) /* a trace header comes in a head of 64 KiB and may grow by its escapes */
#define JSON_FIELDS "Content-Type: application/json\r\n"

static void refuse(struct http_exchange *x, const char *type, const char *message) {
        api_refuse(x, 403, type, message);
}

static void refuse_transition(struct http_exchange *x, const struct extension *e, enum extension_call call,
                              const char *whom) {
        AUTO(str)
        char *text = xasprintf("State transition from %s to %s failed for extension %s. Error: State "
                               "transition is not allowed",
                               extension_state_name(e->state), extension_call_target(call), whom);

        refuse(x, "Extension.InvalidExtensionState", text);
}

/* ---- register ---- */

/* JSON is not ended by a NUL, so the C library's string calls are not for it. */
static const char *skip(const char *at, const char *end, const char *what) {
        while (at < end && strchr(what, *at))
                ++at;
        return at;
}

/* The next string in a valid JSON array: 1 with *ret_word, 0 at its end, -EINVAL for what is no string. */
static int next_string(const char **at, const char *end, struct buf *ret_word) {
        const char *from;

        *at = skip(*at, end, " \t\r\n,");
        if (*at >= end || **at == ']')
                return 0;
        from = (*at)++;
        if (*from != '"')
                return -EINVAL;
        while (**at != '"')
                *at += **at == '\\' ? 2 : 1;
        ++*at;
        buf_clear(ret_word);
        return json_unquote(from, (size_t)(*at - from), ret_word) || buf_append(ret_word, "", 1) ? -EINVAL
                                                                                                 : 1;
}

static const char *event_problem(const char *event, bool external, unsigned *events) {
        if (streq(event, "INVOKE")) {
                *events |= EXTENSION_INVOKE;
                return NULL;
        }
        if (!streq(event, "SHUTDOWN"))
                return "ErrorInvalidEventType";
        *events |= EXTENSION_SHUTDOWN;
        return external ? NULL : "ShutdownEventNotSupportedForInternalExtension";
}

/* False: refused. */
static bool read_events(struct http_exchange *x, const char *json, size_t len, bool external,
                        unsigned *ret_events) {
        const char *at = json + 1;
        AUTO(buf) struct buf word = BUF_NULL(KIB);
        int r = *json == '[' ? 1 : -EINVAL;

        while (r > 0 && (r = next_string(&at, json + len, &word)) > 0) {
                const char *problem = event_problem(buf_data(&word), external, ret_events);
                AUTO(str) char *text = problem ? xasprintf("%s: %s", buf_data(&word), problem) : NULL;

                if (text) {
                        refuse(x, "Extension.InvalidEventType", text);
                        return false;
                }
        }
        if (r)
                refuse(x, "InvalidRequestFormat", "events is not an array of strings");
        return !r;
}

static bool is_null(const char *json, size_t len) {
        return len == 4 && memcmp(json, "null", 4) == 0;
}

static bool is_empty_array(const char *json, size_t len) {
        return *json == '[' && *skip(json + 1, json + len, " \t\r\n") == ']';
}

static bool read_body(struct http_exchange *x, const struct buf *body, bool external, unsigned *ret_events) {
        struct json_error error;
        const char *value;
        size_t len;

        *ret_events = 0;
        if (json_validate(buf_data(body), body->len, &error)) {
                AUTO(str)
                char *text = error.offset >= body->len
                                     ? xstrdup("unexpected end of JSON input")
                                     : xasprintf("invalid JSON at byte %zu: %s", error.offset, error.reason);

                refuse(x, "InvalidRequestFormat", text);
                return false;
        }
        switch (json_member(buf_data(body), body->len, "configurationKeys", &value, &len)) {
        case 0:
                if (is_null(value, len) || is_empty_array(value, len))
                        break;
                refuse(x, "InvalidRequestFormat",
                       "configurationKeys are deprecated; use environment variables instead");
                return false;
        case -EINVAL:
                refuse(x, "InvalidRequestFormat", "the request is not a JSON object");
                return false;
        default:
                break;
        }
        if (json_member(buf_data(body), body->len, "events", &value, &len) || is_null(value, len))
                return true;
        return read_events(x, value, len, external, ret_events);
}

/* A list with commas; features that we do not know are ignored. */
static bool wants_account(const struct http_exchange *x) {
        const char *at = http_header(x, "lambda-extension-accept-feature");

        while (at && *at) {
                size_t len;

                at += strspn(at, " \t,");
                len = strcspn(at, " \t,");
                if (len == strlen("accountId") && memcmp(at, "accountId", len) == 0)
                        return true;
                at += len;
        }
        return false;
}

static void welcome(struct supervisor *s, struct http_exchange *x, const struct extension *e) {
        AUTO(str) char *fields = xasprintf(JSON_FIELDS "Lambda-Extension-Identifier: %s\r\n", e->id);
        AUTO(buf) struct buf body = BUF_NULL(4 * KIB);
        struct json_writer w = JSON_WRITER(&body);

        w.html = true;
        json_open_object(&w, NULL);
        if (wants_account(x) && s->account)
                json_str(&w, "accountId", s->account);
        json_str(&w, "functionName", s->function);
        json_str(&w, "functionVersion", s->version);
        json_str(&w, "handler", s->handler ? s->handler : "");
        json_close_object(&w);
        must(json_writer_end(&w) == 0 && buf_append(&body, "\n", 1) == 0);
        http_respond(x, 200, fields, buf_data(&body), body.len);
}

static struct extension *find_or_add(struct supervisor *s, struct http_exchange *x, const char *name) {
        struct extension *e = extensions_by_name(&s->extensions, name);
        int r = EXTENSION_CLOSED;

        if (e && e->external)
                return e;
        if (gen_is_starting(s->gen))
                r = extensions_add_internal(&s->extensions, name, &e);
        if (!r)
                return e;
        if (r == EXTENSION_CLOSED)
                refuse(x, "Extension.RegistrationClosed", "Extension registration closed already");
        else if (r == EXTENSION_TOO_MANY)
                refuse(x, "Extension.TooManyExtensions", "Extension limit (10) reached");
        else
                refuse(x, "Extension.InvalidExtensionState", "Extension with this name already registered");
        return NULL;
}

/* A request whose body is on its way; it lives until the exchange is done. */
struct registration {
        struct supervisor *s;
        struct buf body;
};

static void register_too_large(struct http_exchange *x, const char *data, size_t len) {
        x->sink = NULL;
        refuse(x, "InvalidRequestFormat", "the request is too large");
}

static void register_end(struct http_exchange *x) {
        struct registration *r = x->owner;
        struct supervisor *s = r->s;
        const char *name = http_header(x, "lambda-extension-name");
        struct extension *e = extensions_by_name(&s->extensions, name);
        unsigned events;

        if (!read_body(x, &r->body, e && e->external, &events))
                return;
        e = find_or_add(s, x, name);
        if (!e)
                return;
        if (!extension_call(e, EXTENSION_CALL_REGISTER)) {
                refuse_transition(x, e, EXTENSION_CALL_REGISTER, name);
                return;
        }
        e->events = events;
        s->base.has_extensions = true;
        welcome(s, x, e);
        generation_advance(s);
}

static void register_done(struct http_exchange *x, bool complete) {
        struct registration *r = x->owner;

        buf_deinit(&r->body);
        free(r);
}

static const struct http_ops register_ops = {
        .on_body = register_too_large,
        .on_end = register_end,
        .on_done = register_done,
};

static void on_register(struct supervisor *s, struct http_exchange *x) {
        const char *name = http_header(x, "lambda-extension-name");
        struct registration *r;

        if (!name || !*name || strlen(name) > EXTENSION_NAME_MAX) {
                refuse(x, "Extension.InvalidExtensionName",
                       name && *name ? "The extension name is too long" : "Empty extension name");
                return;
        }
        r = xcalloc(1, sizeof(*r));
        *r = (struct registration){ .s = s, .body = BUF_NULL(BODY_MAX) };
        x->ops = &register_ops;
        x->owner = r;
        x->sink = &r->body;
}

/* ---- who calls ---- */

/* The identifier alone is looked at here, before anything else of the request. */
static const char *caller_id(struct http_exchange *x) {
        const char *id = http_header(x, "lambda-extension-identifier");

        if (!id || !*id)
                refuse(x, "Extension.MissingExtensionIdentifier",
                       "Missing Lambda-Extension-Identifier header");
        else if (!uuid_is_one(id))
                refuse(x, "Extension.InvalidExtensionIdentifier", "Invalid Lambda-Extension-Identifier");
        else
                return id;
        return NULL;
}

/* ---- event/next ---- */

static struct extension *polling(struct supervisor *s, const struct http_exchange *x) {
        for (size_t i = 0; i < s->extensions.count; ++i)
                if (s->extensions.all[i].poll == x)
                        return &s->extensions.all[i];
        return NULL;
}

static void poll_done(struct http_exchange *x, bool complete) {
        struct extension *e = polling(x->owner, x);

        if (e)
                e->poll = NULL; /* it hung up; it may ask again */
}

/* Nobody waits for the event any more: give the connection back. */
static void poll_half_close(struct http_exchange *x) {
        if (polling(x->owner, x))
                http_abort(x);
}

static const struct http_ops poll_ops = {
        .on_body = api_quiet_body,
        .on_end = api_quiet_end,
        .on_half_close = poll_half_close,
        .on_done = poll_done,
};

/* The event goes to who waits for it; who does not is owed it. */
static void give_event(struct supervisor *s, struct extension *e) {
        const struct extensions *all = &s->extensions;
        struct http_exchange *x = TAKE(e->poll);
        char id[UUID_LEN + 1];
        AUTO(str) char *fields = NULL;

        e->owed = !x;
        if (!x)
                return;
        e->state = EXTENSION_RUNNING;
        random_uuid(id);
        if (all->event_is_invoke)
                fields = xasprintf(JSON_FIELDS "Lambda-Extension-Event-Identifier: %s\r\n", id);
        http_respond(x, 200, fields ? fields : JSON_FIELDS, buf_data(&all->event), all->event.len);
}

static void on_next(struct supervisor *s, struct http_exchange *x) {
        const char *id = caller_id(x);
        struct extension *e = id ? extensions_by_id(&s->extensions, id) : NULL;
        bool returns = e && e->state == EXTENSION_READY && !e->poll;

        if (!id)
                return;
        if (!e) {
                AUTO(str) char *text = xasprintf("Unknown extension %s", id);

                refuse(x, "Extension.UnknownExtensionIdentifier", text);
                return;
        }
        if (!returns && !extension_call(e, EXTENSION_CALL_NEXT)) {
                refuse_transition(x, e, EXTENSION_CALL_NEXT, id);
                return;
        }
        x->ops = &poll_ops;
        e->poll = x;
        if (e->owed)
                give_event(s, e);
        else
                generation_advance(s);
}

/* ---- the events ---- */

static void event_open(struct supervisor *s, struct json_writer *w, const char *type, nsec_t deadline) {
        struct extensions *x = &s->extensions;

        buf_deinit(&x->event);
        x->event = BUF_NULL(EVENT_MAX);
        *w = JSON_WRITER(&x->event);
        w->html = true;
        json_open_object(w, NULL);
        json_str(w, "eventType", type);
        json_uint(w, "deadlineMs", deadline / MILLISECOND);
}

static void event_give(struct supervisor *s, struct json_writer *w, unsigned event) {
        struct extensions *x = &s->extensions;

        json_close_object(w);
        if (json_writer_end(w))
                buf_clear(&x->event);
        x->event_is_invoke = event == EXTENSION_INVOKE;
        for (size_t i = 0; i < x->count; ++i) {
                struct extension *e = &x->all[i];

                if (!(e->events & event))
                        continue;
                if (e->state == EXTENSION_READY)
                        give_event(s, e);
                else
                        e->owed = true;
        }
}

void extensions_api_invoke(struct supervisor *s) {
        const struct invocation_order *o = &s->now.order;
        nsec_t spent = loop_now(s->loop) - s->now.began;
        struct json_writer w;

        if (!extensions_want(&s->extensions, EXTENSION_INVOKE))
                return;
        event_open(s, &w, "INVOKE", loop_wall(s->loop) + o->timeout - MIN(spent, o->timeout));
        json_str(&w, "requestId", s->now.request_id);
        json_str(&w, "invokedFunctionArn", o->arn);
        if (o->trace_id && *o->trace_id) {
                json_open_object(&w, "tracing");
                json_str(&w, "type", "X-Amzn-Trace-Id");
                json_str(&w, "value", o->trace_id);
                json_close_object(&w);
        }
        event_give(s, &w, EXTENSION_INVOKE);
}

void extensions_api_shutdown(struct supervisor *s, nsec_t deadline, const char *reason) {
        nsec_t now = loop_now(s->loop);
        struct json_writer w;

        if (!extensions_want(&s->extensions, EXTENSION_SHUTDOWN))
                return;
        event_open(s, &w, "SHUTDOWN", loop_wall(s->loop) + (deadline > now ? deadline - now : 0));
        json_str(&w, "shutdownReason", reason);
        event_give(s, &w, EXTENSION_SHUTDOWN);
}

/* ---- init/error, exit/error ---- */

static void on_error(struct supervisor *s, struct http_exchange *x, enum extension_call call) {
        const char *id = caller_id(x);
        const char *type = http_header(x, "lambda-extension-function-error-type");
        struct extension *e = id ? extensions_by_id(&s->extensions, id) : NULL;

        if (!id)
                return;
        if (!type || !*type) {
                refuse(x, "Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found");
        } else if (!e) {
                refuse(x, "Extension.UnknownExtensionIdentifier", "Unknown Lambda-Extension-Identifier");
        } else if (!extension_call(e, call)) {
                refuse_transition(x, e, call, id);
        } else {
                if (!e->error_type)
                        e->error_type = xstrndup(type, EXTENSION_NAME_MAX);
                api_accept(x);
                failure_extension_error(s, e);
        }
}

/* ---- routing ---- */

void extensions_api_drop(struct supervisor *s) {
        for (size_t i = 0; i < s->extensions.count; ++i) {
                struct http_exchange *poll = TAKE(s->extensions.all[i].poll);

                if (poll)
                        http_abort(poll);
        }
        extensions_clear(&s->extensions);
        s->base.has_extensions = false;
}

void extensions_api_route(struct supervisor *s, struct http_exchange *x, const char *rest) {
        static const struct {
                const char *path;
                enum http_method method;
                enum extension_call call;
        } routes[] = {
                { "register", HTTP_POST_, EXTENSION_CALL_REGISTER },
                { "event/next", HTTP_GET_, EXTENSION_CALL_NEXT },
                { "init/error", HTTP_POST_, EXTENSION_CALL_INIT_ERROR },
                { "exit/error", HTTP_POST_, EXTENSION_CALL_EXIT_ERROR },
        };

        for (size_t i = 0; i < ARRAY_SIZE(routes) && !s->extensions_disabled; ++i) {
                if (!streq(rest, routes[i].path) || x->method != routes[i].method)
                        continue;
                if (routes[i].call == EXTENSION_CALL_REGISTER)
                        on_register(s, x);
                else if (routes[i].call == EXTENSION_CALL_NEXT)
                        on_next(s, x);
                else
                        on_error(s, x, routes[i].call);
                return;
        }
        api_not_found(x);
}

/* What AWS answers where there is none; extensions go on without. */
void extensions_api_no_telemetry(struct http_exchange *x, bool logs) {
        api_refuse(x, 202, logs ? "Logs.NotSupported" : "Telemetry.NotSupported",
                   logs ? "Logs API is not supported" : "Telemetry API is not supported");
}
