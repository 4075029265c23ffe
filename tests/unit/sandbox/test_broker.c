/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sockets that only root may open: which of them the broker opens, what it answers, and the container driver over connections that
 * a broker makes, with every trouble that one can make.
 *
 * The driver's broker is this program itself, called again (be_broker): it opens the fake engine's socket when it is asked for
 * another one, which is closed to everybody.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/rights.h"
#include "fake_engine.h"
#include "sandbox/broker/answer.h"
#include "sandbox/broker/broker.h"
#include "sandbox/broker/protocol.h"
#include "sandbox/broker/roots_own.h"
#include "sandbox/engine/detect_places.h"
#include "stage.h"

#define STRANGER 1234567

/* ---- sockets ---- */

static struct sockaddr_un address_of(const char *path) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };

        assert_true(strlen(path) < sizeof(at.sun_path));
        strcpy(at.sun_path, path);
        return at;
}

static int listen_at(const char *path, int backlog) {
        struct sockaddr_un at = address_of(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(fd, backlog), 0);
        return fd;
}

static int connect_to(const char *path) {
        struct sockaddr_un at = address_of(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) == 0)
                return fd;
        fd_close(fd);
        return -1;
}

/* ---- whose a path is ---- */

static int whose(const char *folder, const char *below, char real[static PATH_MAX]) {
        AUTO(str) char *path = xasprintf("%s%s", folder, below);

        return owners_own(geteuid(), path, real);
}

static void test_whose_a_path_is(void **state) {
        static const struct {
                const char *path, *real; /* below the folder */
                int r;
        } cases[] = {
                { "/mine/socket", "/mine/socket", 0 },
                { "//mine/.//socket", "/mine/socket", 0 },
                { "/mine/../mine/socket", "/mine/socket", 0 },
                { "/mine", "/mine", 0 },
                { "/mine/none", NULL, -ENOENT },
                { "/mine/socket/none", NULL, -ENOTDIR },
                { "/mine/near", "/mine/socket", 0 },
                { "/mine/around", "/mine/socket", 0 },
                { "/mine/far", "/mine/socket", 0 },
                { "/mine/loop", NULL, -ELOOP },
                { "/mine/to-all", NULL, -EPERM },
                { "/mine/to-group", NULL, -EPERM },
                { "/all/socket", NULL, -EPERM },
                { "/all/link", NULL,
                  -EPERM }, /* to what is ours alone, for as long as nobody changes the link */
                { "/all/../mine/socket", NULL, -EPERM },
                { "/group/socket", NULL, -EPERM },
                { "/sticky/socket", "/sticky/socket", 0 },
                { "/sticky", NULL, -EPERM },
                { "/sticky/.", NULL, -EPERM },
                { "/mine/file", "/mine/file", 0 },
                { "/mine/open-file", NULL, -EPERM },
        };
        static const struct {
                const char *name;
                mode_t mode;
        } folders[] = { { "mine", 0755 }, { "all", 0777 }, { "group", 0775 }, { "sticky", 01777 } };
        static const char *const links[][2] = {
                { "mine/near", "socket" },         { "mine/around", "../mine/near" },
                { "mine/loop", "loop" },           { "mine/to-all", "../all/socket" },
                { "mine/to-group", "../group/." }, { "all/link", "../mine/socket" },
        };
        char folder[] = "/tmp/broker-XXXXXX", real[PATH_MAX];
        AUTO(str) char *command = NULL;

        assert_non_null(mkdtemp(folder));
        for (size_t i = 0; i < ARRAY_SIZE(folders); ++i) {
                AUTO(str) char *path = xasprintf("%s/%s", folder, folders[i].name);
                AUTO(str) char *socket = xasprintf("%s/socket", path);

                assert_int_equal(mkdir(path, 0700), 0);
                assert_int_equal(chmod(path, folders[i].mode), 0);
                fd_close(listen_at(socket, 1));
                assert_int_equal(chmod(socket, 0666), 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(links); ++i) {
                AUTO(str) char *path = xasprintf("%s/%s", folder, links[i][0]);

                assert_int_equal(symlink(links[i][1], path), 0);
        }
        command = xasprintf(
                "cd %s && ln -s $PWD/mine/socket mine/far && : >mine/file && chmod 644 mine/file && "
                ": >mine/open-file && chmod 666 mine/open-file",
                folder);
        assert_int_equal(system(command), 0);
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                AUTO(str) char *expected = cases[i].real ? xasprintf("%s%s", folder, cases[i].real) : NULL;

                assert_int_equal(whose(folder, cases[i].path, real), cases[i].r);
                if (expected)
                        assert_string_equal(real, expected);
        }
        assert_int_equal(roots_own("relative", real), -EINVAL);
        assert_int_equal(roots_own("", real), -EINVAL);
        assert_int_equal(roots_own("/", real), 0);
        assert_string_equal(real, "/");
        if (geteuid() == 0) {
                AUTO(str) char *mine = xasprintf("%s/mine", folder);
                AUTO(str) char *socket = xasprintf("%s/sticky/socket", folder);

                assert_int_equal(whose(folder, "/mine/socket", real), 0);
                assert_int_equal(chown(mine, STRANGER, STRANGER), 0);
                assert_int_equal(whose(folder, "/mine/socket", real), -EPERM);
                assert_int_equal(chown(socket, STRANGER, STRANGER), 0);
                assert_int_equal(whose(folder, "/sticky/socket", real), -EPERM);
        } else {
                assert_int_equal(roots_own(folder, real), -EPERM);
        }
        free(command);
        command = xasprintf("rm -r %s", folder);
        assert_int_equal(system(command), 0);
}

