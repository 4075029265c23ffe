/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/private_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>

#include "cli/install.h"

#define ARGUMENTS_MAX 24
/* More than the daemon's own drain-time: past it something is wrong. */
#define STOP_BUDGET (20 * SECOND)

static char *make_data_dir(void) {
        const char *tmp = getenv("TMPDIR");
        char *path = xasprintf("%s/lambent-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");

        if (mkdtemp(path))
                return path;
        complain("cannot make a temporary folder %s: %s; set TMPDIR to a folder that can be written", path,
                 strerror(errno));
        free(path);
        return NULL;
}

/* "http://127.0.0.1:40123\n", or nothing from a daemon that ended (it has said why on standard error). */
static char *read_endpoint(int fd) {
        char line[256];
        size_t len = 0;

        while (len < sizeof(line) - 1) {
                ssize_t r = read(fd, line + len, sizeof(line) - 1 - len);

                if (r < 0 && errno == EINTR)
                        continue;
                if (r <= 0)
                        break;
                len += (size_t)r;
                if (line[len - 1] == '\n')
                        return xstrndup(line, len - 1);
        }
        return NULL;
}

static int start_child(struct private_daemon *daemon, const char *const *arguments, int ready_fd,
                       int life_fd) {
        AUTO(fd) int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        AUTO(str) char *self = install_self();
        const char *argv[ARGUMENTS_MAX] = {
                self,          "serve",      "--listen", "127.0.0.1:0", "--data-dir", daemon->data_dir,
                "--temporary", "--ready-fd", "3",        "--life-fd",   "4",          "--log-level",
                "warn",
        };
        size_t count = 13;

        for (; arguments && *arguments; arguments++) {
                must(count < ARGUMENTS_MAX - 1);
                argv[count++] = *arguments;
        }
        if (!self || null < 0)
                return -ENOENT;
        return child_start(
                &daemon->child,
                &(struct child_plan){
                        .argv = argv,
                        .descriptors = (const int[]){ null, STDERR_FILENO, STDERR_FILENO, ready_fd, life_fd },
                        .descriptor_count = 5,
                        .own_group = true,
                        .clear_mask = true,
                });
}

int private_daemon_start(struct private_daemon *daemon, const char *const *arguments) {
        int ready[2] = { -1, -1 }, life[2] = { -1, -1 }, r = 0;

        *daemon =
                (struct private_daemon){ .child = CHILD_NULL, .life_line = -1, .data_dir = make_data_dir() };
        if (!daemon->data_dir)
                return -EIO;
        if (pipe2(ready, O_CLOEXEC) || pipe2(life, O_CLOEXEC))
                r = -errno;
        if (!r)
                r = start_child(daemon, arguments, ready[1], life[0]);
        if (r)
                complain("cannot start the daemon: %s", strerror(-r));
        fd_close(ready[1]);
        fd_close(life[0]);
        daemon->life_line = life[1];
        if (!r)
                daemon->endpoint = read_endpoint(ready[0]);
        fd_close(ready[0]);
        if (daemon->endpoint)
                return 0;
        private_daemon_stop(daemon, true);
        return r ? r : -ECHILD;
}

int private_daemon_stop(struct private_daemon *daemon, bool abrupt) {
        int code = 0;

        if (daemon->child.pidfd >= 0) {
                child_signal(&daemon->child, SIGTERM);
                if (abrupt)
                        child_signal(&daemon->child, SIGINT);
                if (!child_has_ended(&daemon->child, STOP_BUDGET)) {
                        complain("the daemon did not stop within 20 seconds and is killed");
                        child_signal(&daemon->child, SIGKILL);
                }
                code = child_wait(&daemon->child);
                child_release(&daemon->child);
        }
        daemon->life_line = fd_close(daemon->life_line);
        /* The daemon has done it, unless it was killed. */
        if (daemon->data_dir && folder_remove(daemon->data_dir))
                complain("the temporary folder %s could not be removed", daemon->data_dir);
        free(TAKE(daemon->data_dir));
        free(TAKE(daemon->endpoint));
        return code;
}
