/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What happened and what is there: /_lambent/environments, /_lambent/invocations, /_lambent/doctor, /metrics. Functions
 * cannot reach these (api_serve_function refuses them).
 */
#include <stdio.h>
#include <time.h>

#include "api/api_private.h"
#include "api/names.h"
#include "api/operations.h"
#include "base/json.h"
#include "engine/engine.h"
#include "engine/interpreters.h"
#include "function/placement.h"
#include "function/pool.h"
#include "sandbox/engine/containers.h"
#include "sandbox/native/native.h"

#define DOCUMENT_MAX (64 * MIB)
#define INVOCATIONS_DEFAULT 100

static void reply(struct api_request *r, struct buf *body, struct json_writer *w) {
        if (json_writer_end(w))
                api_fail(r, PROBLEM_SERVICE, "the answer is too large");
        else
                api_reply_json(r, 200, body);
}

static uint64_t number_param(struct api_request *r, const char *name, uint64_t most, uint64_t otherwise) {
        AUTO(str) char *text = http_query_param(r->exchange, name);
        uint64_t value;

        return text && str_to_u64(text, most, &value) == 0 ? value : otherwise;
}

/* ---- environments ---- */

struct environments {
        struct json_writer writer;
        const struct engine *engine;
        const struct containers *containers; /* NULL: there are none */
};

static void write_environment(void *ctx, const struct member_view *view) {
        const struct environments *all = ctx;
        struct json_writer *w = &((struct environments *)ctx)->writer;
        const struct placement *placement = view->version->placement;
        const char *mode = engine_container_mode(all->engine, view->version);
        AUTO(str) char *container = all->containers ? containers_find(all->containers, view->id) : NULL;

        json_open_object(w, NULL);
        json_str(w, "id", view->id);
        json_str(w, "account", view->version->account);
        json_str(w, "region", view->version->region);
        json_str(w, "function", view->version->name);
        json_str(w, "version", view->version->number);
        if (view->tenant)
                json_str(w, "tenant", view->tenant);
        json_str(w, "runtime", view->version->config.runtime);
        json_str(w, "sandbox", placement ? placement->sandbox : "native");
        if (mode)
                json_str(w, "mode", mode);
        if (container)
                json_str(w, "container", container);
        json_str(w, "state", member_state_name(view->state));
        json_double(w, "ageSeconds", (double)view->age / 1e9, 3);
        json_double(w, "idleSeconds", (double)view->idle / 1e9, 3);
        json_int(w, "pid", view->stats.pid);
        json_uint(w, "memoryBytes", view->stats.memory);
        json_uint(w, "memoryPeakBytes", view->stats.memory_peak);
        json_uint(w, "invocations", view->invocations);
        json_close_object(w);
}

void api_list_environments(struct api_request *r) {
        AUTO(buf) struct buf body = BUF_NULL(DOCUMENT_MAX);
        struct environments all = { JSON_WRITER(&body), r->engine, engine_containers(r->engine) };
        struct json_writer *w = &all.writer;

        json_open_object(w, NULL);
        json_open_array(w, "environments");
        pools_each(engine_pools(r->engine), true, write_environment, &all);
        json_close_array(w);
        json_close_object(w);
        reply(r, &body, w);
}

/* {"function": NAME, "id": ID, "now": bool}; nothing named means all. A name is of the caller's account and region, an ARN
 * says its own. */
void api_evict(struct api_request *r) {
        AUTO(buf) struct buf body = BUF_NULL(KIB);
        struct json_writer w = JSON_WRITER(&body);
        const char *function = json_string_value(json_object_get(r->body, "function"));
        const char *id = json_string_value(json_object_get(r->body, "id"));
        bool now = json_is_true(json_object_get(r->body, "now"));
        AUTO(function_place) struct function_place at = {};

        if (r->label_count)
                id = r->labels[0];
        if (function)
                function_place_read(function, r->account, r->region, &at);
        json_open_object(&w, NULL);
        json_uint(&w, "evicted",
                  pools_evict(engine_pools(r->engine), at.account, at.region, at.name, id, now));
        json_close_object(&w);
        reply(r, &body, &w);
}

/* ---- invocations ---- */

static uint64_t microseconds(nsec_t t) {
        return (t + 500) / MICROSECOND;
}