/* ---- what the process answers ---- */

struct asked {
        char folder[32];
        char *paths[3]; /* somebody listens; nobody is there; nobody takes connections */
        int listener, full, full_one;
        int daemon; /* our end */
        pid_t pid;
};

enum { LISTENS, ABSENT, FULL };

static void asked_open(struct asked *a) {
        int ends[2];

        *a = (struct asked){ .folder = "/tmp/broker-XXXXXX" };
        assert_non_null(mkdtemp(a->folder));
        for (size_t i = 0; i < ARRAY_SIZE(a->paths); ++i)
                a->paths[i] = xasprintf("%s/%zu", a->folder, i);
        a->listener = listen_at(a->paths[LISTENS], 64);
        a->full = listen_at(a->paths[FULL], 0);
        a->full_one = connect_to(a->paths[FULL]);
        assert_true(a->full_one >= 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
        a->daemon = ends[0];
        a->pid = fork();
        assert_true(a->pid >= 0);
        if (a->pid == 0) {
                fd_close(ends[0]);
                _exit(-broker_answer_all(ends[1], (const char *const *)a->paths, ARRAY_SIZE(a->paths)));
        }
        fd_close(ends[1]);
}

/* How it ended: an errno, 0 when it saw us go. */
static int asked_close(struct asked *a) {
        int status;

        fd_close(a->daemon);
        assert_int_equal(waitpid(a->pid, &status, 0), a->pid);
        fd_close(a->listener);
        fd_close(a->full);
        fd_close(a->full_one);
        for (size_t i = 0; i < ARRAY_SIZE(a->paths); ++i) {
                unlink(a->paths[i]);
                free(a->paths[i]);
        }
        assert_int_equal(rmdir(a->folder), 0);
        assert_true(WIFEXITED(status));
        return WEXITSTATUS(status);
}

static void ask(const struct asked *a, uint32_t id, uint32_t place) {
        const struct broker_question question = { id, place };

        assert_int_equal(send(a->daemon, &question, sizeof(question), 0), sizeof(question));
}

/* The descriptor that came along; -1: none. */
static int answered(const struct asked *a, uint32_t id, int error) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(2 * sizeof(int))];
        struct broker_answer answer;
        struct iovec iov = { &answer, sizeof(answer) };
        struct msghdr msg = {
                .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
        };
        const struct cmsghdr *cmsg;
        int fd = -1;

        assert_int_equal(recvmsg(a->daemon, &msg, MSG_CMSG_CLOEXEC), sizeof(answer));
        assert_int_equal(answer.id, id);
        assert_int_equal(answer.error, error);
        cmsg = CMSG_FIRSTHDR(&msg);
        if (!cmsg)
                return -1;
        assert_int_equal(cmsg->cmsg_len, CMSG_LEN(sizeof(int)));
        memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
        return fd;
}

