/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sandbox/engine/detect_places.h"
#include "sandbox/engine/lease.h"

static void test_hosts(void **state) {
        static const struct {
                const char *host, *address;
                bool wanted, tls; /* before, and after */
        } hosts[] = {
                { "unix:///run/docker.sock", "unix:/run/docker.sock", false, false },
                { "unix:///run/docker.sock", "unix:/run/docker.sock", true, false },
                { "tcp://10.0.0.1:2375", "10.0.0.1:2375", false, false },
                { "tcp://10.0.0.1", "10.0.0.1:2375", false, false },
                { "tcp://10.0.0.1", "10.0.0.1:2376", true, true },
                { "tcp://[::1]:99/", "[::1]:99", false, false },
                { "tcp://[::1]", "[::1]:2375", false, false },
                { "tcp://[::1]", "[::1]:2376", true, true },
                { "http://localhost:5000/v1", "localhost:5000", false, false },
                { "https://localhost:5000/v1", "localhost:5000", false, true },
                { "https://docker.example", "docker.example:2376", false, true },
        };
        AUTO(str) char *problem = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(hosts); ++i) {
                bool tls = hosts[i].wanted;
                AUTO(str) char *address = detect_address(hosts[i].host, &tls, &problem);

                assert_non_null(address);
                assert_string_equal(address, hosts[i].address);
                assert_int_equal(tls, hosts[i].tls);
        }
}

static void test_hosts_that_lambent_cannot_speak_to(void **state) {
        static const char *const hosts[] = { "ssh://host", "npipe:////./pipe/docker", "tcp://", "https://",
                                             "nonsense" };

        for (size_t i = 0; i < ARRAY_SIZE(hosts); ++i) {
                AUTO(str) char *problem = NULL;
                bool tls = i % 2;

                assert_null(detect_address(hosts[i], &tls, &problem));
                assert_non_null(strstr(problem, hosts[i]));
        }
}

static void put(const char *folder, const char *name, const char *text) {
        AUTO(str) char *path = xasprintf("%s/%s", folder, name);
        int fd;

        for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                mkdir(path, 0700);
                *slash = '/';
        }
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        fd_close(fd);
}

/* sha256("desktop"), as docker itself names the folder. */
#define DESKTOP "68693d02ab4fbb2331b8cc39915322e48e61f06d4d1b31e7d19913202857bc8a"

static void test_contexts(void **state) {
        char folder[] = "/tmp/detect-XXXXXX";
        AUTO(str) char *host = NULL;
        AUTO(str) char *command = NULL;
        AUTO(str) char *material = NULL;
        struct docker_tls tls = {};

        assert_non_null(mkdtemp(folder));
        assert_int_equal(detect_context(folder, NULL, &host, &tls), -ENOENT);
        put(folder, "config.json", "{\"currentContext\":\"default\"}");
        assert_int_equal(detect_context(folder, NULL, &host, &tls), -ENOENT);
        put(folder, "config.json", "{\"currentContext\":\"desktop\"}");
        assert_int_equal(detect_context(folder, NULL, &host, &tls), -ENOENT);
        put(folder, "contexts/meta/" DESKTOP "/meta.json",
            "{\"Name\":\"desktop\",\"Endpoints\":{\"docker\":{\"Host\":\"unix:///x.sock\"}}}");
        assert_int_equal(detect_context(folder, NULL, &host, &tls), 0);
        assert_string_equal(host, "unix:///x.sock");
        assert_false(tls.wanted);
        free(TAKE(host));
        /* What it has of TLS lies beside it, and what it does not check in it. */
        put(folder, "contexts/meta/" DESKTOP "/meta.json",
            "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://10.0.0.1:2376\",\"SkipTLSVerify\":true}}}");
        assert_int_equal(detect_context(folder, NULL, &host, &tls), 0);
        assert_true(tls.wanted && tls.any_peer && !tls.folder);
        free(TAKE(host));
        put(folder, "contexts/meta/" DESKTOP "/meta.json",
            "{\"Endpoints\":{\"docker\":{\"Host\":\"tcp://10.0.0.1:2376\",\"SkipTLSVerify\":false}}}");
        put(folder, "contexts/tls/" DESKTOP "/docker/ca.pem", "");
        assert_int_equal(detect_context(folder, NULL, &host, &tls), 0);
        material = xasprintf("%s/contexts/tls/" DESKTOP "/docker", folder);
        assert_true(tls.wanted && !tls.any_peer);
        assert_string_equal(tls.folder, material);
        docker_tls_clear(&tls);
        put(folder, "contexts/meta/" DESKTOP "/meta.json", "{\"Name\":\"desktop\"}");
        assert_int_equal(detect_context(folder, "desktop", &(char *){ NULL }, &tls), -EINVAL);
        command = xasprintf("rm -r %s", folder);
        assert_int_equal(system(command), 0);
}