static void write_invocation(struct json_writer *w, const struct invocation_record *record) {
        time_t seconds = (time_t)(record->wall / SECOND);
        char day[32], started[48];
        struct tm utc;

        gmtime_r(&seconds, &utc);
        strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &utc);
        snprintf(started, sizeof(started), "%s.%06uZ", day, (unsigned)(record->wall % SECOND / MICROSECOND));
        json_open_object(w, NULL);
        json_str(w, "requestId", record->request_id);
        json_str(w, "account", record->account);
        json_str(w, "region", record->region);
        json_str(w, "function", record->function);
        json_str(w, "version", record->version);
        json_str(w, "environment", record->environment);
        json_bool(w, "cold", record->cold);
        json_str(w, "outcome", invocation_outcome_name(record->outcome));
        json_str(w, "startedAt", started);
        json_open_object(w, "phases");
        json_uint(w, "queue", microseconds(record->queue));
        json_uint(w, "start", microseconds(record->start));
        json_uint(w, "init", microseconds(record->init));
        json_uint(w, "invoke", microseconds(record->invoke));
        json_uint(w, "response", microseconds(record->response));
        json_close_object(w);
        json_uint(w, "maxMemoryMB", record->max_memory_mb);
        json_close_object(w);
}

void api_list_invocations(struct api_request *r) {
        AUTO(buf) struct buf body = BUF_NULL(DOCUMENT_MAX);
        AUTO(str) char *function = http_query_param(r->exchange, "function");
        AUTO(function_place) struct function_place at = {};
        struct json_writer w = JSON_WRITER(&body);
        uint64_t most = number_param(r, "limit", 100000, INVOCATIONS_DEFAULT);
        const struct invocation_record *record;

        if (function)
                function_place_read(function, r->account, r->region, &at);
        json_open_object(&w, NULL);
        json_open_array(&w, "invocations");
        for (size_t n = 0; most && (record = pools_record(engine_pools(r->engine), n)); ++n) {
                if (function && !(streq(record->function, at.name) && streq(record->account, at.account) &&
                                  streq(record->region, at.region)))
                        continue;
                write_invocation(&w, record);
                --most;
        }
        json_close_array(&w);
        json_close_object(&w);
        reply(r, &body, &w);
}

/* ---- doctor ---- */

struct doctor {
        struct api_request *request;
        struct interpreters_wait wait;
};

static void write_interpreters(struct json_writer *w, const struct interpreters *interpreters) {
        const struct interpreter *in;

        json_open_array(w, "runtimes");
        json_open_object(w, NULL);
        json_str(w, "runtime", "provided.al2023");
        json_str(w, "interpreter", "the package's own bootstrap");
        json_close_object(w);
        for (size_t n = 0; (in = interpreters_nth(interpreters, n)); ++n) {
                char runtime[32];

                if (in->language == LANGUAGE_PYTHON)
                        snprintf(runtime, sizeof(runtime), "python%u.%u", in->major, in->minor);
                else
                        snprintf(runtime, sizeof(runtime), "nodejs%u.x", in->major);
                json_open_object(w, NULL);
                json_str(w, "runtime", runtime);
                json_str(w, "interpreter", in->path);
                json_close_object(w);
        }
        json_close_array(w);
}

static void write_native(struct json_writer *w, const struct engine *e) {
        const char *problem;
        const struct native *native = engine_native(e, &problem);
        const struct native_report *report = native ? native_report(native) : NULL;

        json_str(w, "sandbox", native ? "native" : "containers");
        if (!native) {
                json_str(w, "whyNotBetter", problem);
                return;
        }
        json_str(w, "tier", native_tier_name(report->tier));
        json_str(w, "whyNotBetter", report->why_not_better);
        json_str(w, "memoryLimit", report->memory_limit);
        json_str(w, "processLimit", report->process_limit);
        json_str(w, "freezer", report->freezer);
        json_str(w, "network", report->network);
        json_bool(w, "seccomp", report->seccomp);
        json_bool(w, "landlock", report->landlock);
        json_uint(w, "environmentsMax", report->environments_max);
}

static void write_containers(struct json_writer *w, const struct containers *containers) {
        const char *problem = NULL;
        const struct containers_engine *engine = containers ? containers_engine(containers, &problem) : NULL;

        json_open_object(w, "containers");
        if (engine) {
                json_str(w, "engine", engine->kind);
                json_str(w, "version", engine->version);
                json_str(w, "address", engine->address);
                json_str(w, "foundBy", engine->found_by);
                json_str(w, "shares", containers_shares(containers));
                if (problem)
                        json_str(w, "problem", problem);
        } else if (!containers) {
                json_str(w, "problem", "--sandbox native leaves them out");
        } else {
                json_str(w, "problem", problem ? problem : "not looked for yet: no function has wanted one");
        }
        json_close_object(w);
}

