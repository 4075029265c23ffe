/* SPDX-License-Identifier: Apache-2.0 */
#include "function/concurrency.h"

static struct account_concurrency *find(const struct map *accounts, const char *key) {
        return map_entry(map_find(accounts, key), struct account_concurrency, node);
}

static struct account_concurrency *account_ref(struct map *accounts, const char *account,
                                               const char *region) {
        AUTO(str) char *key = xstrcat(account, "/", region, NULL);
        struct account_concurrency *a = find(accounts, key);

        if (!a) {
                a = xcalloc(1, sizeof(*a));
                a->map = accounts;
                a->key = TAKE(key);
                map_add(accounts, &a->node, a->key);
        }
        a->refs++;
        return a;
}

static void account_unref(struct account_concurrency *a) {
        if (--a->refs > 0)
                return;
        if (a->map)
                map_remove(a->map, &a->node);
        free(a->key);
        free(a);
}

void accounts_forget(struct map *accounts) {
        struct map_node *node;

        while ((node = map_next(accounts, NULL))) {
                map_remove(accounts, node);
                map_entry(node, struct account_concurrency, node)->map = NULL;
        }
}

const struct account_concurrency *accounts_find(const struct map *accounts, const char *account,
                                                const char *region) {
        AUTO(str) char *key = xstrcat(account, "/", region, NULL);

        return find(accounts, key);
}

struct concurrency *concurrency_new(struct map *accounts, const char *account, const char *region) {
        struct concurrency *c = xcalloc(1, sizeof(*c));

        c->refs = 1;
        c->account = account_ref(accounts, account, region);
        c->reserved = NOT_RESERVED;
        return c;
}

struct concurrency *concurrency_ref(struct concurrency *c) {
        c->refs++;
        return c;
}

static uint64_t unplaced(const struct concurrency *c) {
        return c->running - c->provisioned_running;
}

void concurrency_unref(struct concurrency *c) {
        if (!c || --c->refs > 0)
                return;
        concurrency_reserve(c, NOT_RESERVED);
        concurrency_provision(c, 0);
        c->account->running -= unplaced(c);
        account_unref(c->account);
        free(c);
}

/* What is not provisioned of a reservation. */
static bool is_spent(const struct concurrency *c) {
        return unplaced(c) + c->provisioned >= (uint64_t)c->reserved;
}

int concurrency_enter(struct concurrency *c, bool placed) {
        if (c->reserved != NOT_RESERVED) {
                if (c->reserved == 0 || (!placed && is_spent(c)))
                        return CONCURRENCY_RESERVED_SPENT;
        } else if (!placed) {
                if (c->account->running + c->account->apart >= ACCOUNT_CONCURRENCY)
                        return CONCURRENCY_ACCOUNT_SPENT;
                c->account->running++;
        }
        c->running++;
        c->provisioned_running += placed;
        return 0;
}

void concurrency_leave(struct concurrency *c, bool placed) {
        must(c->running > 0);
        c->running--;
        c->provisioned_running -= placed;
        if (c->reserved == NOT_RESERVED && !placed)
                c->account->running--;
}

static uint64_t apart(const struct concurrency *c) {
        return c->reserved == NOT_RESERVED ? c->provisioned : (uint64_t)c->reserved;
}

bool concurrency_may_reserve(const struct concurrency *c, int64_t reserved) {
        return c->account->apart - apart(c) + (uint64_t)reserved + UNRESERVED_MIN <= ACCOUNT_CONCURRENCY;
}

void concurrency_reserve(struct concurrency *c, int64_t reserved) {
        c->account->apart -= apart(c);
        if (c->reserved == NOT_RESERVED)
                c->account->running -= unplaced(c);
        c->reserved = reserved;
        c->account->apart += apart(c);
        if (c->reserved == NOT_RESERVED)
                c->account->running += unplaced(c);
}

void concurrency_provision(struct concurrency *c, uint64_t provisioned) {
        c->account->apart -= apart(c);
        c->provisioned = provisioned;
        c->account->apart += apart(c);
}
