/* SPDX-License-Identifier: Apache-2.0 */
#include "init/termination.h"

#include <signal.h>
#include <sys/signalfd.h>

static void on_signals(struct source *source, uint32_t events) {
        struct termination *t = container_of(source, struct termination, source);
        struct signalfd_siginfo info;

        while (read(source->fd, &info, sizeof(info)) > 0)
                t->on_signal(t);
}

int termination_watch(struct termination *t, struct loop *loop, void (*on_signal)(struct termination *t)) {
        sigset_t mask;
        int fd, r;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGINT);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        signal(SIGPIPE, SIG_IGN);
        fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
        if (fd < 0)
                return -errno;
        t->on_signal = on_signal;
        r = source_add(loop, &t->source, fd, EPOLLIN | EPOLLET, RANK_NORMAL, on_signals);
        if (r)
                fd_close(fd);
        return r;
}

void termination_unwatch(struct termination *t) {
        if (!t->source.loop)
                return;
        source_remove(&t->source);
        fd_close(t->source.fd);
}