/* Where one function runs, and why there. */
static bool write_placement(struct api_request *r, const char *name, struct json_writer *w) {
        AUTO(function_ref) struct function_ref ref = {};
        const struct function *f;
        const struct version *v;
        const char *mode;

        if (!api_name_ref(r, name, NULL, &ref))
                return false;
        f = registry_find(engine_registry(r->engine), ref.account, ref.region, ref.name);
        if (!f) {
                api_fail(r, PROBLEM_NOT_FOUND, "there is no function %s", ref.name);
                return false;
        }
        v = f->latest;
        json_str(w, "function", v->name);
        json_str(w, "runtime", v->config.runtime ? v->config.runtime : "");
        json_str(w, "placement", v->placement ? v->placement->sandbox : "");
        mode = engine_container_mode(r->engine, v);
        if (mode)
                json_str(w, "mode", mode);
        json_str(w, "why",
                 v->placement ? v->placement->why
                 : v->status.state_reason
                         ? v->status.state_reason
                         : "it is not decided yet: nothing has been invoked since the start");
        return true;
}

static void doctor_ready(struct interpreters_wait *wait) {
        struct doctor *d = container_of(wait, struct doctor, wait);
        struct api_request *r = d->request;
        AUTO(buf) struct buf body = BUF_NULL(DOCUMENT_MAX);
        AUTO(str) char *function = http_query_param(r->exchange, "function");
        struct json_writer w = JSON_WRITER(&body);

        r->cancel = NULL;
        free(d);
        json_open_object(&w, NULL);
        if (function && !write_placement(r, function, &w))
                return;
        json_str(&w, "user", r->api->options.user);
        json_str(&w, "whyRoot", r->api->options.why_root ? r->api->options.why_root : "");
        write_native(&w, r->engine);
        write_containers(&w, engine_containers(r->engine));
        write_interpreters(&w, engine_interpreters(r->engine));
        json_open_object(&w, "limits");
        json_uint(&w, "payloadBytes", PAYLOAD_MAX);
        json_uint(&w, "answerBytes", ANSWER_MAX);
        json_uint(&w, "streamedAnswerBytes", STREAM_ANSWER_MAX);
        json_close_object(&w);
        json_close_object(&w);
        reply(r, &body, &w);
}

static void doctor_cancel(struct api_request *r) {
        struct doctor *d = r->state;

        interpreters_wait_cancel(&d->wait);
        free(d);
}

void api_doctor(struct api_request *r) {
        struct doctor *d = xcalloc(1, sizeof(*d));

        d->request = r;
        r->state = d;
        r->cancel = doctor_cancel;
        interpreters_await(engine_interpreters(r->engine), &d->wait, doctor_ready);
}

/* ---- metrics ---- */

static void metric(struct buf *body, const char *name, const char *type, const char *help, double value) {
        buf_printf(body, "# HELP %s %s\n# TYPE %s %s\n%s %.9g\n", name, help, name, type, name, value);
}

void api_metrics(struct api_request *r) {
        AUTO(buf) struct buf body = BUF_NULL(64 * KIB);
        struct loop *loop = engine_loop(r->engine);
        struct pools_totals t;

        pools_totals(engine_pools(r->engine), &t);
        metric(&body, "lambent_invocations_total", "counter", "Invocations that ended.",
               (double)t.invocations);
        metric(&body, "lambent_invocation_errors_total", "counter", "Invocations that ended in an error.",
               (double)t.errors);
        metric(&body, "lambent_throttles_total", "counter", "Invocations refused with 429.",
               (double)t.throttles);
        metric(&body, "lambent_cold_starts_total", "counter", "Execution environments made.",
               (double)t.cold_starts);
        metric(&body, "lambent_environments", "gauge", "Live execution environments.",
               (double)t.environments);
        metric(&body, "lambent_environments_idle", "gauge", "Idle or frozen ones.", (double)t.idle);
        metric(&body, "lambent_environments_busy", "gauge", "Those with an invocation.", (double)t.busy);
        metric(&body, "lambent_environments_starting", "gauge", "Those in INIT.", (double)t.starting);
        metric(&body, "lambent_invocations_waiting", "gauge", "Invocations that wait for an environment.",
               (double)t.waiting);
        metric(&body, "lambent_functions", "gauge", "Functions.",
               (double)registry_function_count(engine_registry(r->engine)));
        metric(&body, "lambent_loop_longest_stall_seconds", "gauge",
               "The longest time the event loop was away from waiting.",
               (double)loop_longest_stall(loop) / 1e9);
        metric(&body, "lambent_loop_turns_total", "counter", "Turns of the event loop.",
               (double)loop_turns(loop));
        api_reply(r, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, buf_data(&body), body.len);
}