/* Only root's folders are root's own. */
static int if_root(int r) {
        return geteuid() == 0 ? r : -EPERM;
}

static void test_answers(void **state) {
        struct asked a;
        int fd, peer;
        char byte;

        asked_open(&a);
        ask(&a, 7, LISTENS);
        fd = answered(&a, 7, if_root(0));
        assert_int_equal(fd >= 0, geteuid() == 0);
        if (fd >= 0) {
                peer = accept4(a.listener, NULL, NULL, SOCK_CLOEXEC);
                assert_int_equal(read(fd, &byte, 1), -1);
                assert_int_equal(errno, EAGAIN);
                assert_int_equal(write(fd, "x", 1), 1);
                assert_int_equal(read(peer, &byte, 1), 1);
                /* The process has kept no copy. */
                fd_close(fd);
                assert_int_equal(read(peer, &byte, 1), 0);
                fd_close(peer);
        }
        ask(&a, 8, ABSENT);
        assert_int_equal(answered(&a, 8, if_root(-ENOENT)), -1);
        ask(&a, 8, FULL);
        assert_int_equal(answered(&a, 8, if_root(-EAGAIN)), -1);
        ask(&a, 0, 3);
        assert_int_equal(answered(&a, 0, -EINVAL), -1);
        ask(&a, UINT32_MAX, UINT32_MAX);
        assert_int_equal(answered(&a, UINT32_MAX, -EINVAL), -1);
        ask(&a, 9, LISTENS);
        fd_close(answered(&a, 9, if_root(0)));
        assert_int_equal(asked_close(&a), 0);
}

/* Far more than the sockets hold: each is answered, in order. */
static void test_many_questions(void **state) {
        enum { MANY = 5000 };
        struct asked a;
        uint32_t sent = 0;

        asked_open(&a);
        for (uint32_t got = 0; got < MANY;) {
                const struct broker_question question = { sent, 3 };

                if (sent < MANY &&
                    send(a.daemon, &question, sizeof(question), MSG_DONTWAIT) == sizeof(question))
                        ++sent;
                else
                        answered(&a, got++, -EINVAL);
        }
        assert_int_equal(asked_close(&a), 0);
}

/* The daemon ends without having taken its answers. */
static void test_unheard_answers(void **state) {
        struct asked a;

        asked_open(&a);
        for (uint32_t i = 0; i < 20; ++i)
                ask(&a, i, LISTENS);
        assert_int_equal(asked_close(&a), 0);
}

static void test_rubbish(void **state) {
        static const char rubbish[64];
        static const size_t lengths[] = { 1, sizeof(struct broker_question) - 1,
                                          sizeof(struct broker_question) + 1, sizeof(rubbish) };

        for (size_t i = 0; i < ARRAY_SIZE(lengths); ++i) {
                struct asked a;
                char byte;

                asked_open(&a);
                assert_int_equal(send(a.daemon, rubbish, lengths[i], 0), lengths[i]);
                assert_true(recv(a.daemon, &byte, 1, 0) <= 0);
                assert_int_equal(asked_close(&a), EPROTO);
        }
}

/* ---- what is asked for ---- */

static void expect_sockets(const char *expected) {
        AUTO(buf) struct buf found = BUF_NULL(4 * KIB);
        AUTO(str) char *text = NULL;
        struct places places = {};

        places_look_for_broker(&places);
        for (size_t i = 0; i < places.count; ++i) {
                assert_int_equal(buf_append_strs(&found, places.endpoints[i].address, " ", NULL), 0);
                free(places.endpoints[i].address);
                free(places.endpoints[i].found_by);
                docker_tls_clear(&places.endpoints[i].tls);
        }
        buf_deinit(&places.problems);
        text = buf_take_str(&found, NULL) ?: xstrdup("");
        assert_string_equal(text, expected);
}

