/* SPDX-License-Identifier: Apache-2.0 */
/* The Extensions API as its callers see it: answers, and every refusal (docs/aws.md, extensions). */
#include "stage.h"

#include <stdio.h>

#define FORBIDDEN(type, message) "403 {\"errorMessage\":\"" message "\",\"errorType\":\"" type "\"}\n"
#define UNKNOWN_ID "00000000-0000-4000-8000-000000000000"
#define NO_TRANSITION "Error: State transition is not allowed"

static const char *const one[] = { "one", NULL };
static const char *const two[] = { "one", "two", NULL };

static const char *say(struct stage *st, int fd, const char *method, const char *path, const char *fields,
                       const char *body) {
        AUTO(str)
        char *text = xasprintf("%s %s HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nContent-Length: %zu\r\n%s\r\n%s",
                               method, path, strlen(body), fields, body);

        runtime_send(st, fd, text);
        return runtime_reply(st, fd);
}

static const char *sign_up(struct stage *st, int fd, const char *fields, const char *body) {
        return say(st, fd, "POST", "/2020-01-01/extension/register", fields, body);
}

static const char *refused_transition(const char *from, const char *to, const char *whom) {
        static char text[512];

        snprintf(text, sizeof(text),
                 FORBIDDEN("Extension.InvalidExtensionState",
                           "State transition from %s to %s failed for extension %s. " NO_TRANSITION),
                 from, to, whom);
        return text;
}

static void registering_refused(void **state) {
        static const struct {
                const char *fields, *body, *reply;
        } cases[] = {
                { "", "{}", FORBIDDEN("Extension.InvalidExtensionName", "Empty extension name") },
                { "Lambda-Extension-Name:\r\n", "{}",
                  FORBIDDEN("Extension.InvalidExtensionName", "Empty extension name") },
                { "Lambda-Extension-Name: one\r\n", "",
                  FORBIDDEN("InvalidRequestFormat", "unexpected end of JSON input") },
                { "Lambda-Extension-Name: one\r\n", "{\"events\":[\"INVOKE\"]",
                  FORBIDDEN("InvalidRequestFormat", "unexpected end of JSON input") },
                { "Lambda-Extension-Name: one\r\n", "[]",
                  FORBIDDEN("InvalidRequestFormat", "the request is not a JSON object") },
                { "Lambda-Extension-Name: one\r\n", "{\"events\":[1]}",
                  FORBIDDEN("InvalidRequestFormat", "events is not an array of strings") },
                { "Lambda-Extension-Name: one\r\n", "{\"events\":[[\"INVOKE\"]]}",
                  FORBIDDEN("InvalidRequestFormat", "events is not an array of strings") },
                { "Lambda-Extension-Name: one\r\n", "{\"events\":\"INVOKE\"}",
                  FORBIDDEN("InvalidRequestFormat", "events is not an array of strings") },
                { "Lambda-Extension-Name: one\r\n", "{\"configurationKeys\":[\"A\"]}",
                  FORBIDDEN("InvalidRequestFormat",
                            "configurationKeys are deprecated; use environment variables instead") },
                { "Lambda-Extension-Name: one\r\n", "{\"events\":[\"INVOKE\",\"START\"]}",
                  FORBIDDEN("Extension.InvalidEventType", "START: ErrorInvalidEventType") },
                { "Lambda-Extension-Name: inside\r\n", "{\"events\":[ \"INVOKE\" , \"SHUTDOWN\" ]}",
                  FORBIDDEN("Extension.InvalidEventType",
                            "SHUTDOWN: ShutdownEventNotSupportedForInternalExtension") },
        };
        struct stage st;
        int fd;

        stage_set(&st);
        st.extensions = one;
        stage_start(&st);
        fd = runtime_connect(&st);
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i)
                assert_string_equal(sign_up(&st, fd, cases[i].fields, cases[i].body), cases[i].reply);
        assert_int_equal(st.spawns, 0);
        close(fd);
        stage_end(&st);
}

static void a_body_or_a_name_that_is_too_long(void **state) {
        struct stage st;
        char *text;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        text = xcalloc(1, 70000);
        memset(text, ' ', 69999);
        assert_string_equal(sign_up(&st, fd, "Lambda-Extension-Name: x\r\n", text),
                            FORBIDDEN("InvalidRequestFormat", "the request is too large"));
        free(text);
        close(fd);
        fd = runtime_connect(&st);
        assert_string_equal(
                extension_register(
                        &st, fd,
                        "----------------------------------------------------------------------------------"
                        "----------------------------------------------------------------------------------"
                        "----------------------------------------------------------------------------------"
                        "----------",
                        "[]"),
                FORBIDDEN("Extension.InvalidExtensionName", "The extension name is too long"));
        close(fd);
        stage_end(&st);
}

