/* SPDX-License-Identifier: Apache-2.0 */
#include "sim.h"

#include <signal.h>
#include <stdio.h>

#include "function/concurrency.h"

static const struct sim *current;

/* A broken must() or a sanitizer's finding ends the process: the seed is what it takes to see it again. */
static void tell_seed(void) {
        if (current && current->seed)
                fprintf(stderr, "# SIM_SEED=%llu\n", (unsigned long long)current->seed);
}

static void on_abort(int signal) {
        tell_seed();
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

void sim_claim_failed(const struct sim *s, const char *claim, const char *file, int line) {
        tell_seed();
        _fail(file, line);
        print_error("claim: %s\n", claim);
}

uint64_t sim_draw(struct sim *s, uint64_t below) {
        s->random += 0x9e3779b97f4a7c15;
        uint64_t x = s->random;

        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
        x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
        return (x ^ (x >> 31)) % below;
}

/* ---- the ports ---- */

/* Never more starts than invocations that wait for one, or than are to be there anyway. */
static bool lacks_one(const struct version *v, bool provisioned) {
        for (const struct pool *pool = v->pool; pool; pool = pool->sibling)
                if (provisioned ? pool->provisioned_members < pool->provisioned
                                : pool->coming < pool->waiting_count)
                        return true;
        return false;
}

static struct environment *make(void *owner, struct version *v, const char *id, bool provisioned,
                                void **ret_tag, char **ret_problem) {
        struct sim *s = owner;
        struct fake *f;

        sim_claim(s, lacks_one(v, provisioned));
        if (s->fail_make_at && s->made + 1 == s->fail_make_at) {
                s->fail_make_at = 0;
                *ret_problem = xstrdup("nothing to make it of");
                return NULL;
        }
        ++s->made;
        fake_new(s, v, id, &f);
        *ret_tag = s;
        return &f->base;
}

static void unmake(void *owner, void *tag) {
        struct sim *s = owner;

        sim_claim(s, tag == s);
        ++s->unmade;
}

static void take_log(void *owner, void *tag, nsec_t wall, const char *line, size_t len) {
}

/* ---- callers ---- */

static struct caller *caller_of(void *owner) {
        struct caller *c = owner;

        sim_claim(c->sim, !c->abandoned);
        sim_claim(c->sim, c->answered + c->refused == 0);
        return c;
}

static void on_refused(void *owner, enum refusal why, const char *detail) {
        struct caller *c = caller_of(owner);

        ++c->refused;
        c->refusal = why;
        c->invocation = NULL;
}

static void on_head(void *owner, const char *content_type) {
        struct caller *c = caller_of(owner);

        sim_claim(c->sim, c->stream && !c->heads++);
}

static void on_chunk(void *owner, const char *data, size_t len) {
        struct caller *c = caller_of(owner);

        sim_claim(c->sim, c->heads == 1);
        c->bytes += len;
        invocation_credit(c->invocation, len);
}

static void on_answered(void *owner, struct invocation_answer *answer,
                        const struct invocation_report *report) {
        struct caller *c = caller_of(owner);

        sim_claim(c->sim, !c->in_call); /* never inside invocation_start */
        sim_claim(c->sim, c->want_tail == (report != NULL));
        if (answer->outcome != OUTCOME_SANDBOX_FAILURE)
                sim_claim(c->sim, answer->payload->len == UUID_LEN &&
                                          memcmp(buf_data(answer->payload), c->request_id, UUID_LEN) == 0);
        ++c->answered;
        c->outcome = answer->outcome;
        c->invocation = NULL;
        if (c->then)
                c->then(c);
}

static const struct invocation_events caller_events = {
        .refused = on_refused,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
};

struct caller *sim_call_for(struct sim *s, struct version *v, const char *tenant, bool stream,
                            bool want_tail) {
        struct caller *c = xcalloc(1, sizeof(*c));
        struct buf payload = BUF_NULL(64);
        struct invocation_request request = {
                .version = v,
                .request_id = c->request_id,
                .tenant_id = tenant,
                .payload_consume = &payload,
                .stream = stream,
                .want_tail = want_tail,
        };

        c->sim = s;
        c->version = v;
        c->stream = stream;
        c->want_tail = want_tail;
        c->in_call = true;
        random_uuid(c->request_id);
        list_push_back(&s->callers, &c->link);
        if (s->calls++ % 2)
                assert_int_equal(buf_append_str(&payload, "[1]"), 0);
        c->invocation = invocation_start(s->pools, &request, &caller_events, c);
        c->in_call = false;
        sim_claim(s, (c->invocation != NULL) == (c->refused == 0));
        return c;
}

struct caller *sim_call(struct sim *s, struct version *v, bool stream, bool want_tail) {
        static const char *const tenants[] = { "ann", "bob", "cyd" };

        return sim_call_for(s, v, v->config.per_tenant ? tenants[sim_draw(s, ARRAY_SIZE(tenants))] : NULL,
                            stream, want_tail);
}

struct caller *sim_invoke(struct sim *s, struct version *v) {
        return sim_call(s, v, false, false);
}

void sim_abandon(struct caller *c) {
        struct invocation *i = TAKE(c->invocation);

        if (!i)
                return; /* refused */
        c->abandoned = true;
        invocation_abandon(i);
}

/* ---- life ---- */

struct version *sim_version(const char *name) {
        static struct map accounts;
        struct version *v = xcalloc(1, sizeof(*v));

        if (!accounts.slots)
                map_init(&accounts);
        v->concurrency = concurrency_new(&accounts, "000000000000", "us-east-1");
        v->refs = 1;
        v->identity = function_identity_new("000000000000", "us-east-1", name);
        v->account = v->identity->account;
        v->region = v->identity->region;
        v->name = v->identity->name;
        v->arn = v->identity->arn;
        str_fit(v->number, sizeof(v->number), "$LATEST");
        v->config.timeout_s = 3;
        v->status.state = STATE_ACTIVE;
        v->prepared = true;
        list_init(&v->link);
        list_init(&v->alive_link);
        list_init(&v->waiting_link);
        return v;
}

void sim_open(struct sim *s, const struct pools_options *options) {
        struct pools_ports ports = { .make = make, .unmake = unmake, .log = take_log, .owner = s };
        uint64_t seed = s->seed;

        *s = (struct sim){ .plan = PLAN, .seed = seed, .random = seed };
        list_init(&s->fakes);
        list_init(&s->callers);
        s->loop = loop_new_manual();
        s->pools = pools_new(s->loop, options, &ports);
        current = s;
        signal(SIGABRT, on_abort);
        if (__sanitizer_set_death_callback)
                __sanitizer_set_death_callback(tell_seed);
}

static void on_drained(void *owner) {
        struct sim *s = owner;
        struct fake *f;

        ++s->drained;
        sim_claim(s, s->pools->under_way == 0 && s->pools->waiting == 0);
        list_each(f, &s->fakes, link)
                sim_claim(s, !f->base.has_extensions);
}

void sim_close(struct sim *s) {
        struct caller *c;

        pools_drain(s->pools, on_drained, s);
        for (unsigned patience = 0; patience < 10000 && !s->drained; ++patience)
                sim_pass(s, 100 * MILLISECOND);
        sim_pass(s, 100 * SECOND);
        sim_claim(s, s->drained == 1);
        list_each(c, &s->callers, link) {
                sim_claim(s, c->abandoned || c->answered + c->refused == 1);
                sim_claim(s, !c->invocation);
                list_unlink(&c->link);
                free(c);
        }
        pools_free(TAKE(s->pools));
        sim_claim(s, s->made == s->unmade && s->made == s->freed && list_is_empty(&s->fakes));
        sim_claim(s, loop_next_due(s->loop) == NSEC_NEVER);
        loop_free(TAKE(s->loop));
        current = NULL;
}

void sim_pass(struct sim *s, nsec_t time) {
        loop_advance(s->loop, time);
        sim_check(s);
}

/* ---- looking ---- */

size_t sim_live(const struct sim *s) {
        return (size_t)(s->made - s->unmade);
}

struct fake *sim_newest(const struct sim *s) {
        return list_last(&s->fakes, struct fake, link);
}

struct fake *sim_fake(const struct sim *s, uint64_t number) {
        struct fake *f;

        list_each(f, &s->fakes, link)
                if (f->number == number)
                        return f;
        return NULL;
}