/* Whether or not they are there: an engine may be started after lambent. */
static void test_what_is_asked_for(void **state) {
        AUTO(str) char *all = NULL;
        AUTO(str) char *home = getenv("HOME") ? xstrdup(getenv("HOME")) : NULL;

        unsetenv("LAMBENT_CONTAINER_CLI");
        setenv("DOCKER_HOST", "unix:///some/where.sock", 1);
        expect_sockets("unix:/some/where.sock ");
        setenv("DOCKER_HOST", "ssh://elsewhere", 1);
        expect_sockets("");
        setenv("DOCKER_HOST", "", 1);
        setenv("DOCKER_CONFIG", "/nowhere", 1);
        setenv("HOME", "/root", 1);
        unsetenv("XDG_RUNTIME_DIR");
        all = xasprintf("unix:/run/docker.sock unix:/var/run/docker.sock unix:/root/.docker/run/docker.sock "
                        "unix:/root/.docker/desktop/docker.sock unix:/root/.colima/default/docker.sock "
                        "unix:/root/.colima/docker.sock unix:/run/user/%u/docker.sock %s"
                        "unix:/run/user/%u/podman/podman.sock ",
                        geteuid(), geteuid() == 0 ? "unix:/run/podman/podman.sock " : "", geteuid());
        expect_sockets(all);
        setenv("LAMBENT_CONTAINER_CLI", "docker", 1);
        expect_sockets("");
        unsetenv("LAMBENT_CONTAINER_CLI");
        if (home)
                setenv("HOME", home, 1);
}

/* Of a context only where nobody but root can have chosen it. */
static void test_whose_context_counts(void **state) {
        char folder[] = "/tmp/broker-XXXXXX";
        AUTO(str) char *command = NULL;
        struct places places = {};

        assert_non_null(mkdtemp(folder));
        command = xasprintf(
                "d=%s/contexts/meta/$(printf mine | sha256sum | cut -c -64) && mkdir -p $d && "
                "printf '{\"Endpoints\":{\"docker\":{\"Host\":\"unix:///chosen.sock\"}}}' >$d/meta.json",
                folder);
        assert_int_equal(system(command), 0);
        setenv("DOCKER_HOST", "", 1);
        setenv("DOCKER_CONFIG", folder, 1);
        setenv("DOCKER_CONTEXT", "mine", 1);
        for (int others = 0; others < 2; ++others) {
                bool counts = geteuid() == 0 && !others;

                assert_int_equal(chmod(folder, others ? 0777 : 0755), 0);
                places_look_for_broker(&places);
                assert_int_equal(streq(places.endpoints[0].address, "unix:/chosen.sock"), counts);
                for (size_t i = 0; i < places.count; ++i) {
                        free(places.endpoints[i].address);
                        free(places.endpoints[i].found_by);
                        docker_tls_clear(&places.endpoints[i].tls);
                }
                buf_deinit(&places.problems);
                places = (struct places){};
        }
        unsetenv("DOCKER_CONTEXT");
        free(command);
        command = xasprintf("rm -r %s", folder);
        assert_int_equal(system(command), 0);
}

/* ---- the driver's broker ---- */

/* What it does when it is asked for the n-th time; before and after it connects. */
static const char *const moods[] = { "refuses", "forgets-the-descriptor", "answers-another", "babbles",
                                     "ends" };
enum mood { REFUSES, FORGETS, ANSWERS_ANOTHER, BABBLES, ENDS, MOODS };