static void what_is_quoted_may_grow(void **state) {
        AUTO(str) char *list = xcalloc(1, 1100);
        struct stage st;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        memcpy(list, "[\"", 2);
        memset(list + 2, '<', 1000);
        memcpy(list + 1002, "\"]", 2);
        assert_non_null(
                strstr(extension_register(&st, fd, "x", list),
                       "\\u003c: ErrorInvalidEventType\",\"errorType\":\"Extension.InvalidEventType\"}\n"));
        close(fd);
        stage_end(&st);
}

/* What registering gives, and the account to who asks for it; unknown features are ignored. */
static void registering(void **state) {
        static const char *const bodies[] = { "{}", "{\"events\":null,\"configurationKeys\":null}",
                                              "{\"events\":[],\"configurationKeys\":[ ]}" };
        char field[64];
        struct stage st;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        for (size_t i = 0; i < ARRAY_SIZE(bodies); ++i) {
                snprintf(field, sizeof(field), "Lambda-Extension-Name: plain-%zu\r\n", i);
                assert_string_equal(sign_up(&st, fd, field, bodies[i]),
                                    "200 {\"functionName\":\"f\",\"functionVersion\":\"$LATEST\","
                                    "\"handler\":\"app.handler\"}\n");
        }
        assert_string_equal(sign_up(&st, fd,
                                    "Lambda-Extension-Name: rich\r\n"
                                    "Lambda-Extension-Accept-Feature: other, accountId\r\n",
                                    "{}"),
                            "200 {\"accountId\":\"000000000000\",\"functionName\":\"f\","
                            "\"functionVersion\":\"$LATEST\",\"handler\":\"app.handler\"}\n");
        assert_non_null(strstr(st.head, "Content-Type: application/json\r\n"));
        close(fd);
        stage_end(&st);
}

static void one_name_once(void **state) {
        AUTO(str) char *id = NULL;
        struct stage st;
        int fd;

        stage_set(&st);
        st.extensions = two;
        stage_start(&st);
        fd = runtime_connect(&st);
        id = extension_join(&st, fd, "one", "[\"INVOKE\"]");
        assert_string_equal(extension_register(&st, fd, "one", "[]"),
                            refused_transition("Registered", "Registered", "one"));
        free(extension_join(&st, fd, "inside", "[]"));
        assert_string_equal(
                extension_register(&st, fd, "inside", "[]"),
                FORBIDDEN("Extension.InvalidExtensionState", "Extension with this name already registered"));
        close(fd);
        stage_end(&st);
}

static void ten_at_most_and_not_after_init(void **state) {
        struct stage st;
        char name[16];
        int fd, runtime;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        for (unsigned i = 0; i < 10; ++i) {
                snprintf(name, sizeof(name), "inside-%u", i);
                free(extension_join(&st, fd, name, "[]"));
        }
        assert_string_equal(extension_register(&st, fd, "inside-10", "[]"),
                            FORBIDDEN("Extension.TooManyExtensions", "Extension limit (10) reached"));
        runtime = runtime_connect(&st);
        runtime_ask(&st, runtime);
        stage_settle(&st);
        assert_string_equal(
                extension_register(&st, fd, "late", "[]"),
                FORBIDDEN("Extension.RegistrationClosed", "Extension registration closed already"));
        close(fd);
        close(runtime);
        stage_end(&st);
}

static void identifiers_are_checked(void **state) {
        static const char *const rests[] = { "event/next", "init/error", "exit/error" };
        struct stage st;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        for (size_t i = 0; i < ARRAY_SIZE(rests); ++i) {
                const char *method = i ? "POST" : "GET";
                const char *unknown =
                        i ? "Unknown Lambda-Extension-Identifier" : "Unknown extension " UNKNOWN_ID;
                AUTO(str) char *path = xasprintf("/2020-01-01/extension/%s", rests[i]);
                AUTO(str)
                char *reply = xasprintf(FORBIDDEN("Extension.UnknownExtensionIdentifier", "%s"), unknown);

                assert_string_equal(say(&st, fd, method, path, "", ""),
                                    FORBIDDEN("Extension.MissingExtensionIdentifier",
                                              "Missing Lambda-Extension-Identifier header"));
                assert_string_equal(say(&st, fd, method, path, "Lambda-Extension-Identifier: one\r\n", ""),
                                    FORBIDDEN("Extension.InvalidExtensionIdentifier",
                                              "Invalid Lambda-Extension-Identifier"));
                assert_string_equal(say(&st, fd, method, path,
                                        "Lambda-Extension-Identifier: " UNKNOWN_ID "\r\n"
                                        "Lambda-Extension-Function-Error-Type: Extension.X\r\n",
                                        ""),
                                    reply);
        }
        close(fd);
        stage_end(&st);
}

