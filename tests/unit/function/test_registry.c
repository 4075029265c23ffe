/* SPDX-License-Identifier: Apache-2.0 */
/* The life of functions and versions on a hand-turned clock, with a preparation that ends when the test says
 * so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "../store/faulty.h"
#include "base/buf.h"
#include "function/alias.h"
#include "function/concurrency.h"
#include "function/layers.h"
#include "function/provisioned.h"
#include "function/registry.h"
#include "loop/loop.h"
#include "store/store.h"

#define ACCOUNT "111111111111"
#define REGION "us-east-1"
#define CODE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define CODE_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define LAYER "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

struct bench {
        char dir[64], path[96];
        struct loop *loop;
        struct store *store;
        struct registry *registry;
        struct version *preparing[16];
        size_t preparing_count;
        char log[1024]; /* what the ports were told */
};

static void note(struct bench *b, const char *what, const char *about) {
        size_t len = strlen(b->log);

        snprintf(b->log + len, sizeof(b->log) - len, "%s(%.8s) ", what, about);
}

static void prepare(void *owner, struct version *v) {
        struct bench *b = owner;

        assert_true(b->preparing_count < ARRAY_SIZE(b->preparing));
        b->preparing[b->preparing_count++] = version_ref(v);
}

static void retire(void *owner, struct version *v) {
        note(owner, "retire", v->number);
}

static void forget(void *owner, const char *sha256) {
        note(owner, "forget", sha256);
}

static void provision(void *owner, struct version *v, size_t wanted) {
        AUTO(str) char *what = xasprintf("provision%zu", wanted);

        note(owner, what, v->number);
}

static void open_registry(struct bench *b) {
        struct registry_ports ports = { prepare, retire, forget, b, provision };

        assert_int_equal(store_open(b->path, &b->store, NULL), 0);
        b->registry = registry_new(b->loop, b->store, &ports);
        assert_int_equal(registry_load(b->registry), 0);
}

static void shut_registry(struct bench *b) {
        while (b->preparing_count > 0)
                version_unref(b->preparing[--b->preparing_count]);
        registry_free(TAKE(b->registry));
        store_free(TAKE(b->store));
}

static int setup(void **state) {
        struct bench *b = xcalloc(1, sizeof(*b));

        faulty_install();
        snprintf(b->dir, sizeof(b->dir), "/tmp/lambent-registry-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        snprintf(b->path, sizeof(b->path), "%s/db", b->dir);
        b->loop = loop_new_manual();
        open_registry(b);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        struct bench *b = *state;
        static const char *const suffixes[] = { "", "-wal", "-shm" };

        faulty_fail_at(0);
        shut_registry(b);
        loop_free(b->loop);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                AUTO(str) char *path = xasprintf("%s%s", b->path, suffixes[i]);

                unlink(path);
        }
        assert_int_equal(rmdir(b->dir), 0);
        free(b);
        return 0;
}

/* Ends the oldest preparation. */
static void prepared(struct bench *b, const char *code) {
        struct version *v;

        loop_advance(b->loop, MILLISECOND);
        assert_true(b->preparing_count > 0);
        v = b->preparing[0];
        memmove(b->preparing, b->preparing + 1, --b->preparing_count * sizeof(v));
        if (!code) {
                free(v->task_dir);
                v->task_dir = xstrdup("/code");
        }
        registry_prepared(b->registry, v, code, code ? "because" : NULL);
        version_unref(v);
}

static struct version_config config_of(const char *code, const char *description) {
        struct version_config c = {
                .description = xstrdup(description), .timeout_s = 3, .memory_mb = 128, .tmp_mb = 512
        };

        snprintf(c.code_sha256, sizeof(c.code_sha256), "%s", code);
        return c;
}

static int create(struct bench *b, const char *name, enum publication publish, struct version **ret_version) {
        struct version_config c = config_of(CODE_A, "first");

        return registry_create(b->registry, ACCOUNT, REGION, name, &c, NULL, publish, ret_version);
}

static int update(struct bench *b, const char *code, const char *description, enum publication publish,
                  struct version **ret_version) {
        struct version_config c = config_of(code, description);

        return registry_update(b->registry, registry_find(b->registry, ACCOUNT, REGION, "f"), &c, publish,
                               ret_version);
}

static struct function *find(struct bench *b) {
        return registry_find(b->registry, ACCOUNT, REGION, "f");
}

