/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Databases of earlier lambents, opened by this one. data/schema-N.db was written by the lambent whose schema N was: two
 * accounts, each with a function of two versions, tags, a layer and what else there was. Nothing there is ever changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "store/store.h"
#include "unit/store/store_data.h"

struct bench {
        char dir[64], path[96];
        struct store *store;
};

static int setup(void **state) {
        struct bench *b = xcalloc(1, sizeof(*b));

        snprintf(b->dir, sizeof(b->dir), "/tmp/lambent-upgrade-XXXXXX");
        assert_non_null(mkdtemp(b->dir));
        snprintf(b->path, sizeof(b->path), "%s/db", b->dir);
        *state = b;
        return 0;
}

static int teardown(void **state) {
        struct bench *b = *state;
        static const char *const suffixes[] = { "", "-wal", "-shm" };

        store_free(b->store);
        for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
                AUTO(str) char *path = xasprintf("%s%s", b->path, suffixes[i]);

                unlink(path);
        }
        assert_int_equal(rmdir(b->dir), 0);
        free(b);
        return 0;
}

static void open_copy(struct bench *b, unsigned schema) {
        AUTO(str) char *from = xasprintf("%s/schema-%u.db", STORE_DATA, schema);
        FILE *in = fopen(from, "rb"), *out = fopen(b->path, "wb");
        char bytes[4096];
        size_t len;

        assert_true(in && out);
        while ((len = fread(bytes, 1, sizeof(bytes), in)) > 0)
                assert_int_equal(fwrite(bytes, 1, len, out), len);
        fclose(in);
        fclose(out);
        assert_int_equal(store_open(b->path, &b->store, NULL), 0);
}

struct seen {
        unsigned functions, versions, layers, aliases;
};

static int see_function(void *owner, const struct function_row *row) {
        ((struct seen *)owner)->functions++;
        assert_string_equal(row->name, "first");
        assert_string_equal(row->tags, "{\"team\":\"blue\"}");
        assert_int_equal(row->last_number, 1);
        return 0;
}

static int see_version(void *owner, const struct version_row *row) {
        ((struct seen *)owner)->versions++;
        assert_int_equal(row->state, 2);
        assert_non_null(strstr(row->config, "\"vars\":[\"NAME\",\"value\"]"));
        return 0;
}

static int see_layer(void *owner, const char *sha256) {
        ((struct seen *)owner)->layers++;
        assert_int_equal(strlen(sha256), 64);
        return 0;
}

static int see_alias(void *owner, const struct alias_row *row) {
        ((struct seen *)owner)->aliases++;
        assert_string_equal(row->alias, "live");
        assert_string_equal(row->other, "2");
        assert_true(row->weight == 0.25);
        return 0;
}

static struct seen look(struct store *s) {
        struct seen seen = {};

        assert_int_equal(store_each_function(s, see_function, &seen), 0);
        assert_int_equal(store_each_version(s, see_version, &seen), 0);
        assert_int_equal(store_each_layer_digest(s, see_layer, &seen), 0);
        assert_int_equal(store_each_alias(s, see_alias, &seen), 0);
        return seen;
}

static void schema_1(void **state) {
        static const struct alias_row alias = { "000000000000", "us-east-1", "first", "live", "1", "", "2",
                                                0.25,           "id" };
        struct bench *b = *state;
        struct seen seen;

        open_copy(b, 1);
        seen = look(b->store);
        assert_int_equal(seen.functions, 2);
        assert_int_equal(seen.versions, 4);
        assert_int_equal(seen.layers, 2);
        assert_int_equal(seen.aliases, 0);
        assert_int_equal(store_put_alias(b->store, &alias), 0);
        /* Once more: nothing is upgraded twice. */
        store_free(TAKE(b->store));
        assert_int_equal(store_open(b->path, &b->store, NULL), 0);
        assert_int_equal(look(b->store).aliases, 1);
        assert_int_equal(store_delete_function(b->store, alias.account, alias.region, alias.name), 0);
        seen = look(b->store);
        assert_int_equal(seen.functions, 1);
        assert_int_equal(seen.aliases, 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(schema_1, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