static void tell(uint32_t id, int error, int fd) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        struct broker_answer answer = { id, error };
        struct iovec iov = { &answer, sizeof(answer) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        struct cmsghdr *cmsg;

        if (fd >= 0) {
                msg.msg_control = control;
                msg.msg_controllen = sizeof(control);
                cmsg = CMSG_FIRSTHDR(&msg);
                cmsg->cmsg_level = SOL_SOCKET;
                cmsg->cmsg_type = SCM_RIGHTS;
                cmsg->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
        }
        if (sendmsg(3, &msg, MSG_NOSIGNAL) < 0)
                _exit(0);
}

/* The second of its paths says how it is in trouble, and when: "/ends/3". */
static void make_trouble(const char *mood, const struct broker_question *question, int fd) {
        if (str_starts(mood, moods[REFUSES])) {
                tell(question->id, -ECONNREFUSED, -1);
        } else if (str_starts(mood, moods[FORGETS])) {
                tell(question->id, 0, -1);
        } else if (str_starts(mood, moods[ANSWERS_ANOTHER])) {
                tell(question->id + 1000, 0, fd);
                tell(question->id, 0, fd);
        } else if (str_starts(mood, moods[BABBLES])) {
                send(3, "?", 1, MSG_NOSIGNAL);
                while (recv(3, &fd, sizeof(fd), 0) > 0)
                        ;
                _exit(0);
        } else {
                _exit(0);
        }
}

static int be_broker(char **paths) {
        AUTO(str) char *engine = xstrndup(paths[0], (size_t)(strrchr(paths[0], '/') - paths[0]));
        AUTO(str) char *path = xasprintf("%s/engine.sock", engine);
        const char *mood = paths[1] + 1;
        unsigned number = 0, trouble_at = (unsigned)atoi(strrchr(mood, '/') + 1);
        struct broker_question question;

        while (recv(3, &question, sizeof(question), 0) == sizeof(question)) {
                int fd = question.place == 0 ? connect_to(path) : -1;

                if (++number == trouble_at)
                        make_trouble(mood, &question, fd);
                else
                        tell(question.id, fd < 0 ? -ECONNREFUSED : 0, fd);
                fd_close(fd);
        }
        return 0;
}

/* ---- the driver over it ---- */

struct trial {
        struct stage stage;
        struct fake_engine fake;
        struct broker *broker;
        char *closed; /* DOCKER_HOST: a socket that nobody may open */
};

static void start_broker(struct trial *t, enum mood mood, unsigned at) {
        AUTO(str) char *address = xasprintf("unix:%s", t->closed);
        AUTO(str) char *trouble = xasprintf("unix:/%s/%u", moods[mood], at);
        AUTO(str) char *self = realpath("/proc/self/exe", NULL);
        const struct broker_place places[] = { { address, (char *)"DOCKER_HOST", NULL, false },
                                               { trouble, (char *)"", NULL, true } };

        assert_int_equal(broker_start(t->stage.loop, self, places, ARRAY_SIZE(places), &t->broker), 0);
        t->stage.options.broker = t->broker;
}

static void trial_open(struct trial *t, enum mood mood, unsigned at) {
        AUTO(str) char *host = NULL;

        *t = (struct trial){};
        assert_int_equal(loop_new(&t->stage.loop), 0);
        fake_engine_open(&t->fake, t->stage.loop);
        t->closed = xasprintf("%s/closed.sock", t->fake.folder);
        fd_close(listen_at(t->closed, 1));
        assert_int_equal(chmod(t->closed, 0), 0);
        host = xasprintf("unix://%s", t->closed);
        setenv("DOCKER_HOST", host, 1);
        stage_open(&t->stage, t->fake.folder, "docker");
        start_broker(t, mood, at);
        stage_make_containers(&t->stage);
}

static void trial_close(struct trial *t) {
        stage_close_containers(&t->stage);
        broker_free(TAKE(t->broker));
        assert_int_equal(fake_engine_containers(&t->fake), 0);
        stage_close(&t->stage);
        fake_engine_close(&t->fake);
        unlink(t->closed);
        free(t->closed);
        assert_int_equal(rmdir(t->fake.folder), 0);
        loop_free(t->stage.loop);
}