static struct version *resolve(struct bench *b, const char *qualifier) {
        return registry_resolve(b->registry, ACCOUNT, REGION, "f", qualifier);
}

static void assert_status(const struct version *v, enum function_state state, enum update_status status) {
        assert_int_equal(v->status.state, state);
        assert_int_equal(v->status.update, status);
        if (state == STATE_PENDING)
                assert_string_equal(v->status.state_reason_code, "Creating");
        if (status == UPDATE_IN_PROGRESS)
                assert_string_equal(v->status.update_reason_code, "Creating");
}

static void a_function_is_pending_then_active(void **state) {
        struct bench *b = *state;
        char revision[UUID_LEN + 1];
        struct version *v;

        assert_int_equal(create(b, "f", false, &v), 0);
        assert_status(v, STATE_PENDING, UPDATE_NONE);
        assert_int_equal(b->preparing_count, 0); /* not inside the call */
        memcpy(revision, v->status.revision_id, sizeof(revision));
        assert_int_equal(create(b, "f", false, &v), REGISTRY_EXISTS);
        assert_int_equal(update(b, CODE_B, "x", false, &v), REGISTRY_BUSY);
        assert_int_equal(registry_publish(b->registry, find(b), NULL, PUBLISH_VERSION, &v), REGISTRY_BUSY);
        prepared(b, NULL);
        v = resolve(b, NULL);
        assert_ptr_equal(v, find(b)->latest);
        assert_status(v, STATE_ACTIVE, UPDATE_SUCCESSFUL);
        assert_null(v->status.state_reason);
        assert_true(v->prepared);
        assert_string_not_equal(v->status.revision_id, revision);
        assert_null(resolve(b, "1"));
}

static void a_function_can_fail(void **state) {
        struct bench *b = *state;
        struct version *v;

        assert_int_equal(create(b, "f", false, &v), 0);
        prepared(b, "InvalidZipFileException");
        assert_status(find(b)->latest, STATE_FAILED, UPDATE_FAILED);
        assert_string_equal(find(b)->latest->status.state_reason_code, "InvalidZipFileException");
        /* An update is its way out. */
        assert_int_equal(update(b, CODE_B, "x", false, &v), 0);
        assert_status(v, STATE_PENDING, UPDATE_IN_PROGRESS);
        prepared(b, NULL);
        assert_status(resolve(b, NULL), STATE_ACTIVE, UPDATE_SUCCESSFUL);
        assert_string_equal(resolve(b, NULL)->config.code_sha256, CODE_B);
}

static void an_update_serves_when_it_is_prepared(void **state) {
        struct bench *b = *state;
        struct version *old, *v;

        assert_int_equal(create(b, "f", false, &v), 0);
        prepared(b, NULL);
        old = version_ref(resolve(b, NULL));
        assert_int_equal(update(b, CODE_B, "x", false, &v), 0);
        assert_status(v, STATE_ACTIVE, UPDATE_IN_PROGRESS);
        assert_ptr_equal(function_version(find(b), NULL), v);
        assert_ptr_equal(resolve(b, NULL), old);
        assert_int_equal(update(b, CODE_A, "y", false, &v), REGISTRY_BUSY);
        assert_string_equal(b->log, "");
        prepared(b, NULL);
        assert_string_equal(b->log, "retire($LATEST) ");
        assert_ptr_equal(resolve(b, "$LATEST"), find(b)->latest);
        assert_string_equal(resolve(b, NULL)->config.code_sha256, CODE_B);
        /* The old code goes with the last of its environments. */
        version_unref(old);
        assert_string_equal(b->log, "retire($LATEST) forget(aaaaaaaa) ");
}

static void an_update_that_fails_leaves_the_old_code_serving(void **state) {
        struct bench *b = *state;
        struct version *v;

        assert_int_equal(create(b, "f", false, &v), 0);
        prepared(b, NULL);
        assert_int_equal(update(b, CODE_B, "x", false, &v), 0);
        prepared(b, "InternalError");
        assert_status(find(b)->latest, STATE_ACTIVE, UPDATE_FAILED);
        assert_string_equal(resolve(b, NULL)->config.code_sha256, CODE_A);
        for (int i = 0; i < 2; i++) {
                shut_registry(b);
                open_registry(b);
                loop_advance(b->loop, MILLISECOND);
                assert_int_equal(b->preparing_count, 1); /* what serves; what failed is not tried again */
                assert_string_equal(b->preparing[0]->config.code_sha256, CODE_A);
                prepared(b, NULL);
                assert_status(find(b)->latest, STATE_ACTIVE, UPDATE_FAILED);
                assert_string_equal(resolve(b, NULL)->config.code_sha256, CODE_A);
        }
        assert_int_equal(update(b, CODE_B, "y", false, &v), 0);
        prepared(b, NULL);
        assert_string_equal(resolve(b, NULL)->config.code_sha256, CODE_B);
}