static void test_leases(void **state) {
        AUTO(str) char *mine = lease_make();
        AUTO(str) char *boot = xstrdup(mine);
        AUTO(str) char *dead = NULL;
        AUTO(str) char *stranger = NULL;
        pid_t pid;
        int fds[2], len;
        char theirs[256];

        assert_false(lease_is_dead(mine, true));
        /* Another boot of this machine has ended; of another machine nothing is known. */
        boot[0] = boot[0] == '0' ? '1' : '0';
        assert_true(lease_is_dead(boot, true));
        assert_false(lease_is_dead(boot, false));
        /* A process that was there, and is no more. */
        assert_int_equal(pipe(fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (!pid) {
                char *lease = lease_make();

                _exit(write(fds[1], lease, strlen(lease)) < 0);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        len = (int)read(fds[0], theirs, sizeof(theirs) - 1);
        assert_true(len > 0);
        dead = xstrndup(theirs, (size_t)len);
        assert_true(lease_is_dead(dead, true));
        fd_close(fds[0]);
        fd_close(fds[1]);
        /* Another namespace, and what is no lease. */
        stranger = xasprintf("%.36s/1/1/1", mine);
        assert_false(lease_is_dead(stranger, true));
        assert_false(lease_is_dead("", true));
        assert_false(lease_is_dead("nonsense", true));
}

/* ---- commands ---- */

struct place {
        char folder[32], *path;
        struct places places;
};

static void place_open(struct place *p) {
        *p = (struct place){ .folder = "/tmp/detect-XXXXXX" };
        assert_non_null(mkdtemp(p->folder));
        p->path = xstrdup(getenv("PATH"));
        setenv("PATH", p->folder, 1);
        setenv("XDG_RUNTIME_DIR", p->folder, 1);
        unsetenv("LAMBENT_CONTAINER_CLI");
        unsetenv("DOCKER_HOST");
}

static void place_clear(struct place *p) {
        for (size_t i = 0; i < p->places.count; ++i) {
                free(p->places.endpoints[i].address);
                free(p->places.endpoints[i].found_by);
                docker_tls_clear(&p->places.endpoints[i].tls);
        }
        if (p->places.service)
                waitpid(p->places.service, NULL, 0);
        buf_deinit(&p->places.problems);
        p->places = (struct places){};
}

static void place_close(struct place *p) {
        AUTO(str) char *command = xasprintf("rm -r %s", p->folder);

        place_clear(p);
        setenv("PATH", p->path, 1);
        unsetenv("LAMBENT_CONTAINER_CLI");
        free(p->path);
        assert_int_equal(system(command), 0);
}

/* A command that calls itself so; nothing leads from it to a socket. */
static void install(const struct place *p, const char *name, const char *version, const char *info) {
        AUTO(str) char *text = xasprintf("#!/bin/sh\n"
                                         "case $1 in --version) echo '%s';; info) %s;; *) exit 1;; esac\n",
                                         version, info);
        AUTO(str) char *path = xasprintf("%s/%s", p->folder, name);

        put(p->folder, name, text);
        assert_int_equal(chmod(path, 0755), 0);
}

static char *found(const struct place *p) {
        AUTO(buf) struct buf all = BUF_NULL(4 * KIB);

        for (size_t i = 0; i < p->places.count; ++i)
                assert_int_equal(buf_printf(&all, "%s ", p->places.endpoints[i].address), 0);
        return buf_take_str(&all, NULL) ?: xstrdup("");
}

static void expect_found(struct place *p, const char *format) {
        AUTO(str) char *are = found(p);
        AUTO(str) char *service = xasprintf("unix:%s/state/podman.sock ", p->folder);
        char *at = strstr(are, service);

        /* One of our own, which comes before the command whose it is. */
        if (at) {
                assert_true(str_starts(at + strlen(service), "podman-command:"));
                memmove(at, at + strlen(service), strlen(at + strlen(service)) + 1);
        }
        assert_string_equal(are, format);
}

static void ask_commands(struct place *p, const char *choice) {
        AUTO(str) char *state_dir = xasprintf("%s/state", p->folder);

        place_clear(p);
        p->places.patience = 300 * MILLISECOND;
        places_ask_commands(&p->places, choice, state_dir);
}

static void test_commands_in_order(void **state) {
        struct place p;

        place_open(&p);
        ask_commands(&p, "auto");
        expect_found(&p, "");
        install(&p, "finch", "finch version v1.4.1", ":");
        install(&p, "nerdctl", "nerdctl version 2.0.0", ":");
        install(&p, "podman", "podman version 4.3.1", ":");
        install(&p, "docker", "Docker version 28.2.2, build e6534b4", ":");
        ask_commands(&p, "auto");
        expect_found(
                &p,
                "docker-command:docker podman-command:podman nerdctl-command:nerdctl nerdctl-command:finch ");
        ask_commands(&p, "podman");
        expect_found(&p, "podman-command:podman ");
        ask_commands(&p, "docker");
        expect_found(&p, "docker-command:docker nerdctl-command:nerdctl nerdctl-command:finch ");
        assert_int_equal(p.places.problems.len, 0);
        place_close(&p);
}

static void test_commands_that_do_not_work(void **state) {
        AUTO(str) char *problems = NULL;
        struct place p;

        place_open(&p);
        install(&p, "docker", "Docker version 28", "echo is the docker daemon running >&2; exit 1");
        install(&p, "nerdctl", "nerdctl version 2.0.0", "read x </dev/zero");
        install(&p, "finch", "finch version v1.4.1", ":");
        ask_commands(&p, "docker");
        expect_found(&p, "nerdctl-command:finch ");
        problems = buf_take_str(&p.places.problems, NULL);
        assert_string_equal(problems, "\"docker info\" failed: is the docker daemon running; "
                                      "\"nerdctl info\" did not end within 0.3 s");
        place_close(&p);
}

static void test_the_command_that_was_chosen(void **state) {
        AUTO(str) char *chosen = NULL;
        AUTO(str) char *address = NULL;
        AUTO(str) char *problems = NULL;
        struct place p;

        place_open(&p);
        install(&p, "docker", "Docker version 28", ":");
        install(&p, "mine", "a friend of docker 1.0", ":");
        chosen = xasprintf("%s/mine", p.folder);
        setenv("LAMBENT_CONTAINER_CLI", chosen, 1);
        setenv("DOCKER_HOST", "unix:///elsewhere.sock", 1);
        places_look(&p.places, "auto", p.folder);
        address = xasprintf("docker-command:%s ", chosen);
        expect_found(&p, address);
        place_clear(&p);
        install(&p, "mine", "a friend of docker 1.0", "exit 3");
        places_look(&p.places, "auto", p.folder);
        expect_found(&p, "");
        problems = buf_take_str(&p.places.problems, NULL);
        assert_non_null(strstr(problems, "mine info\" failed"));
        unsetenv("DOCKER_HOST");
        place_close(&p);
}

/* As the docker command reads them. */
static void test_variables_of_tls(void **state) {
        static const struct {
                const char *host, *verify, *tls, *folder; /* variables; folder: "" is the place's own */
                bool wanted, any_peer, has_folder;
        } cases[] = {
                { "tcp://10.0.0.1:2376", NULL, NULL, "/certs", false, true, false },
                { "tcp://10.0.0.1:2376", "", "", "/certs", false, true, false },
                { "tcp://10.0.0.1:2376", "1", NULL, "/certs", true, false, true },
                { "tcp://10.0.0.1:2376", "0", NULL, NULL, true, false, true },
                { "tcp://10.0.0.1:2376", NULL, "1", "/certs", true, true, true },
                { "tcp://10.0.0.1:2376", "1", "1", NULL, true, false, true },
                { "https://10.0.0.1:2376", NULL, NULL, NULL, true, false, false },
                { "https://10.0.0.1:2376", NULL, "1", "/certs", true, true, true },
        };
        struct place p;

        place_open(&p);
        for (size_t i = 0; i < ARRAY_SIZE(cases); ++i) {
                const char *folder = cases[i].folder ?: p.folder;

                setenv("DOCKER_HOST", cases[i].host, 1);
                setenv("DOCKER_CONFIG", p.folder, 1);
                cases[i].verify ? setenv("DOCKER_TLS_VERIFY", cases[i].verify, 1)
                                : unsetenv("DOCKER_TLS_VERIFY");
                cases[i].tls ? setenv("DOCKER_TLS", cases[i].tls, 1) : unsetenv("DOCKER_TLS");
                cases[i].folder ? setenv("DOCKER_CERT_PATH", cases[i].folder, 1)
                                : unsetenv("DOCKER_CERT_PATH");
                places_look(&p.places, "auto", p.folder);
                expect_found(&p, "10.0.0.1:2376 ");
                assert_int_equal(p.places.endpoints[0].tls.wanted, cases[i].wanted);
                if (cases[i].wanted)
                        assert_int_equal(p.places.endpoints[0].tls.any_peer, cases[i].any_peer);
                if (cases[i].has_folder)
                        assert_string_equal(p.places.endpoints[0].tls.folder, folder);
                place_clear(&p);
        }
        unsetenv("DOCKER_HOST");
        unsetenv("DOCKER_CONFIG");
        unsetenv("DOCKER_TLS_VERIFY");
        unsetenv("DOCKER_TLS");
        unsetenv("DOCKER_CERT_PATH");
        place_close(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_hosts_that_lambent_cannot_speak_to),
                cmocka_unit_test(test_variables_of_tls),
                cmocka_unit_test(test_contexts),
                cmocka_unit_test(test_leases),
                cmocka_unit_test(test_commands_in_order),
                cmocka_unit_test(test_commands_that_do_not_work),
                cmocka_unit_test(test_the_command_that_was_chosen),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
