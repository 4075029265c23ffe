/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor of a cold start: the plain program, with no sandbox around it and nothing else to do.
 *
 *      floor_start [--runs N] [--at-once K] PROGRAM [ARG…]     until its GET …/next has been read
 *      floor_start --whole [--runs N] PROGRAM [ARG…]           until it has ended
 *      floor_start --link PATH [--runs N] PROGRAM [ARG…]       until it has said something to this unix socket, which we open
 *
 * Prints JSON: the times, and the processor time of one start. With --at-once a sample is K starts together.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "measure.h"

struct subject {
        char **argv;
        char **env;
        int listener;
        posix_spawn_file_actions_t actions;
        uint64_t cpu_nsec;
        uint64_t starts;
};

static pid_t spawn(struct subject *subject) {
        pid_t pid;

        errno = posix_spawnp(&pid, subject->argv[0], &subject->actions, NULL, subject->argv, subject->env);
        if (errno)
                die(subject->argv[0]);
        return pid;
}

static void reap(struct subject *subject, pid_t pid) {
        struct rusage usage;

        if (wait4(pid, NULL, 0, &usage) != pid)
                die("wait4");
        subject->cpu_nsec += (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000000u +
                             (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000u;
        subject->starts++;
}

static uint64_t measure_whole(struct subject *subject) {
        uint64_t began = now_nsec();

        reap(subject, spawn(subject));
        return now_nsec() - began;
}

static uint64_t measure_link(struct subject *subject) {
        uint64_t began = now_nsec(), took;
        pid_t pid = spawn(subject);
        int fd = accept4(subject->listener, NULL, NULL, SOCK_CLOEXEC);
        char first;

        if (fd < 0 || read(fd, &first, 1) != 1)
                die("the program has said nothing");
        took = now_nsec() - began;
        close(fd);
        reap(subject, pid);
        return took;
}

static int listen_at(const char *path) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (strlen(path) >= sizeof(at.sun_path))
                die("the path is too long");
        memcpy(at.sun_path, path, strlen(path));
        if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 || listen(fd, 1) < 0)
                die(path);
        return fd;
}

static uint64_t measure_next(struct subject *subject, int at_once) {
        struct message message = {};
        uint64_t began = now_nsec(), took;
        pid_t *pids = calloc((size_t)at_once, sizeof(*pids));
        int *fds = calloc((size_t)at_once, sizeof(*fds));

        if (!pids || !fds)
                die("no memory");
        for (int i = 0; i < at_once; i++)
                pids[i] = spawn(subject);
        for (int i = 0; i < at_once; i++) {
                fds[i] = accept4(subject->listener, NULL, NULL, SOCK_CLOEXEC);
                if (fds[i] < 0 || !message_read(&message, fds[i]))
                        die("the program has not asked for work");
        }
        took = now_nsec() - began;
        for (int i = 0; i < at_once; i++) {
                kill(pids[i], SIGKILL);
                reap(subject, pids[i]);
                close(fds[i]);
        }
        free(message.buf);
        free(pids);
        free(fds);
        return took;
}

int main(int argc, char **argv) {
        static const struct option options[] = {
                { "whole", no_argument, NULL, 'w' },
                { "link", required_argument, NULL, 'l' },
                { "runs", required_argument, NULL, 'n' },
                { "at-once", required_argument, NULL, 'k' },
                {},
        };
        char address[64];
        char *env[] = { address, (char *)"_HANDLER=echo", (char *)"PATH=/usr/local/bin:/usr/bin:/bin", NULL };
        struct subject subject = { .env = env };
        struct samples samples = {};
        int runs = 50, at_once = 1, port = 0, c;
        const char *link_path = NULL;
        bool whole = false;

        while ((c = getopt_long(argc, argv, "+", options, NULL)) != -1) {
                switch (c) {
                case 'w':
                        whole = true;
                        break;
                case 'l':
                        link_path = optarg;
                        break;
                case 'n':
                        runs = atoi(optarg);
                        break;
                case 'k':
                        at_once = atoi(optarg);
                        break;
                default:
                        return 2;
                }
        }
        if (optind == argc)
                return 2;
        subject.argv = argv + optind;
        subject.listener = link_path ? listen_at(link_path) : listen_on("127.0.0.1:0", &port);
        snprintf(address, sizeof(address), "AWS_LAMBDA_RUNTIME_API=127.0.0.1:%d", link_path ? 0 : port);
        posix_spawn_file_actions_init(&subject.actions);
        posix_spawn_file_actions_addopen(&subject.actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        for (int i = 0; i < runs; i++)
                samples_add(&samples, whole       ? measure_whole(&subject)
                                      : link_path ? measure_link(&subject)
                                                  : measure_next(&subject, at_once));
        printf("{\"cpu_us\":%.1f,", (double)subject.cpu_nsec / (double)subject.starts / 1e3);
        samples_print(&samples, stdout);
        puts("}");
        return 0;
}