static void versions_are_published_once(void **state) {
        struct bench *b = *state;
        char revision[UUID_LEN + 1];
        struct version *v, *again;

        assert_int_equal(create(b, "f", true, &v), 0);
        assert_string_equal(v->number, "1");
        assert_status(v, STATE_PENDING, UPDATE_NONE);
        prepared(b, NULL);
        prepared(b, NULL);
        assert_status(v, STATE_ACTIVE, UPDATE_SUCCESSFUL);
        assert_ptr_equal(resolve(b, "1"), v);
        memcpy(revision, find(b)->latest->status.revision_id, sizeof(revision));
        assert_int_equal(
                registry_publish(b->registry, find(b), "another description", PUBLISH_VERSION, &again), 0);
        assert_ptr_equal(again, v);
        assert_string_equal(find(b)->latest->status.revision_id, revision);

        assert_int_equal(update(b, CODE_A, "changed", false, &v), 0);
        prepared(b, NULL);
        assert_int_equal(registry_publish(b->registry, find(b), "described", PUBLISH_VERSION, &v), 0);
        assert_string_equal(v->number, "2");
        assert_string_equal(v->config.description, "described");
        assert_status(v, STATE_ACTIVE, UPDATE_SUCCESSFUL);
        assert_true(v->prepared);
        assert_string_equal(v->task_dir, "/code");
        assert_string_equal(find(b)->latest->config.description, "changed");
        assert_int_equal(registry_publish(b->registry, find(b), NULL, PUBLISH_VERSION, &again), 0);
        assert_ptr_equal(again, v);

        assert_int_equal(registry_delete_version(b->registry, find(b), v), 0);
        assert_null(resolve(b, "2"));
        shut_registry(b);
        open_registry(b);
        assert_int_equal(registry_publish(b->registry, find(b), NULL, PUBLISH_VERSION, &v), 0);
        assert_string_equal(v->number, "3"); /* 2 is used up */
}

/* There is one, and publishing replaces it. */
static void the_latest_published(void **state) {
        struct bench *b = *state;
        struct version *v, *again;

        assert_int_equal(create(b, "f", PUBLISH_LATEST, &v), 0);
        assert_string_equal(v->number, LATEST_PUBLISHED);
        assert_false(version_is_latest(v));
        prepared(b, NULL);
        prepared(b, NULL);
        assert_ptr_equal(resolve(b, LATEST_PUBLISHED), v);
        assert_int_equal(registry_publish(b->registry, find(b), NULL, PUBLISH_LATEST, &again), 0);
        assert_ptr_equal(again, v);
        assert_int_equal(update(b, CODE_B, "changed", PUBLISH_LATEST, &v), 0);
        prepared(b, NULL);
        prepared(b, NULL);
        assert_string_equal(resolve(b, LATEST_PUBLISHED)->config.code_sha256, CODE_B);
        assert_int_equal(registry_publish(b->registry, find(b), NULL, PUBLISH_VERSION, &v), 0);
        assert_string_equal(v->number, "1"); /* no number was spent on the other */
        shut_registry(b);
        open_registry(b);
        v = function_version(find(b), LATEST_PUBLISHED);
        assert_string_equal(v->config.code_sha256, CODE_B);
        assert_int_equal(registry_delete_version(b->registry, find(b), v), 0);
        assert_null(function_version(find(b), LATEST_PUBLISHED));
        shut_registry(b);
        open_registry(b);
        assert_null(function_version(find(b), LATEST_PUBLISHED));
}

