/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/detect.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/broker/broker.h"
#include "sandbox/engine/detect_places.h"

#define PATIENCE (3 * SECOND)          /* for a socket that has somebody behind it */
#define SERVICE_PATIENCE (15 * SECOND) /* for one that is being started */
#define END_PATIENCE_MS 2000

struct detect_job {
        struct job job;
        struct detect *detect;
        struct places places;
        char *choice, *state_dir;
        bool commands;
};

static void endpoint_clear(struct endpoint *e) {
        free(e->address);
        free(e->found_by);
        docker_tls_clear(&e->tls);
        *e = (struct endpoint){};
}

static void forget_endpoints(struct detect *d) {
        for (size_t i = 0; i < d->count; ++i)
                endpoint_clear(&d->endpoints[i]);
        d->count = d->at = 0;
}

/* At the end of the daemon only, or when it is not the one that is used. */
static void end_service(pid_t *service) {
        struct pollfd ended = { .events = POLLIN };

        if (*service <= 0)
                return;
        kill(*service, SIGTERM);
        ended.fd = (int)syscall(SYS_pidfd_open, *service, 0);
        if (ended.fd < 0 || poll(&ended, 1, END_PATIENCE_MS) <= 0)
                kill(*service, SIGKILL);
        fd_close(ended.fd);
        waitpid(*service, NULL, 0);
        *service = 0;
}

static void facts_clear(struct engine_facts *facts) {
        endpoint_clear(&facts->endpoint);
        free(facts->version);
        free(facts->architecture);
        free(facts->kernel);
        *facts = (struct engine_facts){};
}

/* ---- looking around, on the worker ---- */

static void job_run(struct job *job) {
        struct detect_job *j = container_of(job, struct detect_job, job);

        (j->commands ? places_ask_commands : places_look)(&j->places, j->choice, j->state_dir);
}

static void job_discard(struct job *job) {
        struct detect_job *j = container_of(job, struct detect_job, job);

        for (size_t i = 0; i < j->places.count; ++i)
                endpoint_clear(&j->places.endpoints[i]);
        end_service(&j->places.service);
        buf_deinit(&j->places.problems);
        free(j->choice);
        free(j->state_dir);
        free(j);
}

static void try_next(struct detect *d);

static void job_done(struct job *job) {
        struct detect_job *j = container_of(job, struct detect_job, job);
        struct detect *d = j->detect;

        d->job = NULL;
        memcpy(d->endpoints, j->places.endpoints, sizeof(d->endpoints));
        d->count = j->places.count;
        j->places.count = 0;
        if (j->places.service) {
                end_service(&d->service);
                d->service = j->places.service;
                j->places.service = 0;
        }
        if (j->places.problems.len)
                buf_printf(&d->problems, "%s%.*s", d->problems.len ? "; " : "", (int)j->places.problems.len,
                           buf_data(&j->places.problems));
        job_discard(job);
        try_next(d);
}

static void look(struct detect *d, bool commands) {
        struct detect_job *j = xcalloc(1, sizeof(*j));

        j->job = (struct job){ .run = job_run, .done = job_done, .discard = job_discard };
        j->detect = d;
        j->commands = commands;
        j->choice = xstrdup(d->choice);
        j->state_dir = xstrdup(d->state_dir);
        if (!commands)
                places_begin_with(&j->places, d->broker);
        d->job = j;
        job_submit(d->loop, &j->job);
}

/* ---- asking, one after the other ---- */

static void finish(struct detect *d, const char *problem) {
        void (*done)(struct detect * detect, const struct engine_facts *facts, const char *problem) = d->done;

        forget_endpoints(d);
        docker_free(TAKE(d->docker));
        d->done = NULL;
        done(d, problem ? NULL : &d->facts, problem);
}

static void fail(struct detect *d) {
        AUTO(str) char *why = NULL;
        const char *wanted = streq(d->choice, "docker")   ? "Docker"
                             : streq(d->choice, "podman") ? "Podman"
                                                          : "container engine";

        if (buf_append(&d->problems, "", 1))
                buf_clear(&d->problems);
        why = xasprintf("there is no %s here that works%s%s", wanted, d->problems.len > 1 ? ": " : "",
                        d->problems.len > 1 ? buf_data(&d->problems) : "");
        buf_deinit(&d->problems);
        finish(d, why);
}

static bool is_podman(const json_t *version) {
        const json_t *component;
        size_t i;

        json_array_foreach(json_tree_get(version, "Components"), i, component) {
                const char *name = json_tree_str(component, "Name");

                if (name && strcasestr(name, "podman"))
                        return true;
        }
        return false;
}

static const char *lambda_architecture(const char *name) {
        return streq(name, "amd64") ? "x86_64" : name;
}