static bool is_linked(struct trial *t) {
        return !list_is_empty(&t->fake.connections) && t->stage.environment->ops;
}

static void cold_start(struct trial *t) {
        stage_start(&t->stage);
        stage_until(&t->stage, is_linked(t) || t->stage.gone_times);
}

static void test_cold_start(void **state) {
        const struct containers_engine *engine;
        struct trial t;
        AUTO(str) char *address = NULL;

        trial_open(&t, REFUSES, 0);
        address = xasprintf("unix:%s", t.closed);
        assert_true(stage_find_engine(&t.stage) && stage_find_image(&t.stage));
        engine = containers_engine(t.stage.containers, NULL);
        assert_string_equal(engine->address, address);
        assert_string_equal(engine->found_by, "DOCKER_HOST, opened by root's helper");
        cold_start(&t);
        assert_int_equal(t.stage.gone_times, 0);
        assert_int_equal(fake_engine_containers(&t.fake), 1);
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

/* Streams in both directions, and their ends. */
static void test_streams(void **state) {
        struct trial t;

        trial_open(&t, REFUSES, 0);
        t.fake.shares_files = false;
        assert_true(stage_find_engine(&t.stage) && stage_find_image(&t.stage));
        stage_start(&t.stage);
        stage_until(&t.stage, t.fake.attach && t.fake.started);
        fake_engine_kill(&t.fake, 137, false);
        stage_until(&t.stage, t.stage.gone_times);
        t.stage.environment->ops->free(t.stage.environment);
        trial_close(&t);
}

/* A socket that we may open ourselves is nobody else's matter. */
static void test_an_open_socket(void **state) {
        struct trial t;
        AUTO(str) char *host = NULL;

        trial_open(&t, ENDS, 1);
        host = xasprintf("unix://%s", t.fake.socket);
        setenv("DOCKER_HOST", host, 1);
        assert_true(stage_find_engine(&t.stage));
        assert_string_equal(containers_engine(t.stage.containers, NULL)->found_by, "DOCKER_HOST");
        trial_close(&t);
}

static bool is_final(enum mood mood) {
        return mood == BABBLES || mood == ENDS;
}

/* What a broker that has ended leaves to the next daemon, which has one again. */
static void clear_away(struct trial *t, enum mood mood) {
        stage_close_containers(&t->stage);
        broker_free(TAKE(t->broker));
        start_broker(t, mood, 0);
        stage_make_containers(&t->stage);
        assert_true(stage_find_engine(&t->stage));
        stage_until(&t->stage, fake_engine_containers(&t->fake) == 0);
}

static bool has_trouble_at(enum mood mood, unsigned n) {
        struct trial t;
        bool hit;

        trial_open(&t, mood, n);
        if (stage_find_engine(&t.stage) && stage_find_image(&t.stage)) {
                cold_start(&t);
                assert_true(t.stage.gone_times <= 1);
                t.stage.environment->ops->free(t.stage.environment);
        } else {
                assert_non_null(strstr(t.stage.problem,
                                       is_final(mood)    ? "root's helper, which is to open it, has ended"
                                       : mood == FORGETS ? "Too many open files"
                                                         : "Connection refused"));
        }
        hit = t.fake.calls + 1 >= n;
        if (fake_engine_containers(&t.fake))
                clear_away(&t, mood);
        trial_close(&t);
        return hit;
}

static void test_every_trouble_at_every_connection(void **state) {
        for (enum mood mood = REFUSES; mood < MOODS; ++mood)
                for (unsigned n = 1; has_trouble_at(mood, n); ++n)
                        assert_true(n < 100);
}

/* What nobody waits for any more comes to nothing, whether it was asked for or not. */
static void test_given_up_while_it_is_asked(void **state) {
        static const struct http_client_ops none;
        struct http_client *clients[500];
        AUTO(str) char *address = NULL;
        struct trial t;

        trial_open(&t, REFUSES, 0);
        address = xasprintf("unix:%s", t.closed);
        for (size_t i = 0; i < ARRAY_SIZE(clients); ++i) {
                clients[i] = broker_client_new(t.broker, address);
                assert_int_equal(http_client_call(clients[i], HTTP_GET_, "/version", NULL, NULL, 0,
                                                  NSEC_NEVER, &none, NULL),
                                 0);
        }
        for (size_t i = 0; i < ARRAY_SIZE(clients); ++i)
                http_client_free(clients[i]);
        trial_close(&t);
}

struct count {
        unsigned ended, failed;
};

static void on_end(void *owner, int r) {
        struct count *count = owner;

        ++count->ended;
        count->failed += r != 0;
}

/* More than its socket holds, all at once. */
static void test_many_at_once(void **state) {
        static const struct http_client_ops ops = { .on_end = on_end };
        struct http_client *clients[400];
        struct count count = {};
        AUTO(str) char *address = NULL;
        struct trial t;

        trial_open(&t, REFUSES, 7);
        address = xasprintf("unix:%s", t.closed);
        for (size_t i = 0; i < ARRAY_SIZE(clients); ++i) {
                clients[i] = broker_client_new(t.broker, address);
                assert_int_equal(http_client_call(clients[i], HTTP_GET_, "/version", NULL, NULL, 0,
                                                  NSEC_NEVER, &ops, &count),
                                 0);
        }
        stage_until(&t.stage, count.ended == ARRAY_SIZE(clients));
        /* The engine's queue is shorter than that: some find it full. */
        assert_true(count.failed >= 1 && t.fake.calls == count.ended - count.failed);
        for (size_t i = 0; i < ARRAY_SIZE(clients); ++i)
                http_client_free(clients[i]);
        trial_close(&t);
}

static void fail_to_call(struct trial *t) {
        static const struct http_client_ops ops = { .on_end = on_end };
        AUTO(str) char *address = xasprintf("unix:%s", t->closed);
        struct http_client *client = broker_client_new(t->broker, address);
        struct count count = {};

        assert_int_equal(
                http_client_call(client, HTTP_GET_, "/version", NULL, NULL, 0, NSEC_NEVER, &ops, &count), 0);
        stage_until(&t->stage, count.ended == 1);
        assert_int_equal(count.failed, 1);
        http_client_free(client);
}

static void test_nothing_is_left_of_one_that_has_ended(void **state) {
        struct trial t;
        siginfo_t info;

        trial_open(&t, ENDS, 1);
        fail_to_call(&t);
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT), 0);
        fail_to_call(&t);
        assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
        trial_close(&t);
}