/* $LATEST of a function on instances does not run. */
static void on_instances_only_what_is_published_runs(void **state) {
        AUTO(json_tree) json_t *kind = json_pack("{s:{}}", "CapacityProviderConfig");
        struct version_config c = config_of(CODE_A, "first");
        struct bench *b = *state;
        struct version *v;

        version_config_set_kind(&c, kind);
        assert_int_equal(registry_create(b->registry, ACCOUNT, REGION, "f", &c, NULL, PUBLISH_NOTHING, &v),
                         0);
        prepared(b, NULL);
        assert_null(resolve(b, NULL));
        assert_int_equal(registry_publish(b->registry, find(b), NULL, PUBLISH_LATEST, &v), 0);
        assert_ptr_equal(resolve(b, NULL), v);
        assert_ptr_equal(resolve(b, "$LATEST"), find(b)->serving);
        shut_registry(b);
        open_registry(b);
        assert_string_equal(resolve(b, NULL)->number, LATEST_PUBLISHED);
}

static void a_restart_finds_everything(void **state) {
        struct bench *b = *state;
        char revision[UUID_LEN + 1];
        struct version *v;

        assert_int_equal(create(b, "f", true, &v), 0);
        prepared(b, NULL);
        prepared(b, NULL);
        assert_int_equal(update(b, CODE_B, "x", false, &v), 0);
        memcpy(revision, v->status.revision_id, sizeof(revision));
        shut_registry(b); /* in the middle of the update */
        open_registry(b);
        v = find(b)->latest;
        assert_status(v, STATE_ACTIVE, UPDATE_IN_PROGRESS);
        assert_string_equal(v->status.revision_id, revision);
        /* What serves is asked for first, and begins at once. */
        v = resolve(b, NULL);
        assert_string_equal(v->config.code_sha256, CODE_A);
        assert_int_equal(b->preparing_count, 1);
        assert_ptr_equal(b->preparing[0], v);
        prepared(b, NULL);
        prepared(b, NULL);
        prepared(b, NULL);
        assert_int_equal(b->preparing_count, 0);
        assert_status(find(b)->latest, STATE_ACTIVE, UPDATE_SUCCESSFUL);
        assert_string_equal(resolve(b, NULL)->config.code_sha256, CODE_B);
        assert_string_equal(resolve(b, "1")->config.code_sha256, CODE_A);
        assert_true(registry_uses(b->registry, CODE_A));
}

static void deleting_ends_everything(void **state) {
        struct bench *b = *state;
        struct version *v, *kept;

        assert_int_equal(create(b, "f", true, &v), 0);
        loop_advance(b->loop, MILLISECOND); /* two preparations under way */
        kept = version_ref(find(b)->latest);
        assert_int_equal(registry_delete(b->registry, find(b)), 0);
        assert_null(find(b));
        assert_null(kept->function);
        assert_string_equal(b->log, "retire(1) retire($LATEST) ");
        prepared(b, NULL);
        prepared(b, NULL);
        assert_true(registry_uses(b->registry, CODE_A));
        version_unref(kept);
        assert_string_equal(b->log, "retire(1) retire($LATEST) forget(aaaaaaaa) ");
        assert_int_equal(create(b, "f", false, &v), 0);
        assert_int_equal(find(b)->last_number, 0);
}

static struct alias *alias_to(struct bench *b, const char *name, const char *version, const char *other,
                              double weight) {
        const struct alias_change change = {
                .version = version, .routed = true, .other = other, .weight = weight
        };
        struct alias *a = NULL;
        const char *missing;

        return alias_create(b->registry, find(b), name, &change, &a, &missing) ? NULL : a;
}

/* Version 1 and version 2, both ready. */
static void publish_two(struct bench *b) {
        struct version *v;

        assert_int_equal(create(b, "f", true, &v), 0);
        prepared(b, NULL);
        prepared(b, NULL);
        assert_int_equal(update(b, CODE_B, "x", true, &v), 0);
        prepared(b, NULL);
        prepared(b, NULL);
        assert_string_equal(v->number, "2");
}

