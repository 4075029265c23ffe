/* SPDX-License-Identifier: Apache-2.0 */
/* Requests of the Engine API as runs of a command: what it is called with, what it says, and that nothing of it stays. */
#include <sys/stat.h>

#include "command_trial.h"
#include "sandbox/engine/command_private.h"

/* ---- single calls ---- */

static void on_done(struct docker_call *call, int r) {
        struct trial *t = container_of(call, struct trial, call);

        t->ended = true;
        t->result = r;
}

static int ask(struct trial *t, enum http_method method, const char *target, const char *json,
               nsec_t patience) {
        t->ended = false;
        docker_begin(t->docker, &t->call,
                     &(struct docker_request){
                             .method = method,
                             .target = target,
                             .json = json,
                             .patience = patience,
                             .done = on_done,
                     });
        assert_false(t->ended);
        turn_until(t, t->ended);
        return t->result;
}

static char *create(struct trial *t, const char *json) {
        json_t *made;
        char *id;

        assert_int_equal(ask(t, HTTP_POST_, "/containers/create?name=n", json, 0), 0);
        made = docker_answer(&t->call);
        id = xstrdup(json_tree_str(made, "Id"));
        json_decref(made);
        return id;
}

static void test_names_of_images(void **state) {
        struct trial t;

        trial_open(&t);
        assert_int_equal(ask(&t, HTTP_POST_, "/images/sha256%3A1/tag?repo=a.b%2Fc&tag=d", NULL, 0), 0);
        assert_true(was_called(&t, "tag sha256:1 a.b/c:d\n"));
        assert_int_equal(ask(&t, HTTP_DELETE_, "/images/a.b%2Fc%3Ad", NULL, 0), 0);
        assert_true(was_called(&t, "rmi a.b/c:d\n"));
        /* Nothing that is a name could be an option. */
        assert_int_equal(ask(&t, HTTP_POST_, "/images/a/tag?repo=-f&tag=d", NULL, 0), -EINVAL);
        assert_int_equal(ask(&t, HTTP_DELETE_, "/images/-f", NULL, 0), -EIO); /* no such command */
        trial_close(&t);
}

static void remove_it(struct trial *t, const char *id) {
        AUTO(str) char *target = xasprintf("/containers/%s?force=1&v=1", id);

        assert_int_equal(ask(t, HTTP_DELETE_, target, NULL, 0), 0);
}

static void test_options_of_a_container(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *environment = NULL;
        struct trial t;

        trial_open(&t);
        id = create(
                &t,
                "{\"Image\":\"sha256:1111\",\"Entrypoint\":[\"/a b\",\"c\"],\"Cmd\":[\"--d\"],\"User\":\"993:990\","
                "\"Env\":[\"SECRET=very secret\",\"B=2\"],\"OpenStdin\":true,\"Labels\":{\"x\":\"1 2\"},\"HostConfig\":{"
                "\"AutoRemove\":true,\"Memory\":134217728,\"NanoCpus\":500000000,\"ReadonlyRootfs\":true,"
                "\"IpcMode\":\"none\",\"CapDrop\":[\"ALL\"],\"Tmpfs\":{\"/tmp\":\"rw,size=64m\"},\"Mounts\":[{\"Type\":\"bind\",\"Source\":"
                "\"/with,comma and \\\"\",\"Target\":\"/t\",\"ReadOnly\":true},{\"Type\":\"volume\",\"Target\":\"/v\"}]}}");
        assert_true(was_called(
                &t, "create --name n --pull never --stop-timeout 0 --user 993:990 "
                    "--env-file /proc/self/fd/3 --interactive --label x=1 2 --rm --memory 134217728 "
                    "--cpus 0.500000000 --read-only --ipc none --cap-drop ALL --tmpfs /tmp:rw,size=64m "
                    "--mount type=bind,\"source=/with,comma and \"\"\",\"target=/t\",readonly --volume /v "
                    "--entrypoint /a b sha256:1111 c --d\n"));
        environment = get(&t, "environment");
        assert_string_equal(environment, "SECRET=very secret\nB=2\n");
        assert_false(was_called(&t, "very secret"));
        remove_it(&t, id);
        /* What cannot be told the command is not left out. */
        assert_int_equal(ask(&t, HTTP_POST_, "/containers/create?name=n",
                             "{\"Image\":\"i\",\"HostConfig\":{\"Seccomp\":\"x\"}}", 0),
                         -EINVAL);
        assert_non_null(strstr(t.call.problem, "Seccomp"));
        assert_int_equal(ask(&t, HTTP_POST_, "/containers/create?name=n",
                             "{\"Image\":\"i\",\"Env\":[\"A=several\\nlines\"]}", 0),
                         -EINVAL);
        trial_close(&t);
}

