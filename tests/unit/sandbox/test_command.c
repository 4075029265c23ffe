/* SPDX-License-Identifier: Apache-2.0 */
/* The container driver against an engine that has only a command, one that keeps books: whatever goes wrong, nothing stays in
 * them, and no process. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <dirent.h>

#include "made_environment.h"
#include "sandbox/engine/command_private.h"
#include "sandbox/engine/containers.h"
#include "sandbox/engine/docker.h"

#define HOME "00112233445566778899aabbccddeeff"
#define KNOCKS_MAX 64

static const char script[] =
#include "fake_command.h"
        ;

struct trial {
        struct loop *loop;
        char folder[64];
        char *command, *address, *state_dir, *init;
        struct docker *docker;
        struct docker_call call;
        struct containers *containers;
        struct containers_wait wait;
        struct image_ask ask;
        struct image *image;
        struct environment *environment;
        char *problem, *gone, *where;
        bool answered, image_answered, ended, open;
        int result, connections[KNOCKS_MAX];
        size_t knocks;
        unsigned gone_times;
        struct buf heard;
};

static char *book(const struct trial *t, const char *name) {
        return xasprintf("%s/%s", t->folder, name);
}

static void put(const struct trial *t, const char *name, const char *text, mode_t mode) {
        AUTO(str) char *path = book(t, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        fd_close(fd);
}

/* "" when there is none. */
static char *get(const struct trial *t, const char *name) {
        AUTO(str) char *path = book(t, name);
        char *text = xcalloc(1, 256 * KIB);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd >= 0)
                assert_true(read(fd, text, 256 * KIB - 1) >= 0);
        fd_close(fd);
        return text;
}

static unsigned calls(const struct trial *t) {
        AUTO(str) char *text = get(t, "calls");
        unsigned count = 0;

        for (const char *at = text; (at = strchr(at, '\n')); ++at)
                ++count;
        return count;
}

static bool was_called(const struct trial *t, const char *words) {
        AUTO(str) char *text = get(t, "calls");

        return strstr(text, words) != NULL;
}

/* As an init would, in every container that has been started. Answers how many containers there are. */
static size_t knock(struct trial *t) {
        AUTO(str) char *path = book(t, "containers");
        DIR *folder = opendir(path);
        size_t count = 0;

        for (struct dirent *entry; (entry = readdir(folder));) {
                AUTO(str) char *started = xasprintf("containers/%s/started", entry->d_name);
                AUTO(str) char *started_path = book(t, started);
                AUTO(str) char *door_name = xasprintf("containers/%s/door", entry->d_name);
                AUTO(str) char *door = NULL;
                struct sockaddr_un at = { .sun_family = AF_UNIX };
                int fd;

                count += *entry->d_name != '.';
                if (unlink(started_path) < 0)
                        continue;
                door = get(t, door_name);
                door[strcspn(door, "\n")] = 0;
                snprintf(at.sun_path, sizeof(at.sun_path), "%s/link", door);
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                        fd_close(fd);
                else
                        t->connections[t->knocks++] = fd;
        }
        closedir(folder);
        return count;
}

#define turn_until(t, claim) \
        do { \
                nsec_t give_up_ = loop_now((t)->loop) + 20 * SECOND; \
                while (!(claim)) { \
                        assert_int_equal(loop_turn((t)->loop, 5 * MILLISECOND), 0); \
                        knock(t); \
                        assert_true(loop_now((t)->loop) < give_up_); \
                } \
        } while (0)

static void make_containers(struct trial *t) {
        struct containers_options options = {
                .choice = "auto",
                .init_dir = t->folder,
                .state_dir = t->state_dir,
                .home = HOME,
                .owner = t,
        };

        t->containers = containers_new(t->loop, &options);
}

static void trial_open(struct trial *t) {
        AUTO(str) char *books = NULL;

        *t = (struct trial){ .heard = BUF_NULL(MIB) };
        assert_int_equal(loop_new(&t->loop), 0);
        snprintf(t->folder, sizeof(t->folder), "/tmp/fake-command-XXXXXX");
        assert_non_null(mkdtemp(t->folder));
        books = book(t, "containers");
        assert_int_equal(mkdir(books, 0700), 0);
        t->command = book(t, "engine");
        put(t, "engine", script, 0755);
        put(t, "trouble", "0 none\n", 0600);
        put(t, "events", "", 0600);
        t->init = book(t, "lambent-init");
        put(t, "lambent-init", "init", 0755);
        t->state_dir = book(t, "state");
        t->address = xasprintf("docker-command:%s", t->command);
        t->docker = docker_new(t->loop, t->address);
        setenv("LAMBENT_CONTAINER_CLI", t->command, 1);
        unsetenv("DOCKER_HOST");
        make_containers(t);
}

