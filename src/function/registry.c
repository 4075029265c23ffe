/* SPDX-License-Identifier: Apache-2.0 */
#include "function/registry.h"

#include <stdio.h>

#include "function/alias.h"
#include "function/concurrency.h"
#include "function/document.h"
#include "function/placement.h"
#include "function/provisioned.h"
#include "function/registry_private.h"

/* How many preparations are begun in one turn: after a restart there may be thousands of versions. */
#define PREPARATIONS_PER_TURN 64

/* What AWS says of a function that is being made and of one that is being updated alike
 * (docs/aws.md, functions). */
#define CREATING "Creating"
#define BEING_CREATED "The function is being created."

struct digest {
        struct map_node node;
        size_t uses;
        char sha256[SHA256_HEX_LEN + 1];
};

struct checkpoint {
        struct job job;
        struct registry *registry;
        char *path;
        int result;
};

struct registry *registry_new(struct loop *loop, struct store *store, const struct registry_ports *ports) {
        struct registry *r = xcalloc(1, sizeof(*r));

        r->loop = loop;
        r->store = store;
        r->ports = *ports;
        map_init(&r->functions);
        map_init(&r->digests);
        map_init(&r->accounts);
        list_init(&r->alive);
        list_init(&r->waiting);
        return r;
}

void registry_free(struct registry *r) {
        struct map_node *node;
        struct version *v;

        if (!r)
                return;
        defer_cancel(&r->prepare_some);
        if (r->checkpoint)
                job_disown(&r->checkpoint->job);
        list_each(v, &r->alive, alive_link) {
                list_unlink(&v->alive_link);
                list_unlink(&v->waiting_link);
                v->registry = NULL;
        }
        while ((node = map_next(&r->functions, NULL)))
                function_free(r, map_entry(node, struct function, node));
        while ((node = map_next(&r->digests, NULL))) {
                map_remove(&r->digests, node);
                free(map_entry(node, struct digest, node));
        }
        accounts_forget(&r->accounts);
        map_deinit(&r->functions);
        map_deinit(&r->digests);
        map_deinit(&r->accounts);
        free(r);
}

/* Digests in use. */

void registry_hold(struct registry *r, const char *sha256) {
        struct digest *d = map_entry(map_find(&r->digests, sha256), struct digest, node);

        if (!d) {
                d = xcalloc(1, sizeof(*d));
                memcpy(d->sha256, sha256, SHA256_HEX_LEN + 1);
                map_add(&r->digests, &d->node, d->sha256);
        }
        d->uses++;
}

void registry_release(struct registry *r, const char *sha256) {
        struct digest *d = map_entry(map_find(&r->digests, sha256), struct digest, node);

        must(d);
        if (--d->uses > 0)
                return;
        map_remove(&r->digests, &d->node);
        r->ports.forget_code(r->ports.owner, d->sha256);
        free(d);
}

bool registry_uses(const struct registry *r, const char *sha256) {
        return map_find(&r->digests, sha256) != NULL;
}

/* Committing. */

static void checkpoint_run(struct job *job) {
        struct checkpoint *c = container_of(job, struct checkpoint, job);

        c->result = store_checkpoint(c->path);
}

static void checkpoint_free(struct job *job) {
        struct checkpoint *c = container_of(job, struct checkpoint, job);

        free(c->path);
        free(c);
}

static void checkpoint_done(struct job *job) {
        struct checkpoint *c = container_of(job, struct checkpoint, job);

        c->registry->checkpoint = NULL;
        if (c->result)
                fault(c->result);
        checkpoint_free(job);
}

int registry_commit(struct registry *r) {
        struct checkpoint *c;
        int result = store_commit(r->store);

        if (result) {
                store_rollback(r->store);
                return fault(result);
        }
        if (r->checkpoint || !store_wants_checkpoint(r->store))
                return 0;
        c = xcalloc(1, sizeof(*c));
        c->registry = r;
        c->path = xstrdup(store_path(r->store));
        c->job.run = checkpoint_run;
        c->job.done = checkpoint_done;
        c->job.discard = checkpoint_free;
        r->checkpoint = c;
        job_submit(r->loop, &c->job);
        return 0;
}

/* Preparing. */

static void begin_preparation(struct registry *r, struct version *v) {
        list_unlink(&v->waiting_link);
        v->preparing = true;
        r->ports.prepare(r->ports.owner, v);
}

