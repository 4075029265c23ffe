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

#include "sandbox/engine/detect.h"
#include "sandbox/engine/lease.h"

static void test_hosts(void **state) {
        static const struct {
                const char *host, *address;
        } hosts[] = {
                { "unix:///run/docker.sock", "unix:/run/docker.sock" },
                { "tcp://10.0.0.1:2375", "10.0.0.1:2375" },
                { "tcp://10.0.0.1", "10.0.0.1:2375" },
                { "tcp://[::1]:99/", "[::1]:99" },
                { "tcp://[::1]", "[::1]:2375" },
                { "http://localhost:5000/v1", "localhost:5000" },
        };
        AUTO(str) char *problem = NULL;

        for (size_t i = 0; i < ARRAY_SIZE(hosts); ++i) {
                AUTO(str) char *address = detect_address(hosts[i].host, false, &problem);

                assert_non_null(address);
                assert_string_equal(address, hosts[i].address);
        }
}

static void test_hosts_that_lambent_cannot_speak_to(void **state) {
        static const char *const hosts[] = { "ssh://host", "npipe:////./pipe/docker", "tcp://", "nonsense" };

        for (size_t i = 0; i < ARRAY_SIZE(hosts); ++i) {
                AUTO(str) char *problem = NULL;

                assert_null(detect_address(hosts[i], false, &problem));
                assert_non_null(strstr(problem, hosts[i]));
        }
        AUTO(str) char *problem = NULL;

        assert_null(detect_address("tcp://10.0.0.1:2376", true, &problem));
        assert_non_null(strstr(problem, "TLS"));
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
        bool tls;

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
        assert_false(tls);
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

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_hosts_that_lambent_cannot_speak_to),
                cmocka_unit_test(test_contexts),
                cmocka_unit_test(test_leases),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