static void test_no_such_program(void **state) {
        const struct broker_place place = { (char *)"unix:/run/x.sock", (char *)"", NULL, true };
        struct broker *broker = NULL;
        struct loop *loop;

        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(broker_start(loop, "/nowhere/lambent-broker", &place, 1, &broker), -ENOENT);
        assert_null(broker);
        assert_false(broker_has(NULL, "unix:/run/x.sock"));
        loop_free(loop);
}

/* Root, too, must find closed what nobody may open. */
static int give_up_rights(void **state) {
        return rights_keep(0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_whose_a_path_is, give_up_rights),
                cmocka_unit_test(test_answers),
                cmocka_unit_test(test_many_questions),
                cmocka_unit_test(test_unheard_answers),
                cmocka_unit_test(test_rubbish),
                cmocka_unit_test(test_what_is_asked_for),
                cmocka_unit_test(test_whose_context_counts),
                cmocka_unit_test(test_cold_start),
                cmocka_unit_test(test_streams),
                cmocka_unit_test(test_an_open_socket),
                cmocka_unit_test(test_every_trouble_at_every_connection),
                cmocka_unit_test(test_given_up_while_it_is_asked),
                cmocka_unit_test(test_many_at_once),
                cmocka_unit_test(test_nothing_is_left_of_one_that_has_ended),
                cmocka_unit_test(test_no_such_program),
        };

        if (streq(argv[0], "lambent-broker"))
                return be_broker(argv + 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