static void prepare_some(struct defer *defer) {
        struct registry *r = container_of(defer, struct registry, prepare_some);

        for (int i = 0; i < PREPARATIONS_PER_TURN && !list_is_empty(&r->waiting); i++)
                begin_preparation(r, list_first(&r->waiting, struct version, waiting_link));
        if (!list_is_empty(&r->waiting))
                defer_call(r->loop, &r->prepare_some, prepare_some);
}

void registry_want_prepared(struct registry *r, struct version *v) {
        list_push_back(&r->waiting, &v->waiting_link);
        defer_call(r->loop, &r->prepare_some, prepare_some);
}

/* The update has come through: from now on $LATEST is served from it. */
static int serve_latest(struct registry *r, struct function *f) {
        struct version *old = f->serving;

        f->serving = version_ref(f->latest);
        r->ports.retire(r->ports.owner, old);
        version_unref(old);
        return store_delete_version(r->store, f->account, f->region, f->name, STORE_SERVING);
}

/* A store that fails here loses nothing: what it still calls Pending is prepared again after a restart. */
static void settle(struct registry *r, struct version *v, const char *code, const char *reason) {
        bool pending = v->status.state == STATE_PENDING, updating = v->status.update == UPDATE_IN_PROGRESS;
        int result;

        if (!pending && !updating) {
                /* After a restart: said to whoever asks, but not written, for the cause may be gone at the
                 * next start. */
                if (code)
                        version_set_state(v, STATE_FAILED, code, reason);
                return;
        }
        if (pending)
                version_set_state(v, code ? STATE_FAILED : STATE_ACTIVE, code, reason);
        version_set_update(v, code ? UPDATE_FAILED : UPDATE_SUCCESSFUL, code, reason);
        version_touch(v);
        result = store_begin(r->store);
        if (result == 0 && !code && v->function->latest == v && v->function->serving != v)
                result = serve_latest(r, v->function);
        if (result == 0)
                result = version_save(v, version_stored_number(v));
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                fault(result);
        }
}

void registry_prepared(struct registry *r, struct version *v, const char *reason_code, const char *reason) {
        v->preparing = false;
        v->prepared = !reason_code;
        if (v->function)
                settle(r, v, reason_code, reason);
}

/* Asking. */

struct function *registry_find(const struct registry *r, const char *account, const char *region,
                               const char *name) {
        /* Names are at most 140 characters, regions 256: longer ones name nothing. */
        char key[512];

        if (strlen(account) + strlen(region) + strlen(name) + sizeof("//") > sizeof(key))
                return NULL;
        stpcpy(stpcpy(stpcpy(stpcpy(stpcpy(key, account), "/"), region), "/"), name);
        return map_entry(map_find(&r->functions, key), struct function, node);
}

struct version *registry_resolve(struct registry *r, const char *account, const char *region,
                                 const char *name, const char *qualifier) {
        struct function *f = registry_find(r, account, region, name);
        struct version *v;
        struct alias *a;

        if (!f)
                return NULL;
        if (qualifier && (a = function_alias(f, qualifier)))
                qualifier = alias_draw(a);
        if (!qualifier && f->latest->config.on_instances)
                v = f->latest_published;
        else
                v = !qualifier || streq(qualifier, "$LATEST") ? f->serving : function_version(f, qualifier);
        if (v && !v->prepared && !v->preparing && v->status.state == STATE_ACTIVE)
                begin_preparation(r, v);
        return v;
}

size_t registry_function_count(const struct registry *r) {
        return r->functions.count;
}

struct each {
        struct registry *registry;
        const char *account, *region;
        bool (*visit)(void *owner, struct function *f);
        void *owner;
};

static bool visit_name(void *owner, const char *name) {
        struct each *each = owner;
        struct function *f = registry_find(each->registry, each->account, each->region, name);

        must(f);
        return each->visit(each->owner, f);
}

int registry_each(struct registry *r, const char *account, const char *region, const char *after,
                  bool (*visit)(void *owner, struct function *f), void *owner) {
        struct each each = { r, account, region, visit, owner };

        return store_each_name(r->store, account, region, after, visit_name, &each);
}

/* Changing. */

static struct version *make_version(struct registry *r, struct function *f, const char *number,
                                    struct version_config *config_consume) {
        struct version *v = version_new(r, f, number, config_consume);

        v->status.last_modified = loop_wall(r->loop);
        version_touch(v);
        return v;
}