static void aliases_lead_to_versions(void **state) {
        struct bench *b = *state;
        const struct alias_change to_2 = { .version = "2" };
        const char *missing;
        struct alias *a;
        unsigned second = 0;

        publish_two(b);
        a = alias_to(b, "live", "1", NULL, 0);
        assert_ptr_equal(resolve(b, "live"), resolve(b, "1"));
        assert_ptr_equal(alias_of_version(find(b), "1"), a);
        assert_int_equal(registry_delete_version(b->registry, find(b), resolve(b, "1")), REGISTRY_ALIASED);
        assert_int_equal(alias_update(b->registry, find(b), a, &to_2, &missing), 0);
        assert_ptr_equal(resolve(b, "live"), resolve(b, "2"));
        assert_ptr_equal(function_version(find(b), "live"), resolve(b, "2"));
        assert_null(alias_of_version(find(b), "1"));
        a = alias_to(b, "half", "1", "2", 0.5);
        for (int i = 0; i < 1000; i++)
                second += resolve(b, "half") == resolve(b, "2");
        assert_in_range(second, 300, 700);
        assert_ptr_equal(function_version(find(b), "half"), resolve(b, "1"));
        assert_ptr_equal(alias_of_version(find(b), "1"), a);
        shut_registry(b);
        open_registry(b);
        a = function_alias(find(b), "half");
        assert_true(a && streq(a->other, "2") && a->weight == 0.5);
        assert_int_equal(alias_delete(b->registry, find(b), a), 0);
        assert_null(function_alias(find(b), "half"));
        assert_non_null(function_alias(find(b), "live"));
}

static void aliases_are_checked_and_stored_whole(void **state) {
        struct alias_change change = { .version = "3" };
        struct bench *b = *state;
        const char *missing = NULL;
        struct alias *a;

        publish_two(b);
        assert_int_equal(alias_create(b->registry, find(b), "x", &change, &a, &missing), ALIAS_NO_VERSION);
        assert_string_equal(missing, "3");
        change = (struct alias_change){ .version = "1", .routed = true, .other = "3" };
        assert_int_equal(alias_create(b->registry, find(b), "x", &change, &a, &missing), ALIAS_NO_VERSION);
        assert_string_equal(missing, "3");
        change.other = "1";
        assert_int_equal(alias_create(b->registry, find(b), "x", &change, &a, &missing), ALIAS_SAME_VERSION);
        change.version = "$LATEST";
        assert_int_equal(alias_create(b->registry, find(b), "x", &change, &a, &missing),
                         ALIAS_LATEST_WITH_OTHER);
        change = (struct alias_change){ .version = "$LATEST" };
        faulty_fail_at(1);
        assert_true(alias_create(b->registry, find(b), "x", &change, &a, &missing) < 0);
        assert_null(function_alias(find(b), "x"));
        faulty_fail_at(0);
        assert_int_equal(alias_create(b->registry, find(b), "x", &change, &a, &missing), 0);
        assert_int_equal(alias_create(b->registry, find(b), "x", &change, &a, &missing), ALIAS_EXISTS);
        assert_ptr_equal(resolve(b, "x"), find(b)->serving);
        change = (struct alias_change){ .version = "1" };
        faulty_fail_at(1);
        assert_true(alias_update(b->registry, find(b), a, &change, &missing) < 0);
        assert_true(alias_delete(b->registry, find(b), a) < 0);
        faulty_fail_at(0);
        assert_string_equal(function_alias(find(b), "x")->version, "$LATEST");
}

static void provisioned_environments_follow_the_alias(void **state) {
        const struct alias_change to_2 = { .version = "2" };
        struct provisioned provisioned;
        struct bench *b = *state;
        const char *missing;
        struct alias *a;

        publish_two(b);
        a = alias_to(b, "live", "1", NULL, 0);
        b->log[0] = '\0';
        assert_int_equal(provisioned_put(b->registry, find(b), "live", 3), 0);
        assert_string_equal(b->log, "provision3(1) ");
        assert_int_equal(find(b)->concurrency->provisioned, 3);
        assert_int_equal(provisioned_put(b->registry, find(b), "1", 1), PROVISIONED_ALIAS_OF);
        assert_int_equal(provisioned_put(b->registry, find(b), "live", 4), 0);
        concurrency_reserve(find(b)->concurrency, 5);
        assert_int_equal(provisioned_put(b->registry, find(b), "2", 2), PROVISIONED_RESERVED);
        assert_int_equal(provisioned_put(b->registry, find(b), "2", 1), 0);
        concurrency_reserve(find(b)->concurrency, NOT_RESERVED);
        assert_int_equal(provisioned_put(b->registry, find(b), "live", 900), PROVISIONED_UNRESERVED);
        b->log[0] = '\0';
        assert_int_equal(provisioned_delete(b->registry, find(b), "2"), 0);
        assert_int_equal(alias_update(b->registry, find(b), a, &to_2, &missing), 0);
        assert_string_equal(b->log, "provision0(2) provision0(1) provision4(2) ");
        b->log[0] = '\0';
        shut_registry(b);
        open_registry(b);
        assert_string_equal(b->log, "provision4(2) ");
        assert_int_equal(provisioned_get(b->registry, find(b), "live", &provisioned), 0);
        assert_int_equal(provisioned.requested, 4);
        b->log[0] = '\0';
        assert_int_equal(alias_delete(b->registry, find(b), function_alias(find(b), "live")), 0);
        assert_string_equal(b->log, "provision0(2) ");
        assert_int_equal(provisioned_get(b->registry, find(b), "live", &provisioned), DOCUMENT_ABSENT);
}