static void test_kill(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *plain = NULL;
        AUTO(str) char *softly = NULL;
        struct trial t;

        trial_open(&t);
        id = create(&t, "{\"Image\":\"i\"}");
        plain = xasprintf("/containers/%s/kill", id);
        softly = xasprintf("/containers/%s/kill?signal=TERM", id);
        assert_int_equal(ask(&t, HTTP_POST_, plain, NULL, 0), 0);
        assert_true(was_called(&t, "kill --signal KILL "));
        assert_int_equal(ask(&t, HTTP_POST_, softly, NULL, 0), 0);
        assert_true(was_called(&t, "kill --signal TERM "));
        remove_it(&t, id);
        assert_int_equal(ask(&t, HTTP_POST_, plain, NULL, 0), -ENOENT);
        trial_close(&t);
}

static void use_nerdctl(struct trial *t) {
        docker_free(t->docker);
        free(t->address);
        t->address = xasprintf("nerdctl-command:%s", t->command);
        t->docker = docker_new(t->stage.loop, t->address, NULL, NULL);
}

/* It has fewer options, and is of use only beside us. */
static void test_nerdctl(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *look = NULL;
        AUTO(str) char *attach = NULL;
        AUTO(str) char *start = NULL;
        struct docker_call starting = {};
        struct trial t;

        trial_open(&t);
        use_nerdctl(&t);
        id = create(
                &t,
                "{\"Image\":\"i\",\"OpenStdin\":true,\"Healthcheck\":{\"Test\":[\"NONE\"]},"
                "\"HostConfig\":{\"LogConfig\":{\"Type\":\"none\"},\"CapDrop\":[\"ALL\"],\"Mounts\":[{\"Type\":\"bind\","
                "\"Source\":\"/with \\\" and space\",\"Target\":\"/t\",\"ReadOnly\":true}]}}");
        assert_true(was_called(&t, "create --name n --pull never --stop-timeout 0 --cap-drop ALL "
                                   "--mount type=bind,source=/with \" and space,target=/t,readonly i\n"));
        assert_int_equal(
                ask(&t, HTTP_POST_, "/containers/create?name=n",
                    "{\"Image\":\"i\",\"HostConfig\":{\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/a,b\",\"Target\":\"/t\"}]}}",
                    0),
                -EINVAL);
        look = xasprintf("/containers/%s/archive?path=/lambent/init/x", id);
        assert_int_equal(ask(&t, HTTP_HEAD_, look, NULL, 0), 0);
        assert_true(was_called(&t, "container inspect --format {{json .}} "));
        assert_int_equal(ask(&t, HTTP_PUT_, look, "an archive", 0), -EINVAL);
        assert_false(was_called(&t, "cp "));
        attach = xasprintf("/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1", id);
        start = xasprintf("/containers/%s/start", id);
        docker_begin(t.docker, &starting,
                     &(struct docker_request){ .method = HTTP_POST_, .target = attach, .done = on_done });
        assert_int_equal(ask(&t, HTTP_POST_, start, NULL, 0), -EINVAL);
        assert_false(was_called(&t, "start "));
        docker_call_clear(&starting);
        assert_int_equal(ask(&t, HTTP_GET_, "/images/a.b%2Fc%40sha256%3A1/json", NULL, 0), 0);
        assert_true(was_called(&t, "image inspect --format {{json .}} sha256:1\n"));
        remove_it(&t, id);
        assert_int_equal(ask(&t, HTTP_HEAD_, look, NULL, 0), -ENOENT);
        trial_close(&t);
}

static void test_a_removal_that_only_says_that_it_failed(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *target = NULL;
        AUTO(str) char *path = NULL;
        struct trial t;

        trial_open(&t);
        use_nerdctl(&t);
        id = create(&t, "{\"Image\":\"i\"}");
        target = xasprintf("/containers/%s?force=1&v=1", id);
        path = book(&t, "stubborn");
        put(&t, "stubborn", "", 0600);
        assert_int_equal(ask(&t, HTTP_DELETE_, target, NULL, 0), -EIO);
        assert_non_null(strstr(t.call.problem, ": it is being used (500)"));
        unlink(path);
        remove_it(&t, id);
        trial_close(&t);
}