static void states_are_checked(void **state) {
        AUTO(str) char *id = NULL;
        struct stage st;
        int fd, poll;

        stage_set(&st);
        st.extensions = two;
        stage_start(&st);
        fd = runtime_connect(&st);
        poll = runtime_connect(&st);
        id = extension_join(&st, fd, "one", "[]");
        assert_string_equal(
                extension_fail(&st, fd, "init/error", id, NULL),
                FORBIDDEN("Extension.MissingHeader", "Lambda-Extension-Function-Error-Type not found"));
        extension_ask(&st, poll, id);
        stage_settle(&st);
        extension_ask(&st, fd, id);
        assert_string_equal(runtime_reply(&st, fd), refused_transition("Ready", "Ready", id));
        assert_string_equal(extension_fail(&st, fd, "init/error", id, "Extension.X"),
                            refused_transition("Ready", "InitError", id));
        assert_string_equal(extension_fail(&st, fd, "exit/error", id, "Extension.X"),
                            "202 {\"status\":\"OK\"}\n");
        assert_string_equal(extension_fail(&st, fd, "exit/error", id, "Extension.X"),
                            "202 {\"status\":\"OK\"}\n");
        extension_ask(&st, fd, id);
        assert_string_equal(runtime_reply(&st, fd), refused_transition("ExitError", "Ready", id));
        assert_string_equal(extension_fail(&st, fd, "init/error", id, "Extension.X"),
                            refused_transition("ExitError", "InitError", id));
        assert_string_equal(extension_register(&st, fd, "one", "[]"),
                            refused_transition("ExitError", "Registered", "one"));
        close(fd);
        close(poll);
        stage_end(&st);
}

static void init_errors_are_checked(void **state) {
        AUTO(str) char *id = NULL;
        struct stage st;
        int fd;

        stage_set(&st);
        st.extensions = two;
        stage_start(&st);
        fd = runtime_connect(&st);
        id = extension_join(&st, fd, "one", "[]");
        for (unsigned i = 0; i < 2; ++i)
                assert_string_equal(extension_fail(&st, fd, "init/error", id, "Extension.X"),
                                    "202 {\"status\":\"OK\"}\n");
        assert_string_equal(extension_fail(&st, fd, "exit/error", id, "Extension.X"),
                            refused_transition("InitError", "Exited", id));
        close(fd);
        stage_end(&st);
}

static void routes(void **state) {
        static const struct {
                const char *method, *path, *reply;
        } cases[] = {
                { "GET", "/2020-01-01/extension/register", "404 404 page not found\n" },
                { "POST", "/2020-01-01/extension/event/next", "404 404 page not found\n" },
                { "GET", "/2020-01-01/extension/init/error", "404 404 page not found\n" },
                { "GET", "/2020-01-01/other", "404 404 page not found\n" },
                { "POST", "/2022-07-01/telemetry", "404 404 page not found\n" },
                { "PUT", "/2022-07-01/telemetry",
                  "202 {\"errorMessage\":\"Telemetry API is not "
                  "supported\",\"errorType\":\"Telemetry.NotSupported\"}\n" },
                { "PUT", "/2020-08-15/logs",
                  "202 {\"errorMessage\":\"Logs API is not supported\",\"errorType\":\"Logs.NotSupported\"}\n" },
        };
        struct stage st;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i)
                assert_string_equal(say(&st, fd, cases[i].method, cases[i].path, "", ""), cases[i].reply);
        close(fd);
        stage_end(&st);
}

/* A web page that has found the port is told nothing. */
static void web_pages_are_refused(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        stage_start(&st);
        fd = runtime_connect(&st);
        assert_int_equal(strncmp(sign_up(&st, fd, "Origin: https://example.org\r\n", "{}"), "403", 3), 0);
        close(fd);
        stage_end(&st);
}

static void switched_off(void **state) {
        struct stage st;
        int fd;

        stage_set(&st);
        st.extensions = one;
        st.extensions_disabled = true;
        fd = stage_warm(&st); /* the runtime alone */
        assert_string_equal(stage_asked(&st), "");
        close(fd);
        fd = runtime_connect(&st);
        assert_string_equal(extension_register(&st, fd, "one", "[]"), "404 404 page not found\n");
        close(fd);
        stage_end(&st);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(registering_refused),
                cmocka_unit_test(a_body_or_a_name_that_is_too_long),
                cmocka_unit_test(what_is_quoted_may_grow),
                cmocka_unit_test(registering),
                cmocka_unit_test(one_name_once),
                cmocka_unit_test(ten_at_most_and_not_after_init),
                cmocka_unit_test(identifiers_are_checked),
                cmocka_unit_test(states_are_checked),
                cmocka_unit_test(init_errors_are_checked),
                cmocka_unit_test(routes),
                cmocka_unit_test(web_pages_are_refused),
                cmocka_unit_test(switched_off),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