static void a_version_outlives_its_registry(void **state) {
        struct bench *b = *state;
        struct version *v, *kept;

        assert_int_equal(create(b, "f", false, &v), 0);
        kept = version_ref(v);
        shut_registry(b);
        assert_string_equal(kept->name, "f");
        version_unref(kept);
        open_registry(b);
}

static void layers_hold_their_code(void **state) {
        struct bench *b = *state;
        struct layer_version layer = { .account = xstrdup(ACCOUNT),
                                       .region = xstrdup(REGION),
                                       .name = xstrdup("l"),
                                       .description = xstrdup(""),
                                       .runtimes_json = xstrdup("[]"),
                                       .architectures_json = xstrdup("[]"),
                                       .sha256 = LAYER };
        struct version_config c = config_of(CODE_A, "");
        struct version *v;

        assert_int_equal(layers_publish(b->registry, &layer), 0);
        assert_int_equal(layer.number, 1);
        version_config_set_layers(
                &c, &(struct layer_ref){ .arn = layer_arn(REGION, ACCOUNT, "l", 1), .sha256 = LAYER }, 1);
        assert_int_equal(registry_create(b->registry, ACCOUNT, REGION, "f", &c, NULL, false, &v), 0);
        shut_registry(b);
        open_registry(b);
        assert_int_equal(layers_delete(b->registry, ACCOUNT, REGION, "l", 1), 0);
        assert_int_equal(layers_delete(b->registry, ACCOUNT, REGION, "l", 1), 0);
        assert_true(registry_uses(b->registry, LAYER));
        assert_string_equal(find(b)->latest->config.layers[0].arn,
                            "arn:aws:lambda:us-east-1:111111111111:layer:l:1");
        assert_int_equal(registry_delete(b->registry, find(b)), 0);
        assert_string_equal(b->log, "retire($LATEST) forget(aaaaaaaa) forget(cccccccc) ");
        layer_version_clear(&layer);
}

static struct layer_version layer_of(const char *s3_object) {
        return (struct layer_version){ .account = xstrdup(ACCOUNT),
                                       .region = xstrdup(REGION),
                                       .name = xstrdup("l"),
                                       .description = xstrdup(""),
                                       .runtimes_json = xstrdup("[]"),
                                       .architectures_json = xstrdup("[]"),
                                       .sha256 = LAYER,
                                       .s3_object_json = s3_object ? xstrdup(s3_object) : NULL };
}

static bool see_reference(void *owner, const struct layer_version *layer) {
        buf_append_str(owner, layer->s3_object_json ? layer->s3_object_json : "copy");
        return true;
}

/* A version under an old number is a copy, though one that was there was not. */
static void layers_say_which_object_they_are(void **state) {
        struct bench *b = *state;
        AUTO(layer_version) struct layer_version first = layer_of("{\"S3Key\":\"1\"}"),
                                                 second = layer_of(NULL),
                                                 third = layer_of("{\"S3Key\":\"3\"}"), back = {};
        AUTO(buf) struct buf seen = BUF_NULL(KIB);

        assert_int_equal(layers_publish(b->registry, &first), 0);
        assert_int_equal(layers_publish(b->registry, &second), 0);
        assert_int_equal(layers_publish(b->registry, &third), 0);
        shut_registry(b);
        open_registry(b);
        assert_int_equal(layers_each(b->registry, ACCOUNT, REGION, "l", NULL, see_reference, &seen), 0);
        assert_int_equal(seen.len, strlen("{\"S3Key\":\"3\"}copy{\"S3Key\":\"1\"}"));
        assert_memory_equal(buf_data(&seen), "{\"S3Key\":\"3\"}copy{\"S3Key\":\"1\"}", seen.len);
        second.number = 3;
        assert_int_equal(layers_import(b->registry, &second, "file"), 0);
        assert_int_equal(layers_get(b->registry, ACCOUNT, REGION, "l", 3, &back), 0);
        assert_null(back.s3_object_json);
        layer_version_clear(&back);
        assert_int_equal(layers_get(b->registry, ACCOUNT, REGION, "l", 1, &back), 0);
        assert_string_equal(back.s3_object_json, first.s3_object_json);
        layer_version_clear(&back);
        assert_int_equal(layers_delete(b->registry, ACCOUNT, REGION, "l", 1), 0);
        second.number = 1;
        assert_int_equal(layers_import(b->registry, &second, "file"), 0);
        assert_int_equal(layers_get(b->registry, ACCOUNT, REGION, "l", 1, &back), 0);
        assert_null(back.s3_object_json);
}