static void expect_image(enum dialect dialect, const char *said, const char *id) {
        struct command_line line = { .dialect = dialect };
        struct command_request r = { .line = &line, .output = BUF_NULL(64 * KIB) };
        AUTO(buf) struct buf json = BUF_NULL(64 * KIB);
        json_t *tree = NULL;

        assert_int_equal(buf_append_str(&r.output, said), 0);
        assert_true(command_answer_image(&r, &json));
        assert_int_equal(json_tree_parse(buf_data(&json), json.len, &tree, NULL), 0);
        assert_string_equal(json_tree_str(tree, "Id"), id);
        json_decref(tree);
        buf_deinit(&r.output);
}

static void test_what_an_image_is_found_by(void **state) {
        static const char config[] = "{\"Id\":\"sha256:config\",\"RepoDigests\":[\"a/b@sha256:manifest\"]}\n";
        static const char other[] = "{\"Id\":\"sha256:config\",\"RepoDigests\":[\"c@sha256:manifest\"]}\n";
        AUTO(str) char *twice = xasprintf("%s%s", config, other);

        expect_image(DIALECT_DOCKER, config, "sha256:config");
        expect_image(DIALECT_NERDCTL, config, "sha256:manifest");
        expect_image(DIALECT_NERDCTL, twice, "sha256:manifest");
        expect_image(DIALECT_NERDCTL, "{\"Id\":\"sha256:config\",\"RepoDigests\":[]}\n", "sha256:config");
}

static void expect_words(const char *said, const char *words) {
        AUTO(buf) struct buf error = BUF_NULL(64 * KIB);
        AUTO(str) char *why = NULL;

        assert_int_equal(buf_append_str(&error, said), 0);
        why = command_why(&error);
        assert_string_equal(why, words);
}

static void test_words_of_a_failure(void **state) {
        expect_words("", "");
        expect_words("a warning\nError: no such container: x\n", "Error: no such container: x");
        expect_words(
                "time=\"2026\" level=warning msg=\"a\"\ntime=\"2026\" level=fatal msg=\"1 errors:\\nno such image: \\\"x\\\"\"\n",
                "no such image: \"x\"");
        expect_words("time=\"2026\" level=fatal msg=\"no errors:\\nx\" more=\"y\"\n", "no errors: x");
        expect_words("time=\"2026\" level=fatal msg=\"it breaks off\\", "it breaks off\\");
        expect_words("time=\"2026\" level=fatal\n", "time=\"2026\" level=fatal");
}

static void test_refusals(void **state) {
        struct trial t;

        trial_open(&t);
        assert_int_equal(ask(&t, HTTP_DELETE_, "/containers/none?force=1", NULL, 0), -ENOENT);
        assert_non_null(strstr(t.call.problem, "No such container: none"));
        assert_int_equal(ask(&t, HTTP_POST_, "/containers/none/pause", NULL, 0), -EIO);
        /* A name is never an option. */
        assert_int_equal(ask(&t, HTTP_DELETE_, "/containers/--all", NULL, 0), -EIO);
        assert_int_equal(ask(&t, HTTP_DELETE_, "/containers/%2D%2Dall", NULL, 0), -EIO);
        assert_false(was_called(&t, "--all"));
        unlink(t.command);
        assert_int_equal(ask(&t, HTTP_GET_, "/version", NULL, 0), -ENOENT);
        assert_non_null(strstr(t.call.problem, "No such file"));
        trial_close(&t);
}

static void test_a_command_that_hangs(void **state) {
        struct trial t;

        trial_open(&t);
        put(&t, "trouble", "1 hangs\n", 0600);
        assert_int_equal(ask(&t, HTTP_GET_, "/containers/json?all=1", NULL, 100 * MILLISECOND), -ETIMEDOUT);
        assert_non_null(strstr(t.call.problem, "does not answer"));
        trial_close(&t);
}

static void on_start_done(struct docker_call *call, int r) {
        assert_int_equal(r, 0);
}

static void on_open(struct docker_call *call) {
        container_of(call, struct trial, call)->open = true;
}

static void on_heard(struct docker_call *call, const char *data, size_t len) {
        assert_int_equal(buf_append(&container_of(call, struct trial, call)->heard, data, len), 0);
}

