/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/model.h"
#include "api/neighbours/neighbour.h"
#include "api/pattern.h"

static const struct {
        const char *pattern, *text;
        bool matches;
} cases[] = {
        { "", "", true },
        { "", "a", false },
        { "abc", "abc", true },
        { "abc", "abcd", false },
        { "abc", "xabc", false },
        { "a|bc|", "bc", true },
        { "a|bc|", "", true },
        { "a|bc|", "abc", false },
        { "(a|b)*c", "abbac", true },
        { "(a|b)*c", "abdac", false },
        { "(a*)*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
        { "a+", "", false },
        { "a+", "aaa", true },
        { "a?b", "b", true },
        { "a?b", "aab", false },
        { "a{3}", "aaa", true },
        { "a{3}", "aa", false },
        { "a{1,3}", "aaaa", false },
        { "a{1,3}", "aaa", true },
        { "a{0,2}b", "b", true },
        { "a{2,}", "a", false },
        { "a{2,}", "aaaaa", true },
        { "(ab){0,}", "abab", true },
        { "[a-c]", "b", true },
        { "[^a-c]", "b", false },
        { "[^a-c]", "\xc3\xa4", true },
        { "[a-z0-9-_]", "-", true },
        { "[-a]", "-", true },
        { "[a-]", "-", true },
        { "[0-9-\\/*]+", "/-*", true },
        { "[a.]", "b", false },
        { "\\d{2}", "42", true },
        { "\\d", "x", false },
        { "\\.", "x", false },
        { "\\$x", "$x", true },
        { ".", "\n", false },
        { ".", "\xf0\x9f\x98\x80", true },
        { "[\\s\\S]*", "a\nb", true },
        { "[^\\s]+", "a b", false },
        { "[\\x20-\\x7E]+", "a b~", true },
        { "[\\x20-\\x7E]+", "a\tb", false },
        { "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", "/a/", true },
        { "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)", "/a b/", false },
        { "[\\u0020-\\u00FF]+", "\xc3\xbc", true },
        { "[\\u0020-\\u00FF]+", "\xc4\x80", false },
        { "^a$", "a", true },
        { "(?!^\\d+$)[a-z0-9]+", "123", false },
        { "(?!^\\d+$)[a-z0-9]+", "123a", true },
        { "a(?=b).*", "abc", true },
        { "a(?=b).*", "acb", false },
        { "(?:ab)+", "abab", true },
        { "[a.]*(?<!\\.)", "a.a", true },
        { "[a.]*(?<!\\.)", "a.", false },
        { "[a.]*(?<!\\.)", "", true },
        { "$|x", "", true },
        { "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)",
          "Stra\xc3\x9f"
          "e 1+1=2",
          true },
        { "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)", "a,b", false },
        { "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)", "\xe2\x82\xac", false }, /* the euro sign is a symbol */
        { "\\p{N}", "x", false },
};

static void texts_match_as_in_java(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(pattern) struct pattern *p = pattern_new(cases[i].pattern);

                assert_non_null(p);
                if (pattern_matches(p, cases[i].text) != cases[i].matches)
                        fail_msg("%s against '%s'", cases[i].pattern, cases[i].text);
        }
}

static void what_is_not_known_is_refused(void **state) {
        static const char *const unknown[] = { "(",   ")",          "(a",         "[a",      "*",
                                               "a{",  "a{x}",       "a{2,1}",     "a{9999}", "\\1",
                                               "\\q", "\\p{Greek}", "(?<name>a)", "[b-a]",   "[[:alpha:]]",
                                               "\\",  "a\\xg0" };

        for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
                if (pattern_new(unknown[i]))
                        fail_msg("%s", unknown[i]);
}

static size_t compile_shape(const struct model_shape *shape);

static size_t compile_members(const struct model_member *members, size_t count) {
        size_t compiled = 0;

        for (size_t i = 0; i < count; i++)
                compiled += compile_shape(members[i].shape);
        return compiled;
}

static size_t compile_shape(const struct model_shape *shape) {
        size_t compiled = compile_members(shape->members, shape->member_count);

        if (shape->key)
                compiled += compile_shape(shape->key);
        if (shape->item)
                compiled += compile_shape(shape->item);
        if (shape->pattern) {
                AUTO(pattern) struct pattern *p = pattern_new(shape->pattern);

                if (!p)
                        fail_msg("%s", shape->pattern);
                compiled++;
        }
        return compiled;
}

static void the_whole_model_is_known(void **state) {
        const struct {
                const struct model_operation *operations;
                size_t count, least;
        } models[] = {
                { model_operations, model_operation_count, 200 },
                { iam_operations, iam_operation_count, 40 },
                { sts_operations, sts_operation_count, 5 },
                { logs_operations, logs_operation_count, 20 },
        };

        for (size_t m = 0; m < ARRAY_SIZE(models); m++) {
                size_t compiled = 0;

                for (size_t i = 0; i < models[m].count; i++)
                        compiled += compile_members(models[m].operations[i].members,
                                                    models[m].operations[i].member_count);
                assert_true(compiled > models[m].least);
        }
}

static void one_pattern_is_compiled_once(void **state) {
        struct pattern_cache cache;

        pattern_cache_init(&cache);
        assert_true(pattern_cache_matches(&cache, "a+", "aa"));
        assert_false(pattern_cache_matches(&cache, "a+", "b"));
        assert_true(pattern_cache_matches(&cache, "b", "b"));
        assert_int_equal(cache.map.count, 2);
        pattern_cache_deinit(&cache);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(texts_match_as_in_java),
                cmocka_unit_test(what_is_not_known_is_refused),
                cmocka_unit_test(the_whole_model_is_known),
                cmocka_unit_test(one_pattern_is_compiled_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