/* Nothing of the trial may be left: no container, no process. */
static void trial_close(struct trial *t) {
        AUTO(str) char *remove = xasprintf("rm -r %s", t->folder);

        containers_close(t->containers);
        image_unref(t->image);
        docker_call_clear(&t->call);
        docker_free(t->docker);
        assert_int_equal(knock(t), 0);
        assert_true(rmdir(t->state_dir) == 0 || errno == ENOENT);
        assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
        for (size_t i = 0; i < t->knocks; ++i)
                fd_close(t->connections[i]);
        assert_int_equal(system(remove), 0);
        loop_free(t->loop);
        buf_deinit(&t->heard);
        free(t->command);
        free(t->address);
        free(t->state_dir);
        free(t->init);
        free(t->problem);
        free(t->gone);
        free(t->where);
}

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
                "\"CapDrop\":[\"ALL\"],\"Tmpfs\":{\"/tmp\":\"rw,size=64m\"},\"Mounts\":[{\"Type\":\"bind\",\"Source\":"
                "\"/with,comma and \\\"\",\"Target\":\"/t\",\"ReadOnly\":true},{\"Type\":\"volume\",\"Target\":\"/v\"}]}}");
        assert_true(was_called(
                &t, "create --name n --pull never --stop-timeout 0 --user 993:990 "
                    "--env-file /proc/self/fd/3 --interactive --label x=1 2 --rm --memory 134217728 "
                    "--cpus 0.500000000 --read-only --cap-drop ALL --tmpfs /tmp:rw,size=64m "
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

/* It has fewer options and copies from running containers only. */
static void test_nerdctl(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *look = NULL;
        struct trial t;

        trial_open(&t);
        docker_free(t.docker);
        free(t.address);
        t.address = xasprintf("nerdctl-command:%s", t.command);
        t.docker = docker_new(t.loop, t.address);
        id = create(&t, "{\"Image\":\"i\",\"OpenStdin\":true,\"Healthcheck\":{\"Test\":[\"NONE\"]},"
                        "\"HostConfig\":{\"LogConfig\":{\"Type\":\"none\"},\"CapDrop\":[\"ALL\"]}}");
        assert_true(was_called(&t, "create --name n --pull never --stop-timeout 0 --cap-drop ALL i\n"));
        look = xasprintf("/containers/%s/archive?path=/lambent/init/x", id);
        assert_int_equal(ask(&t, HTTP_HEAD_, look, NULL, 0), 0);
        assert_true(was_called(&t, "container inspect --format {{json .}} "));
        assert_false(was_called(&t, "cp "));
        remove_it(&t, id);
        assert_int_equal(ask(&t, HTTP_HEAD_, look, NULL, 0), -ENOENT);
        trial_close(&t);
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
static void begin_streams(struct trial *t, const char *id, struct docker_call *starting) {
        AUTO(str) char *attach = xasprintf("/containers/%s/attach?stream=1&stdin=1&stdout=1&stderr=1", id);
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
        turn_until(t, was_called(t, "start --attach --interactive "));
}

static void test_streams_of_a_container(void **state) {
        static const char framed[] = "\1\0\0\0\0\0\0\5hello";
        AUTO(str) char *id = NULL;
        struct docker_call starting = {};
        struct trial t;

        trial_open(&t);
        id = create(&t, "{\"Image\":\"i\"}");
        begin_streams(&t, id, &starting);
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
        begin_streams(&t, id, &starting);
        assert_true(docker_is_under_way(&starting));
        docker_has_happened(&starting);
        turn_until(&t, !docker_is_under_way(&starting));
        docker_has_happened(&starting);
        docker_call_clear(&starting);
        docker_cancel(&t.call);
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

        command_translate_event(dialect, line, strlen(line), &said, &id);
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

/* ---- environments ---- */

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        struct trial *t = container_of(wait, struct trial, wait);

        t->answered = true;
        free(t->problem);
        free(t->where);
        t->problem = problem ? xstrdup(problem) : NULL;
        t->where = engine ? xstrdup(engine->address) : NULL;
}

static bool find_engine(struct trial *t) {
        t->answered = false;
        containers_want(t->containers, &t->wait, on_engine);
        turn_until(t, t->answered);
        return !t->problem;
}

static void on_image(struct image_ask *asked, struct image *image, int r, const char *problem) {
        struct trial *t = container_of(asked, struct trial, ask);

        t->image_answered = true;
        free(t->problem);
        t->problem = problem ? xstrdup(problem) : NULL;
        t->image = image ? image_ref(image) : NULL;
}

static bool find_image(struct trial *t) {
        struct utsname host;

        assert_int_equal(uname(&host), 0);
        t->image_answered = false;
        images_want(containers_images(t->containers), "public.ecr.aws/lambda/provided:al2023", NULL,
                    streq(host.machine, "aarch64") ? "arm64" : host.machine, &t->ask, on_image);
        turn_until(t, t->image_answered);
        return t->image != NULL;
}

static void on_gone(struct environment *e, const char *why) {
        struct trial *t = e->owner;

        ++t->gone_times;
        free(t->gone);
        t->gone = xstrdup(why);
}

static void on_started(struct environment *e) {
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
}

static const struct environment_events events = {
        .started = on_started, .ready = on_ready, .log = on_log, .gone = on_gone
};

static void begin_start(struct trial *t) {
        t->environment = made_environment(t->containers, t->image, t->folder);
        t->environment->events = &events;
        t->environment->owner = t;
        assert_int_equal(t->environment->ops->start(t->environment), 0);
}

/* The daemon has said something to its init. */
static bool is_linked(const struct trial *t) {
        char some;

        for (size_t i = 0; i < t->knocks; ++i)
                if (recv(t->connections[i], &some, 1, MSG_PEEK | MSG_DONTWAIT) > 0)
                        return true;
        return false;
}

static void cold_start(struct trial *t) {
        begin_start(t);
        turn_until(t, is_linked(t) || t->gone_times);
}

static void test_cold_start(void **state) {
        AUTO(str) char *id = NULL;
        struct trial t;

        trial_open(&t);
        put(&t, "no-image", "", 0600);
        assert_true(find_engine(&t));
        assert_string_equal(t.where, t.address);
        assert_true(find_image(&t));
        assert_true(was_called(&t, "pull --platform linux/"));
        cold_start(&t);
        assert_int_equal(t.gone_times, 0);
        id = containers_find(t.containers, t.environment->id);
        assert_int_equal(strlen(id), 64);
        t.environment->ops->free(t.environment);
        trial_close(&t);
}

static void test_image_that_cannot_be_pulled(void **state) {
        struct trial t;

        trial_open(&t);
        put(&t, "no-image", "pull access denied for x", 0600);
        assert_true(find_engine(&t));
        assert_false(find_image(&t));
        assert_non_null(strstr(t.problem, "pull access denied for x"));
        trial_close(&t);
}

static void sweep(const char *trouble) {
        for (unsigned n = 1;; ++n) {
                AUTO(str) char *order = xasprintf("%u %s\n", n, trouble);
                struct trial t;
                bool hit;

                trial_open(&t);
                put(&t, "trouble", order, 0600);
                if (find_engine(&t) && find_image(&t)) {
                        cold_start(&t);
                        t.environment->ops->free(t.environment);
                } else {
                        assert_non_null(t.problem);
                }
                containers_close(TAKE(t.containers));
                hit = calls(&t) >= n;
                put(&t, "trouble", "0 none\n", 0600);
                if (knock(&t)) {
                        make_containers(&t);
                        assert_true(find_engine(&t));
                        turn_until(&t, knock(&t) == 0);
                }
                trial_close(&t);
                if (!hit)
                        return;
        }
}

static void test_every_call_refused(void **state) {
        sweep("refuses");
}

static void test_every_answer_lost(void **state) {
        sweep("loses");
}

static void test_given_up_at_every_moment(void **state) {
        bool linked = false;

        for (unsigned n = 1; !linked; n += 3) {
                struct trial t;

                trial_open(&t);
                assert_true(find_engine(&t) && find_image(&t));
                begin_start(&t);
                for (unsigned i = 0; i < n; ++i) {
                        assert_int_equal(loop_turn(t.loop, MILLISECOND), 0);
                        knock(&t);
                }
                linked = is_linked(&t);
                t.environment->ops->free(t.environment);
                trial_close(&t);
        }
}

static void test_its_end_is_heard_of(void **state) {
        AUTO(str) char *id = NULL;
        AUTO(str) char *event = NULL;
        AUTO(str) char *path = NULL;
        struct trial t;
        FILE *books;

        trial_open(&t);
        assert_true(find_engine(&t) && find_image(&t));
        cold_start(&t);
        id = containers_find(t.containers, t.environment->id);
        path = book(&t, "events");
        books = fopen(path, "ae");
        fprintf(books, "{\"Action\":\"die\",\"Actor\":{\"ID\":\"%s\",\"Attributes\":{\"exitCode\":\"3\"}}}\n",
                id);
        fclose(books);
        turn_until(&t, t.gone_times);
        assert_string_equal(t.gone, "the container ended with status 3");
        t.environment->ops->free(t.environment);
        trial_close(&t);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options_of_a_container),
                cmocka_unit_test(test_nerdctl),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_a_command_that_hangs),
                cmocka_unit_test(test_streams_of_a_container),
                cmocka_unit_test(test_a_start_that_is_known_from_elsewhere),
                cmocka_unit_test(test_an_archive),
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_cold_start),
                cmocka_unit_test(test_image_that_cannot_be_pulled),
                cmocka_unit_test(test_every_call_refused),
                cmocka_unit_test(test_every_answer_lost),
                cmocka_unit_test(test_given_up_at_every_moment),
                cmocka_unit_test(test_its_end_is_heard_of),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