/* Attached and being started, as the driver does it. */
static void begin_streams(struct trial *t, const char *id, bool talks, struct docker_call *starting) {
        AUTO(str) char *attach =
                xasprintf("/containers/%s/attach?stream=1&stdin=%d&stdout=1&stderr=1", id, talks);
        AUTO(str) char *start = xasprintf("/containers/%s/start", id);

        t->ended = false;
        docker_begin(t->docker, &t->call,
                     &(struct docker_request){
                             .method = HTTP_POST_,
                             .target = attach,
                             .silence = NSEC_NEVER,
                             .on_open = on_open,
                             .on_stream = on_heard,
                             .done = on_done,
                     });
        turn_until(t, t->open);
        assert_false(was_called(t, "start"));
        docker_begin(
                t->docker, starting,
                &(struct docker_request){ .method = HTTP_POST_, .target = start, .done = on_start_done });
        turn_until(t, was_called(t, talks ? "start --attach --interactive " : "start --attach "));
}

static void test_streams_of_a_container(void **state) {
        static const char framed[] = "\1\0\0\0\0\0\0\5hello";
        AUTO(str) char *id = NULL;
        struct docker_call starting = {};
        struct trial t;

        trial_open(&t);
        id = create(&t, "{\"Image\":\"i\"}");
        begin_streams(&t, id, true, &starting);
        assert_true(docker_is_under_way(&starting));
        assert_int_equal(docker_send(&t.call, "hello", 5), 0);
        turn_until(&t, t.heard.len == sizeof(framed) - 1);
        assert_memory_equal(buf_data(&t.heard), framed, sizeof(framed) - 1);
        turn_until(&t, !docker_is_under_way(&starting));
        assert_false(t.ended);
        docker_call_clear(&starting);
        docker_cancel(&t.call);
        remove_it(&t, id);
        trial_close(&t);
}

static void test_a_start_that_is_known_from_elsewhere(void **state) {
        AUTO(str) char *id = NULL;
        struct docker_call starting = {};
        struct trial t;

        trial_open(&t);
        put(&t, "silent", "", 0600);
        id = create(&t, "{\"Image\":\"i\"}");
        begin_streams(&t, id, true, &starting);
        assert_true(docker_is_under_way(&starting));
        docker_has_happened(&starting);
        turn_until(&t, !docker_is_under_way(&starting));
        docker_has_happened(&starting);
        docker_call_clear(&starting);
        docker_cancel(&t.call);
        remove_it(&t, id);
        trial_close(&t);
}

struct watch {
        struct docker_call call;
        struct buf heard;
};

static void on_watched(struct docker_call *call, const char *data, size_t len) {
        assert_int_equal(buf_append(&container_of(call, struct watch, call)->heard, data, len), 0);
}

static void on_watch_done(struct docker_call *call, int r) {
        fail_msg("the events have ended");
}

static bool has_heard(const struct watch *watch, const char *word) {
        return watch->heard.len && memmem(buf_data(&watch->heard), watch->heard.len, word, strlen(word));
}

/* What containerd has made in vain it tells as killed: why it is none, its command says by its end. */
static void test_an_end_before_the_start(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *events = NULL;
        struct watch watch = { .heard = BUF_NULL(64 * KIB) };
        struct docker_call starting = {};
        struct trial t;

        trial_open(&t);
        use_nerdctl(&t);
        put(&t, "silent", "", 0600);
        id = create(&t, "{\"Image\":\"i\"}");
        docker_begin(t.docker, &watch.call,
                     &(struct docker_request){ .method = HTTP_GET_,
                                               .target = "/events",
                                               .silence = NSEC_NEVER,
                                               .on_stream = on_watched,
                                               .done = on_watch_done });
        begin_streams(&t, id, false, &starting);
        events = xasprintf(
                "{\"Topic\":\"/tasks/exit\",\"Event\":\"{\\\"container_id\\\":\\\"%s\\\",\\\"id\\\":"
                "\\\"%s\\\",\\\"exit_status\\\":137}\"}\n"
                "{\"Topic\":\"/containers/delete\",\"Event\":\"{\\\"id\\\":\\\"other\\\"}\"}\n",
                id, id);
        put(&t, "events", events, 0600);
        turn_until(&t, has_heard(&watch, "destroy"));
        assert_false(has_heard(&watch, "die"));
        assert_true(docker_is_under_way(&starting));
        docker_call_clear(&starting);
        docker_cancel(&t.call);
        docker_call_clear(&watch.call);
        buf_deinit(&watch.heard);
        remove_it(&t, id);
        trial_close(&t);
}

