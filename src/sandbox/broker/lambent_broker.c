/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambent-broker: started by the daemon, as root, with a socket as descriptor 3 and the sockets that it may connect to as
 * arguments. Of what root can do it keeps only what root's name opens.
 */
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/rights.h"
#include "sandbox/broker/answer.h"

#define DAEMON_FD 3

static bool is_socket(int fd) {
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* A terminal's Ctrl-C and a service manager's SIGTERM reach the daemon's whole group: the daemon decides what they mean. */
static void stay_out_of_the_way(void) {
        sigset_t all;

        setsid();
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static int give_up_rights(void) {
        int r = rights_never_more();

        /* In a container that has taken CAP_SETPCAP or CAP_SETGID away; without capabilities neither does more. */
        if (r && r != -EPERM)
                return r;
        if (setgroups(0, NULL) < 0 && errno != EPERM)
                return -errno;
        return rights_keep(0);
}

int main(int argc, char **argv) {
        if (argc < 2 || !is_socket(DAEMON_FD)) {
                fprintf(stderr, "lambent-broker is started by lambent, not by hand\n");
                return 2;
        }
        stay_out_of_the_way();
        fcntl(DAEMON_FD, F_SETFD, FD_CLOEXEC);
        syscall(SYS_close_range, DAEMON_FD + 1, ~0u, 0);
        if (chdir("/") < 0 || give_up_rights())
                return 1;
        return broker_answer_all(DAEMON_FD, (const char *const *)argv + 1, (size_t)argc - 1) ? 1 : 0;
}
