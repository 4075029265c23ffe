/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambent-launcher: started by the daemon with a socket as descriptor 3, the tier as argument and the state
 * directory, which is this program's alone, as working directory.
 *
 * This process is the guard. It does nothing but fork a launcher when the daemon sends LAUNCH, and clear away
 * what a launcher that was killed has left. It holds one end of a pipe for each launcher, so that one never
 * outlives it, and is the parent in whose lap everything falls.
 */
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "sandbox/native/kernel.h"
#include "sandbox/native/launcher.h"

#define DAEMON_FD 3

struct guard {
        int daemon;     /* socket */
        pid_t parent;   /* the daemon */
        pid_t launcher; /* 0: none */
        int life;       /* the end of the pipe that the launcher watches */
        int tier;
};

/* What is here when no launcher runs is of the dead. */
static void sweep_state(const struct guard *guard) {
        DIR *dir = guard->tier == 3 ? opendir(".") : NULL;
        struct dirent *entry;

        while (dir && (entry = readdir(dir)))
                if (str_starts(entry->d_name, "tmp-"))
                        remove_tree(entry->d_name);
        if (dir)
                closedir(dir);
        /* A launcher that was killed has left these two; its mounts went with its namespace. */
        rmdir(SKELETON_DIR);
        rmdir(SLOTS_DIR);
}

static void forget_launcher(struct guard *guard) {
        static const struct launcher nobody;

        guard->launcher = 0;
        guard->life = fd_close(guard->life);
        process_kill_orphans(&nobody);
        sweep_state(guard);
}

static void reap(struct guard *guard) {
        bool gone = false;
        pid_t pid;

        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
                gone = gone || pid == guard->launcher;
        if (gone)
                forget_launcher(guard);
}

static void end_launcher(struct guard *guard) {
        if (!guard->launcher)
                return;
        guard->life = fd_close(guard->life);
        while (waitpid(guard->launcher, NULL, 0) < 0 && errno == EINTR)
                ;
        forget_launcher(guard);
}

static _Noreturn void be_launcher(const struct guard *guard, int control, int life) {
        static struct launcher launcher = { .uid_lock = -1, .resolver_watch = -1 };

        fd_close(guard->daemon);
        fd_close(guard->life);
        launcher.control = control;
        launcher.guard = life;
        launcher.daemon = guard->parent;
        launcher.tier = guard->tier;
        launcher_main(&launcher);
}

/* Without one, the control socket ends with the message, and the daemon sees it. */
static void launch(struct guard *guard, int control) {
        int life[2];

        end_launcher(guard);
        if (control < 0 || pipe2(life, O_CLOEXEC) < 0)
                return;
        guard->life = life[1];
        guard->launcher = fork();
        if (guard->launcher == 0)
                be_launcher(guard, control, life[0]);
        fd_close(life[0]);
        if (guard->launcher > 0)
                return;
        guard->launcher = 0;
        guard->life = fd_close(guard->life);
}

static bool obey(struct guard *guard) {
        static struct wire_in in;
        int r;

        while ((r = wire_receive(guard->daemon, &in)) == 0) {
                int control = in.head.type == WIRE_LAUNCH ? wire_take_fd(&in) : -1;

                launch(guard, control);
                fd_close(control);
                wire_clear(&in);
        }
        return r == -EAGAIN || r == -EINTR;
}

static _Noreturn void serve(struct guard *guard) {
        struct pollfd daemon = { .fd = guard->daemon, .events = POLLIN };
        sigset_t while_waiting;

        sigprocmask(SIG_BLOCK, NULL, &while_waiting);
        sigdelset(&while_waiting, SIGCHLD);
        for (;;) {
                int n = ppoll(&daemon, 1, NULL, &while_waiting);

                reap(guard);
                if (n > 0 && !obey(guard))
                        break;
        }
        end_launcher(guard);
        _exit(0);
}

static void on_child(int signal_number) {
}

/* A terminal's Ctrl-C and a service manager's SIGTERM reach the daemon's whole group: the daemon decides what
 * they mean. */
static void stay_out_of_the_way(void) {
        const struct sigaction action = { .sa_handler = on_child };
        sigset_t blocked;

        setsid();
        sigemptyset(&blocked);
        sigaddset(&blocked, SIGINT);
        sigaddset(&blocked, SIGTERM);
        sigaddset(&blocked, SIGHUP);
        sigaddset(&blocked, SIGQUIT);
        sigaddset(&blocked, SIGPIPE);
        sigaddset(&blocked, SIGCHLD);
        sigprocmask(SIG_SETMASK, &blocked, NULL);
        sigaction(SIGCHLD, &action, NULL);
}

/* What the daemon, nohup or a user's umask have left on us is not for functions. */
static void forget_habits(void) {
        const struct sigaction usual = { .sa_handler = SIG_DFL };

        for (int number = 1; number < NSIG; ++number)
                sigaction(number, &usual, NULL);
        umask(022);
}

/* Who made the socket: unlike getppid, it names nobody else when the daemon has died meanwhile. */
static pid_t find_daemon(void) {
        struct ucred cred;
        socklen_t len = sizeof(cred);

        return getsockopt(DAEMON_FD, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 ? cred.pid : 0;
}

/* The probe executes this program inside a whole environment: that it gets this far is the answer. */
static int probe(void) {
        static const char answer[] = "lambent-launcher: here\n";

        return write(STDOUT_FILENO, answer, sizeof(answer) - 1) == sizeof(answer) - 1 ? 0 : 1;
}

int main(int argc, char **argv) {
        static struct guard guard = { .daemon = DAEMON_FD, .life = -1 };
        uint64_t tier;

        if (argc == 2 && streq(argv[1], "--probe"))
                return probe();
        guard.parent = find_daemon();
        if (argc != 2 || str_to_u64(argv[1], 3, &tier) || tier < 1 || !guard.parent) {
                fprintf(stderr, "lambent-launcher is started by lambent, not by hand\n");
                return 2;
        }
        guard.tier = (int)tier;
        forget_habits();
        stay_out_of_the_way();
        fcntl(DAEMON_FD, F_SETFD, FD_CLOEXEC);
        k_close_range(DAEMON_FD + 1, ~0u);
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        sweep_state(&guard);
        serve(&guard);
}