static void test_an_archive(void **state) {
        size_t len = 3 * MIB; /* more than any pipe takes at once */
        AUTO(str) char *bytes = xmalloc(len);
        AUTO(str) char *id = NULL;
        AUTO(str) char *target = NULL;
        AUTO(str) char *copied = NULL;
        struct stat st;
        struct trial t;

        memset(bytes, 'x', len);
        trial_open(&t);
        id = create(&t, "{\"Image\":\"i\"}");
        target = xasprintf("/containers/%s/archive?path=/var/task", id);
        docker_begin(t.docker, &t.call,
                     &(struct docker_request){ .method = HTTP_PUT_,
                                               .target = target,
                                               .tar = bytes,
                                               .tar_len = len,
                                               .done = on_done });
        t.ended = false;
        turn_until(&t, t.ended);
        assert_int_equal(t.result, 0);
        copied = book(&t, "copied");
        assert_int_equal(stat(copied, &st), 0);
        assert_int_equal(st.st_size, len);
        remove_it(&t, id);
        trial_close(&t);
}

/* ---- what the engines' commands say ---- */

static void expect_event(enum dialect dialect, const char *line, const char *json,
                         const char *started_or_ended) {
        AUTO(buf) struct buf said = BUF_NULL(64 * KIB);
        AUTO(str) char *id = NULL;
        bool started;

        command_translate_event(dialect, line, strlen(line), &said, &id, &started);
        assert_int_equal(started, strstr(json, "\"start\"") != NULL);
        assert_int_equal(buf_append(&said, "", 1), 0);
        assert_string_equal(buf_data(&said), json);
        assert_true(!id == !started_or_ended);
        if (id)
                assert_string_equal(id, started_or_ended);
}

static void test_events(void **state) {
        expect_event(
                DIALECT_PODMAN,
                "{\"ContainerExitCode\":70,\"ID\":\"5848\",\"Image\":\"i\",\"Name\":\"n\",\"Status\":\"died\",\"Time\":\"2026\","
                "\"Type\":\"container\",\"Attributes\":{\"a\":\"b\"}}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"5848\",\"Attributes\":{\"a\":\"b\",\"exitCode\":"
                "\"70\"}}}\n",
                "5848");
        expect_event(
                DIALECT_PODMAN, "{\"ID\":\"5848\",\"Status\":\"remove\",\"Type\":\"container\"}",
                "{\"Type\":\"container\",\"Action\":\"destroy\",\"Actor\":{\"ID\":\"5848\",\"Attributes\":{}}}\n",
                NULL);
        expect_event(
                DIALECT_DOCKER,
                "{\"status\":\"start\",\"id\":\"5\",\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"5\",\"Attributes\":"
                "{\"x\":\"y\"}}}",
                "{\"Type\":\"container\",\"Action\":\"start\",\"Actor\":{\"ID\":\"5\",\"Attributes\":{\"x\":\"y\"}}}\n",
                "5");
        expect_event(
                DIALECT_NERDCTL,
                "{\"Timestamp\":\"2026\",\"ID\":\"\",\"Namespace\":\"default\",\"Topic\":\"/tasks/exit\",\"Status\":\"UNKNOWN\",\"Event\":"
                "\"{\\\"container_id\\\":\\\"5\\\",\\\"id\\\":\\\"5\\\",\\\"exit_status\\\":3}\"}",
                "{\"Type\":\"container\",\"Action\":\"die\",\"Actor\":{\"ID\":\"5\",\"Attributes\":{\"exitCode\":\"3\"}}}\n",
                "5");
        /* The end of something else that ran in it. */
        expect_event(
                DIALECT_NERDCTL,
                "{\"Topic\":\"/tasks/exit\",\"Event\":\"{\\\"container_id\\\":\\\"5\\\",\\\"id\\\":\\\"6\\\",\\\"exit_status\\\":3}\"}",
                "", NULL);
        expect_event(DIALECT_DOCKER, "no JSON", "", NULL);
        expect_event(DIALECT_PODMAN, "[]", "", NULL);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_of_images),
                cmocka_unit_test(test_options_of_a_container),
                cmocka_unit_test(test_kill),
                cmocka_unit_test(test_nerdctl),
                cmocka_unit_test(test_a_removal_that_only_says_that_it_failed),
                cmocka_unit_test(test_what_an_image_is_found_by),
                cmocka_unit_test(test_words_of_a_failure),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_a_command_that_hangs),
                cmocka_unit_test(test_streams_of_a_container),
                cmocka_unit_test(test_a_start_that_is_known_from_elsewhere),
                cmocka_unit_test(test_an_end_before_the_start),
                cmocka_unit_test(test_an_archive),
                cmocka_unit_test(test_events),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