static bool take_facts(struct detect *d, struct endpoint *e, const json_t *version) {
        const char *number = json_tree_str(version, "Version"),
                   *kernel = json_tree_str(version, "KernelVersion");
        const char *architecture = json_tree_str(version, "Arch"), *os = json_tree_str(version, "Os");
        const char *kind = is_podman(version) ? "podman" : "docker";

        if (!number || !architecture || !os) {
                buf_printf(&d->problems, "%swhat answers at %s is no container engine",
                           d->problems.len ? "; " : "", e->address);
                return false;
        }
        if (!streq(d->choice, "auto") && !streq(d->choice, kind))
                return false;
        if (!streq(os, "linux")) {
                buf_printf(&d->problems, "%sthe engine at %s runs no Linux containers",
                           d->problems.len ? "; " : "", e->address);
                return false;
        }
        facts_clear(&d->facts);
        d->facts = (struct engine_facts){
                .endpoint = { .address = xstrdup(e->address),
                              .found_by = e->by_broker ? xasprintf("%s, opened by root's helper", e->found_by)
                                                       : xstrdup(e->found_by),
                              .tls = e->tls,
                              .by_broker = e->by_broker },
                .kind = kind,
                .version = xstrdup(number),
                .architecture = xstrdup(lambda_architecture(architecture)),
                .kernel = xstrdup(kernel ?: ""),
        };
        e->tls.folder = NULL;
        return true;
}

static void on_version(struct docker_call *call, int r) {
        struct detect *d = container_of(call, struct detect, call);
        struct endpoint *e = &d->endpoints[d->at];
        json_t *version;
        bool taken;

        if ((r == -EACCES || r == -EPERM) && !e->by_broker && broker_has(d->broker, e->address)) {
                e->by_broker = true;
                try_next(d);
                return;
        }
        version = r ? NULL : docker_answer(call);
        if (r && !(r == -ENOENT && e->guessed))
                buf_printf(&d->problems, "%s%s%s", d->problems.len ? "; " : "", call->problem,
                           r == -EACCES
                                   ? " (lambent is not root: --user root lets it stay so; or start it as a "
                                     "user who may use the engine)"
                                   : "");
        taken = !r && take_facts(d, e, version);
        json_decref(version);
        ++d->at;
        if (taken)
                finish(d, NULL);
        else
                try_next(d);
}

static bool is_set(const char *variable) {
        const char *value = getenv(variable);

        return value && *value;
}

static bool is_wanted(const struct endpoint *e, const char *choice) {
        return !e->kind || streq(choice, "auto") || streq(choice, e->kind);
}

static void try_next(struct detect *d) {
        const struct endpoint *e;

        while (d->at < d->count && !is_wanted(&d->endpoints[d->at], d->choice))
                ++d->at;
        if (d->at == d->count) {
                forget_endpoints(d);
                if (d->commands_tried || is_set("DOCKER_HOST") || is_set("LAMBENT_CONTAINER_CLI")) {
                        fail(d);
                } else {
                        d->commands_tried = true;
                        look(d, true);
                }
                return;
        }
        e = &d->endpoints[d->at];
        docker_free(d->docker);
        d->docker = docker_new(d->loop, e->address, &e->tls, e->by_broker ? d->broker : NULL);
        docker_begin(d->docker, &d->call,
                     &(struct docker_request){
                             .method = HTTP_GET_,
                             .target = "/version",
                             .patience = d->service ? SERVICE_PATIENCE : PATIENCE,
                             .done = on_version,
                     });
}

int detect_start_broker(struct loop *loop, const char *program, const char *choice,
                        struct broker **ret_broker) {
        struct broker_place sockets[BROKER_PLACES_MAX];
        struct places places = {};
        size_t count = 0;
        int r = 0;

        *ret_broker = NULL;
        places_look_for_broker(&places);
        for (size_t i = 0; i < places.count && count < BROKER_PLACES_MAX; ++i) {
                const struct endpoint *e = &places.endpoints[i];

                if (str_starts(e->address, "unix:") && is_wanted(e, choice))
                        sockets[count++] =
                                (struct broker_place){ e->address, e->found_by, e->kind, e->guessed };
        }
        if (count)
                r = broker_start(loop, program, sockets, count, ret_broker);
        for (size_t i = 0; i < places.count; ++i)
                endpoint_clear(&places.endpoints[i]);
        buf_deinit(&places.problems);
        return r;
}

void detect_begin(struct detect *d, struct loop *loop, const char *choice, const char *state_dir,
                  struct broker *broker,
                  void (*done)(struct detect *detect, const struct engine_facts *facts,
                               const char *problem)) {
        must(!d->done);
        d->loop = loop;
        d->choice = choice;
        d->state_dir = state_dir;
        d->broker = broker;
        d->done = done;
        d->commands_tried = false;
        buf_deinit(&d->problems);
        d->problems = BUF_NULL(4 * KIB);
        look(d, false);
}

void detect_clear(struct detect *d) {
        if (d->job)
                job_disown(&d->job->job);
        d->job = NULL;
        docker_call_clear(&d->call);
        docker_free(TAKE(d->docker));
        forget_endpoints(d);
        facts_clear(&d->facts);
        buf_deinit(&d->problems);
        end_service(&d->service);
        d->done = NULL;
}
