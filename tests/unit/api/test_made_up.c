/* SPDX-License-Identifier: Apache-2.0 */
/* The routes and the checks over another table than AWS's, made by the same tool from made_up.json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/constraints.h"
#include "api/routes.h"

#define AT(value, path, constraint) \
        "Value " value " at '" path "' failed to satisfy constraint: Member must " constraint
#define NAME \
        "Member must have length less than or equal to 4, Member must have length greater than or equal to 2, Member must " \
        "satisfy regular expression pattern: [a-z]*, Member must not be null"
#define ONE "1 validation error detected: "
#define TWO "2 validation errors detected: "
#define COLOURS "satisfy enum value set: [Red, Blue, Green]"

struct given {
        const char *body, *name, *number, *trace;
        const char *wanted[4];
        const char *max_items, *whole;
};

static const struct {
        const char *operation;
        struct given given;
        const char *problem; /* NULL: fine */
        enum problem_kind kind;
} cases[] = {
        { "PaintThing", { "{\"Colour\":\"Red\"}", "abc", "1" } },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Size\":null,\"Vpc\":null,\"Unknown\":{\"Vpc\":7}}", "abc", "1" } },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Vpc\":{\"Mode\":\"Blue\",\"Ids\":[]},\"Flag\":true,\"Size\":9,\"Share\":1,\"Dates\":1.5}",
            "abc",
            "-1",
            "xyz",
            { "ab", "cd" } } },
        { "PaintThing", { NULL, "abc", "1" }, ONE AT("null", "colour", "not be null") },
        /* Outside the body first, then in the order of the model. */
        { "PaintThing",
          { "{\"Colour\":\"Pink\",\"Size\":0}", "abcde", "1", "A" },
          "5 validation errors detected: " AT("'abcde'", "name", "have length less than or equal to 4") "; " AT("'A'", "trace", "have length greater than or equal to 2") "; " AT(
                  "'A'", "trace",
                  "satisfy regular expression pattern: [a-z]*") "; " AT("'Pink'", "colour",
                                                                        COLOURS) "; " AT("'0'", "size",
                                                                                         "have value greater than or equal to 1") },
        /* One character for us is two for AWS: outside the BMP UTF-16 takes two. */
        { "PaintThing",
          { "{\"Colour\":\"Red\"}", "\xf0\x9f\x98\x80", "1" },
          ONE AT("'\xf0\x9f\x98\x80'", "name", "satisfy regular expression pattern: [a-z]*") },
        { "PaintThing",
          { "{\"Colour\":\"Red\"}", "abc", "1", NULL, { "ab", "x", "cd" } },
          TWO AT("'[ab, x, cd]'", "wanted", "have length less than or equal to 2") "; " AT(
                  "'[ab, x, cd]'", "wanted", "satisfy constraint: [" NAME "]") },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Vpc\":{}}", "abc", "1" },
          ONE AT("null", "vpc.mode", "not be null") },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Vpc\":{\"Mode\":\"Blue\",\"Ids\":[\"ab\",null]}}", "abc", "1" },
          ONE AT("'[ab, null]'", "vpc.ids", "satisfy constraint: [" NAME "]") },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Parts\":[{\"Mode\":\"Red\"},{\"Mode\":\"X\"}]}", "abc", "1" },
          ONE AT("'X'", "parts.2.member.mode", COLOURS) },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Parts\":[{\"Mode\":\"Red\"},{\"Mode\":\"Red\",\"Ids\":[]},{\"Mode\":\"Red\"}]}",
            "abc", "1" },
          ONE AT("'[Vpc(mode=Red, ids=null), Vpc(mode=Red, ids=[]), Vpc(mode=Red, ids=null)]'", "parts",
                 "have length less than or equal to 2") },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Weights\":{\"ab\":1.2}}", "abc", "1" },
          ONE
          "Value '{ab=1.2}' at 'weights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have "
          "value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]" },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Weights\":{\"a\":1}}", "abc", "1" },
          ONE
          "Value '{a=1.0}' at 'weights' failed to satisfy constraint: Map keys must satisfy constraint: [" NAME
          "]" },
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Ends\":{\"Red\":[\"ab\",\"A\"]}}", "abc", "1" },
          ONE
          "Value '{Red=[ab, A]}' at 'ends' failed to satisfy constraint: Map value must satisfy constraint: [Member must have "
          "length less than or equal to 2, Member must have length greater than or equal to 0, Member must satisfy "
          "constraint: [" NAME "], Member must not be null]" },
        /* Neither a secret nor a map that holds some is printed. */
        { "PaintThing",
          { "{\"Colour\":\"Red\",\"Tags\":{\"AB\":\"xx\"},\"Secret\":\"x\"}", "abc", "1" },
          TWO "Value at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [" NAME
              "]; Value at 'secret' failed "
              "to satisfy constraint: Member must satisfy regular expression pattern: s.*" },
        /* Types go before constraints. */
        { "PaintThing",
          { "{\"Colour\":7}", "A", "1" },
          "NUMBER_VALUE can not be converted to a String",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{\"Size\":\"1\"}", "abc", "1" },
          "STRING_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{\"Size\":1.5}", "abc", "1" },
          "DECIMAL_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{\"Size\":4294967296}", "abc", "1" },
          "NUMBER_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{\"Vpc\":[]}", "abc", "1" },
          "START_ARRAY can not be converted to a structure",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{\"Tags\":{\"ab\":1}}", "abc", "1" },
          "NUMBER_VALUE can not be converted to a String",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{\"Parts\":[{\"Mode\":true}]}", "abc", "1" },
          "TRUE_VALUE can not be converted to a String",
          PROBLEM_SERIALIZATION },
        { "PaintThing",
          { "{}", "abc", "one" },
          "STRING_VALUE can not be converted to a Long",
          PROBLEM_SERIALIZATION },
        { "ListThings", { .max_items = "9", .whole = "false" } },
        { "ListThings", { .max_items = "" } },
        { "ListThings",
          { .max_items = "10" },
          ONE AT("'10'", "maxItems", "have value less than or equal to 9") },
        { "ListThings",
          { .max_items = "-1" },
          ONE AT("'-1'", "maxItems", "have value greater than or equal to 1") },
        { "ListThings",
          { .max_items = " 1" },
          "STRING_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "ListThings",
          { .max_items = "99999999999999999999" },
          "STRING_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "ListThings",
          { .whole = "yes" },
          "STRING_VALUE can not be converted to a Boolean",
          PROBLEM_SERIALIZATION },
};