static struct version *make_published(struct registry *r, struct function *f, const struct version *from,
                                      const char *description, enum publication to) {
        AUTO(str) char *number = to == PUBLISH_LATEST
                                         ? xstrdup(LATEST_PUBLISHED)
                                         : xasprintf("%llu", (unsigned long long)f->last_number + 1);
        struct version_config config;
        struct version *v;

        version_config_copy(&from->config, &config);
        if (description) {
                free(config.description);
                config.description = xstrdup(description);
        }
        v = make_version(r, f, number, &config);
        v->fingerprint = version_fingerprint(from);
        if (from->prepared) {
                v->prepared = true;
                v->task_dir = from->task_dir ? xstrdup(from->task_dir) : NULL;
                v->opt_dir = from->opt_dir ? xstrdup(from->opt_dir) : NULL;
                v->placement = placement_ref(from->placement);
                version_set_state(v, STATE_ACTIVE, NULL, NULL);
                version_set_update(v, UPDATE_SUCCESSFUL, NULL, NULL);
        } else {
                version_set_state(v, STATE_PENDING, CREATING, BEING_CREATED);
        }
        return v;
}

/* The newest version that was published so, when $LATEST has not changed since. */
static struct version *published_as(struct function *f, const struct version *latest, enum publication to) {
        struct version *newest =
                to == PUBLISH_LATEST ? f->latest_published : list_last(&f->versions, struct version, link);
        AUTO(str) char *fingerprint = NULL;

        if (!newest || !newest->fingerprint)
                return NULL;
        fingerprint = version_fingerprint(latest);
        return streq(newest->fingerprint, fingerprint) ? newest : NULL;
}

static int save_function(struct registry *r, const struct function *f, uint64_t last_number) {
        return store_put_function(r->store, &(struct function_row){ .account = f->account,
                                                                    .region = f->region,
                                                                    .name = f->name,
                                                                    .last_number = last_number,
                                                                    .tags = f->tags_json });
}

static uint64_t takes_number(const struct version *published) {
        return published && published->number[0] != '$';
}

/* One transaction: $LATEST, what it is served from (if that is another), and the version just published (or
 * NULL). */
static int save_change(struct registry *r, struct function *f, struct version *latest,
                       struct version *serving, struct version *published) {
        int result = store_begin(r->store);

        if (result == 0)
                result = save_function(r, f, f->last_number + takes_number(published));
        if (result == 0)
                result = version_save(latest, 0);
        if (result == 0 && serving)
                result = version_save(serving, STORE_SERVING);
        if (result == 0 && published)
                result = version_save(published, version_stored_number(published));
        if (result == 0)
                result = registry_commit(r);
        if (result)
                store_rollback(r->store);
        return result;
}

static void forget_version(struct registry *r, struct version *v) {
        r->ports.retire(r->ports.owner, v);
        list_unlink(&v->link);
        v->function = NULL;
        version_unref(v);
}

static void adopt_published(struct registry *r, struct function *f, struct version *published) {
        if (takes_number(published)) {
                f->last_number++;
                list_push_back(&f->versions, &published->link);
        } else {
                if (f->latest_published)
                        forget_version(r, f->latest_published);
                f->latest_published = published;
        }
        if (!published->prepared)
                registry_want_prepared(r, published);
}

int registry_create(struct registry *r, const char *account, const char *region, const char *name,
                    struct version_config *config_consume, const char *tags_json, enum publication publish,
                    struct version **ret_version) {
        struct version *published = NULL;
        struct function *f;
        int result;

        if (registry_find(r, account, region, name)) {
                version_config_clear(config_consume);
                return REGISTRY_EXISTS;
        }
        f = function_new(r, account, region, name);
        f->tags_json = tags_json ? xstrdup(tags_json) : NULL;
        f->latest = make_version(r, f, "$LATEST", config_consume);
        f->serving = version_ref(f->latest);
        version_set_state(f->latest, STATE_PENDING, CREATING, BEING_CREATED);
        if (publish)
                published = make_published(r, f, f->latest, NULL, publish);
        result = save_change(r, f, f->latest, NULL, published);
        if (result) {
                version_unref(published);
                function_free(r, f);
                return fault(result);
        }
        registry_want_prepared(r, f->latest);
        if (published)
                adopt_published(r, f, published);
        *ret_version = published ? published : f->latest;
        return 0;
}

static bool is_busy(const struct function *f) {
        return f->latest->status.state == STATE_PENDING || f->latest->status.update == UPDATE_IN_PROGRESS;
}