/* Each kind of change, with its n-th write failing for every n: refused, it leaves no trace in memory or in
 * the store. */
static int change(struct bench *b, int kind) {
        struct version *v;

        switch (kind) {
        case 0:
                return create(b, "g", true, &v);
        case 1:
                return update(b, CODE_B, "x", false, &v);
        case 2:
                return registry_publish(b->registry, find(b), NULL, PUBLISH_VERSION, &v);
        default:
                return registry_delete(b->registry, find(b));
        }
}

static void describe(struct bench *b, char *text, size_t size) {
        struct function *f = find(b);

        snprintf(text, size, "g %d f %s %s %llu %d", registry_find(b->registry, ACCOUNT, REGION, "g") != NULL,
                 f ? f->latest->config.description : "-", f ? f->latest->status.revision_id : "-",
                 f ? (unsigned long long)f->last_number : 0, f ? f->latest->status.update : 0);
}

static void a_failed_change_leaves_no_trace(void **state) {
        struct bench *b = *state;
        char before[160], after[160];
        struct version *v;

        assert_int_equal(create(b, "f", false, &v), 0);
        prepared(b, NULL);
        for (int kind = 0; kind < 4; kind++) {
                unsigned n = 1;

                for (bool done = false; !done; n++) {
                        int r;

                        describe(b, before, sizeof(before));
                        faulty_fail_at(n);
                        r = change(b, kind);
                        done = !faulty_has_failed();
                        faulty_fail_at(0);
                        assert_true(done ? r == 0 : r < 0);
                        describe(b, after, sizeof(after));
                        assert_true(done || streq(before, after));
                        if (!done) {
                                shut_registry(b);
                                open_registry(b);
                                describe(b, after, sizeof(after));
                                assert_string_equal(before, after);
                        }
                }
                assert_true(n > 2);
                while (loop_advance(b->loop, MILLISECOND), b->preparing_count > 0)
                        prepared(b, NULL);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_function_is_pending_then_active, setup, teardown),
                cmocka_unit_test_setup_teardown(a_function_can_fail, setup, teardown),
                cmocka_unit_test_setup_teardown(an_update_serves_when_it_is_prepared, setup, teardown),
                cmocka_unit_test_setup_teardown(an_update_that_fails_leaves_the_old_code_serving, setup,
                                                teardown),
                cmocka_unit_test_setup_teardown(versions_are_published_once, setup, teardown),
                cmocka_unit_test_setup_teardown(the_latest_published, setup, teardown),
                cmocka_unit_test_setup_teardown(on_instances_only_what_is_published_runs, setup, teardown),
                cmocka_unit_test_setup_teardown(a_restart_finds_everything, setup, teardown),
                cmocka_unit_test_setup_teardown(deleting_ends_everything, setup, teardown),
                cmocka_unit_test_setup_teardown(a_version_outlives_its_registry, setup, teardown),
                cmocka_unit_test_setup_teardown(layers_hold_their_code, setup, teardown),
                cmocka_unit_test_setup_teardown(layers_say_which_object_they_are, setup, teardown),
                cmocka_unit_test_setup_teardown(aliases_lead_to_versions, setup, teardown),
                cmocka_unit_test_setup_teardown(provisioned_environments_follow_the_alias, setup, teardown),
                cmocka_unit_test_setup_teardown(aliases_are_checked_and_stored_whole, setup, teardown),
                cmocka_unit_test_setup_teardown(a_failed_change_leaves_no_trace, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