static json_t *outside(void *owner, const struct model_member *m) {
        const struct given *given = owner;
        const char *text = streq(m->name, "Name")       ? given->name
                           : streq(m->name, "Number")   ? given->number
                           : streq(m->name, "x-trace")  ? given->trace
                           : streq(m->name, "MaxItems") ? given->max_items
                           : streq(m->name, "Whole")    ? given->whole
                                                        : NULL;
        json_t *list;

        if (!streq(m->name, "wanted"))
                return text ? json_string(text) : NULL;
        if (!given->wanted[0])
                return NULL;
        list = json_array();
        for (size_t i = 0; given->wanted[i]; i++)
                json_array_append_new(list, json_string(given->wanted[i]));
        return list;
}

static void every_violation_is_told(void **state) {
        struct pattern_cache patterns;

        pattern_cache_init(&patterns);
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(checker) struct checker checker = CHECKER(&patterns);
                AUTO(problem) struct problem problem = PROBLEM_NULL;
                AUTO(json_tree) json_t *body = NULL;
                const char *text = cases[i].given.body;
                struct request_values values = { .outside = outside, .owner = (void *)&cases[i].given };
                bool fine;

                if (text)
                        assert_int_equal(json_tree_parse(text, strlen(text), &body, NULL), 0);
                values.body = body;
                fine = constraints_check(model_operation(cases[i].operation), &values, &checker, &problem) &&
                       checker_end(&checker, &problem);
                if (fine != (cases[i].problem == NULL))
                        fail_msg("case %zu: %s", i, fine ? "fine" : problem.message);
                if (fine)
                        continue;
                assert_string_equal(problem.message, cases[i].problem);
                assert_int_equal(problem.kind, cases[i].kind);
        }
        pattern_cache_deinit(&patterns);
}

static const struct {
        enum http_method method;
        const char *path, *query, *operation; /* NULL: no route */
        const char *labels[2];
} paths[] = {
        { HTTP_PUT_, "/2030-01-01/things/a/coats/1", "", "PaintThing", { "a", "1" } },
        { HTTP_PUT_, "/2030-01-01/things/a/coats/1/", "", "PaintThing", { "a", "1" } },
        { HTTP_GET_, "/2030-01-01/things", "", "ListThings" },
        { HTTP_GET_, "/2030-01-01/things/", "MaxItems=1", "ListThings" },
        { HTTP_GET_, "/2030-01-01/things", "x=y&count=all", "CountThings" },
        { HTTP_POST_, "/2015-03-31/functions/f/invocations", "", "Invoke", { "f" } },
        { HTTP_GET_, "/2030-01-01/things/a/coats/1", "", NULL },
        { HTTP_GET_, "/2015-03-31/functions", "", NULL },
};

static void operations_that_are_added_have_routes(void **state) {
        AUTO(routes) struct routes *routes = routes_new();

        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
                const struct api_route *route = NULL;
                struct route_labels labels;

                if (route_find(routes, paths[i].method, paths[i].path, paths[i].query, &route, &labels)) {
                        assert_null(paths[i].operation);
                        continue;
                }
                assert_non_null(paths[i].operation);
                assert_string_equal(route->operation, paths[i].operation);
                for (size_t l = 0; l < labels.count; l++)
                        assert_memory_equal(labels.label[l].start, paths[i].labels[l], labels.label[l].len);
        }
        assert_int_equal(model_operation("PaintThing")->status, 202);
        assert_null(model_operation("CreateFunction"));
}

static void words_are_whole(void **state) {
        assert_true(words_have("a, bc, d", "a") && words_have("a, bc, d", "bc") &&
                    words_have("a, bc, d", "d"));
        assert_false(words_have("a, bc, d", "b") || words_have("a, bc, d", "") ||
                     words_have("a, bc, d", "a, bc") || words_have("", "a"));
}

static void reals_are_short(void **state) {
        char text[REAL_TEXT];

        assert_string_equal(real_text(0.2, text), "0.2");
        assert_string_equal(real_text(1, text), "1.0");
        assert_string_equal(real_text(1.0 / 3, text), "0.3333333333333333");
        assert_string_equal(real_text(-0.05, text), "-0.05");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_violation_is_told),
                cmocka_unit_test(operations_that_are_added_have_routes),
                cmocka_unit_test(words_are_whole),
                cmocka_unit_test(reals_are_short),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
