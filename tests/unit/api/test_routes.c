/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/routes.h"

static const struct {
        enum http_method method;
        const char *path, *query, *operation; /* NULL: no route */
        const char *labels[API_LABELS_MAX];
} cases[] = {
        { HTTP_POST_, "/2015-03-31/functions", "", "CreateFunction" },
        { HTTP_POST_, "/2015-03-31/functions/", "", "CreateFunction" },
        { HTTP_GET_, "/2015-03-31/functions", "MaxItems=1", "ListFunctions" },
        { HTTP_GET_, "/2015-03-31/functions/f", "", "GetFunction", { "f" } },
        { HTTP_GET_,
          "/2015-03-31/functions/arn%3Aaws%3A/configuration/",
          "",
          "GetFunctionConfiguration",
          { "arn%3Aaws%3A" } },
        { HTTP_POST_, "/2015-03-31/functions/a%2Fb/invocations", "", "Invoke", { "a%2Fb" } },
        { HTTP_DELETE_, "/2015-03-31/functions/f/policy/s", "", "RemovePermission", { "f", "s" } },
        { HTTP_GET_, "/2018-10-31/layers", "", "ListLayers" },
        { HTTP_GET_, "/2018-10-31/layers", "find=LayerVersion&Arn=a", "GetLayerVersionByArn" },
        { HTTP_GET_, "/2018-10-31/layers", "Arn=a&find=LayerVersion", "GetLayerVersionByArn" },
        { HTTP_GET_, "/2018-10-31/layers", "find=LayerVersions", "ListLayers" },
        { HTTP_GET_, "/2018-10-31/layers", "xfind=LayerVersion", "ListLayers" },
        { HTTP_GET_,
          "/2019-09-30/functions/f/provisioned-concurrency",
          "List=ALL",
          "ListProvisionedConcurrencyConfigs",
          { "f" } },
        { HTTP_GET_,
          "/2019-09-30/functions/f/provisioned-concurrency",
          "Qualifier=1",
          "GetProvisionedConcurrencyConfig",
          { "f" } },
        { HTTP_DELETE_,
          "/2018-10-31/layers/l/versions/1/policy/s",
          "",
          "RemoveLayerVersionPermission",
          { "l", "1", "s" } },
        { HTTP_GET_,
          "/2019-09-25/functions/f/event-invoke-config/list",
          "",
          "ListFunctionEventInvokeConfigs",
          { "f" } },
        { HTTP_POST_, "/_lambent/environments/evict", "", "EvictEnvironments" },
        { HTTP_POST_, "/_lambent/environments/x/evict", "", "EvictEnvironment", { "x" } },
        { HTTP_POST_, "/2015-03-31/functions//invocations", "", NULL },
        { HTTP_POST_, "/2015-03-31/functions/f/invocations/", "", "Invoke", { "f" } },
        { HTTP_GET_, "/2015-03-31/functions/f/invocations", "", NULL },
        { HTTP_GET_, "/2015-03-31/functions//code", "", NULL },
        { HTTP_GET_, "/2015-03-31/functions/f//", "", NULL },
        { HTTP_GET_, "/2015-03-31/functions/f/code", "", NULL },
        { HTTP_GET_, "/2015-03-31/functionsx", "", NULL },
        { HTTP_GET_, "/2015-03-31/function", "", NULL },
        { HTTP_GET_, "", "", NULL },
        { HTTP_GET_, "/", "", NULL },
        { HTTP_PATCH_, "/2015-03-31/functions", "", NULL },
};

static void paths_find_their_operation(void **state) {
        AUTO(routes) struct routes *routes = routes_new();

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct api_route *route = NULL;
                struct route_labels labels;
                size_t count = 0;

                if (route_find(routes, cases[i].method, cases[i].path, cases[i].query, &route, &labels)) {
                        assert_null(cases[i].operation);
                        continue;
                }
                assert_non_null(cases[i].operation);
                assert_string_equal(route->operation, cases[i].operation);
                for (; count < API_LABELS_MAX && cases[i].labels[count]; count++) {
                        assert_int_equal(labels.label[count].len, strlen(cases[i].labels[count]));
                        assert_memory_equal(labels.label[count].start, cases[i].labels[count],
                                            labels.label[count].len);
                }
                assert_int_equal(labels.count, count);
        }
}

static void bodies_are_read_where_the_members_are(void **state) {
        static const struct {
                const char *operation;
                enum route_kind kind;
                const char *zip_parent;
        } kinds[] = {
                { "CreateFunction", ROUTE_JSON, "Code" },         { "UpdateFunctionCode", ROUTE_JSON, "" },
                { "PublishLayerVersion", ROUTE_JSON, "Content" }, { "Invoke", ROUTE_RAW, NULL },
                { "PublishVersion", ROUTE_JSON, NULL },           { "GetFunction", ROUTE_PLAIN, NULL },
                { "UntagResource", ROUTE_PLAIN, NULL },           { "GetAccountSettings", ROUTE_PLAIN, NULL },
        };
        AUTO(routes) struct routes *routes = routes_new();
        size_t count, found = 0;
        const struct api_route *table = routes_all(routes, &count);

        for (size_t i = 0; i < count; i++) {
                for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
                        if (!streq(table[i].operation, kinds[k].operation))
                                continue;
                        assert_int_equal(table[i].kind, kinds[k].kind);
                        assert_int_equal(table[i].zip_parent != NULL, kinds[k].zip_parent != NULL);
                        if (kinds[k].zip_parent)
                                assert_string_equal(table[i].zip_parent, kinds[k].zip_parent);
                        found++;
                }
        }
        assert_int_equal(found, ARRAY_SIZE(kinds));
}

static void the_table_is_whole(void **state) {
        AUTO(routes) struct routes *routes = routes_new();
        size_t count, aws = 0;
        const struct api_route *table = routes_all(routes, &count);

        for (size_t i = 0; i < count; i++) {
                aws += str_starts(table[i].pattern, "/20");
                assert_int_equal(str_starts(table[i].pattern, "/20"), !table[i].internal);
                for (size_t j = 0; j < i; j++)
                        assert_false(table[j].method == table[i].method &&
                                     streq(table[j].pattern, table[i].pattern));
                assert_int_equal(table[i].model != NULL, !table[i].internal);
        }
        assert_int_equal(aws, 91); /* the operations of the Lambda API, durable executions included */
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_find_their_operation),
                cmocka_unit_test(bodies_are_read_where_the_members_are),
                cmocka_unit_test(the_table_is_whole),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