int registry_update(struct registry *r, struct function *f, struct version_config *config_consume,
                    enum publication publish, struct version **ret_version) {
        struct version *latest, *published = NULL, *same = NULL, *old = f->latest;
        bool keep = f->serving->status.state == STATE_ACTIVE;
        int result;

        if (is_busy(f)) {
                version_config_clear(config_consume);
                return REGISTRY_BUSY;
        }
        latest = make_version(r, f, "$LATEST", config_consume);
        version_set_state(latest, keep ? STATE_ACTIVE : STATE_PENDING, keep ? NULL : CREATING,
                          keep ? NULL : BEING_CREATED);
        version_set_update(latest, UPDATE_IN_PROGRESS, CREATING, BEING_CREATED);
        if (publish) {
                same = published_as(f, latest, publish);
                published = same ? NULL : make_published(r, f, latest, NULL, publish);
        }
        result = save_change(r, f, latest, keep ? f->serving : NULL, published);
        if (result) {
                version_unref(published);
                version_unref(latest);
                return fault(result);
        }
        f->latest = latest;
        version_unref(old);
        registry_want_prepared(r, latest);
        if (published)
                adopt_published(r, f, published);
        *ret_version = published ? published : same ? same : latest;
        return 0;
}

int registry_publish(struct registry *r, struct function *f, const char *description, enum publication to,
                     struct version **ret_version) {
        struct version *published = published_as(f, f->latest, to);
        char revision[UUID_LEN + 1];
        int result;

        if (is_busy(f))
                return REGISTRY_BUSY;
        if (published) {
                *ret_version = published;
                return 0;
        }
        published = make_published(r, f, f->latest, description, to);
        memcpy(revision, f->latest->status.revision_id, sizeof(revision));
        version_touch(f->latest);
        result = save_change(r, f, f->latest, NULL, published);
        if (result) {
                memcpy(f->latest->status.revision_id, revision, sizeof(revision));
                version_unref(published);
                return fault(result);
        }
        adopt_published(r, f, published);
        *ret_version = published;
        return 0;
}

int registry_set_tags(struct registry *r, struct function *f, const char *tags_json) {
        char revision[UUID_LEN + 1];
        char *before = f->tags_json;
        int result = store_begin(r->store);

        memcpy(revision, f->latest->status.revision_id, sizeof(revision));
        version_touch(f->latest);
        f->tags_json = tags_json ? xstrdup(tags_json) : NULL;
        if (result == 0)
                result = save_function(r, f, f->last_number);
        if (result == 0)
                result = version_save(f->latest, 0);
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                memcpy(f->latest->status.revision_id, revision, sizeof(revision));
                free(f->tags_json);
                f->tags_json = before;
                return fault(result);
        }
        free(before);
        return 0;
}

int registry_reserve(struct registry *r, struct function *f, int64_t reserved) {
        const struct document_name name = document_of(f, DOCUMENT_RESERVED, NULL);
        AUTO(json_tree) json_t *number = json_integer(reserved);
        int result = reserved == NOT_RESERVED ? document_delete(r, &name) : document_put(r, &name, number);

        if (result == 0)
                concurrency_reserve(f->concurrency, reserved);
        return result;
}

const struct account_concurrency *registry_account(const struct registry *r, const char *account,
                                                   const char *region) {
        return accounts_find(&r->accounts, account, region);
}

int registry_delete(struct registry *r, struct function *f) {
        struct version *v;
        int result = store_begin(r->store);

        if (result == 0)
                result = store_delete_function(r->store, f->account, f->region, f->name);
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                return fault(result);
        }
        list_each(v, &f->versions, link)
                r->ports.retire(r->ports.owner, v);
        if (f->latest_published)
                r->ports.retire(r->ports.owner, f->latest_published);
        if (f->serving != f->latest)
                r->ports.retire(r->ports.owner, f->serving);
        r->ports.retire(r->ports.owner, f->latest);
        function_free(r, f);
        return 0;
}

int registry_delete_version(struct registry *r, struct function *f, struct version *v) {
        int result;

        if (alias_of_version(f, v->number))
                return REGISTRY_ALIASED;
        result = store_begin(r->store);
        if (result == 0)
                result = store_delete_version(r->store, f->account, f->region, f->name,
                                              version_stored_number(v));
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                return fault(result);
        }
        if (v == f->latest_published)
                f->latest_published = NULL;
        forget_version(r, v);
        return provisioned_apply(r, f);
}
