/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/program.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#define QUEUE_CAP (16 * MIB)
#define PIPE_BYTES ((int)MIB)
#define CANNOT_RUN 127 /* as shells have it */

extern char **environ;

struct stream {
        struct source source;
        int fd; /* ours; -1: closed */
        struct program *program;
};

struct program {
        struct loop *loop;
        const struct program_ops *ops;
        void *owner;
        pid_t pid; /* 0: reaped */
        int pidfd;
        struct source end;
        struct stream input, output, error;
        struct buf queue;     /* of program_send */
        const char *borrowed; /* of the plan's input, what is left */
        size_t borrowed_len;
        bool talks;
        bool *freed; /* set while a callback runs that may free it */
};

static void stream_close(struct stream *s) {
        source_remove(&s->source);
        s->fd = fd_close(s->fd);
}

/* ---- what it says ---- */

/* False: the program is freed. */
static bool tell(struct program *p, bool is_error, const char *data, size_t len) {
        bool freed = false;

        p->freed = &freed;
        p->ops->on_output(p->owner, is_error, data, len);
        if (!freed)
                p->freed = NULL;
        return !freed;
}

static bool read_all(struct program *p, struct stream *s) {
        char *room = loop_scratch(p->loop);

        while (s->fd >= 0) {
                ssize_t n = read(s->fd, room, LOOP_SCRATCH);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0 && errno == EAGAIN)
                        return true;
                if (n <= 0)
                        stream_close(s);
                else if (!tell(p, s == &p->error, room, (size_t)n))
                        return false;
        }
        return true;
}

static void on_readable(struct source *source, uint32_t events) {
        struct stream *s = container_of(source, struct stream, source);

        read_all(s->program, s);
}

/* ---- what it is told ---- */

/* A pipe that nobody reads any more must not raise SIGPIPE in whoever uses us as a library. */
static ssize_t write_quietly(int fd, const void *data, size_t len) {
        sigset_t pipe_signal, before, pending;
        bool was_pending;
        ssize_t n;

        sigemptyset(&pipe_signal);
        sigaddset(&pipe_signal, SIGPIPE);
        sigpending(&pending);
        was_pending = sigismember(&pending, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
        n = write(fd, data, len);
        n = n < 0 ? -errno : n;
        if (n == -EPIPE && !was_pending)
                sigtimedwait(&pipe_signal, NULL, &(struct timespec){});
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        return n;
}

static void write_all(struct program *p) {
        while (p->input.fd >= 0 && (p->borrowed_len || p->queue.len)) {
                bool borrowed = p->borrowed_len != 0;
                ssize_t n = write_quietly(p->input.fd, borrowed ? p->borrowed : buf_data(&p->queue),
                                          borrowed ? p->borrowed_len : p->queue.len);

                if (n == -EAGAIN)
                        return;
                if (n < 0) {
                        stream_close(&p->input); /* why it does not read it says by its end */
                } else if (borrowed) {
                        p->borrowed += n;
                        p->borrowed_len -= (size_t)n;
                } else {
                        buf_consume(&p->queue, (size_t)n);
                }
        }
        if (!p->talks)
                stream_close(&p->input);
}

static void on_writable(struct source *source, uint32_t events) {
        write_all(container_of(source, struct stream, source)->program);
}

int program_send(struct program *p, const void *data, size_t len) {
        int r;

        if (!p->talks || p->input.fd < 0)
                return -ENOTCONN;
        r = buf_append(&p->queue, data, len);
        if (!r)
                write_all(p);
        return r;
}

/* ---- its end ---- */

static int reap(struct program *p) {
        siginfo_t info = {};

        while (waitid(P_PID, (id_t)p->pid, &info, WEXITED) < 0)
                if (errno != EINTR)
                        break;
        p->pid = 0;
        return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
}

static void on_exit_(struct source *source, uint32_t events) {
        struct program *p = container_of(source, struct program, end);
        int status;

        if (!read_all(p, &p->output) || !read_all(p, &p->error))
                return;
        source_remove(&p->end);
        status = reap(p);
        stream_close(&p->input);
        stream_close(&p->output);
        stream_close(&p->error);
        p->ops->on_end(p->owner, status);
}

void program_free(struct program *p) {
        if (!p)
                return;
        source_remove(&p->end);
        stream_close(&p->input);
        stream_close(&p->output);
        stream_close(&p->error);
        if (p->pid > 0) {
                /* Not reaped yet: the number is still its own, and its group's. */
                kill(-p->pid, SIGKILL);
                kill(p->pid, SIGKILL);
                reap(p);
        }
        fd_close(p->pidfd);
        buf_deinit(&p->queue);
        if (p->freed)
                *p->freed = true;
        free(p);
}

/* ---- its beginning ---- */

/* Without what a service manager says to us alone: an engine's command would take it as said to itself. */
static char **environment(void) {
        static const char *const not_its[] = { "NOTIFY_SOCKET=", "LISTEN_FDS=", "LISTEN_PID=" };
        size_t count = 0, kept = 0;
        char **copy;

        while (environ[count])
                ++count;
        copy = xcalloc(count + 1, sizeof(*copy));
        for (size_t i = 0; i < count; ++i) {
                bool its = true;

                for (size_t k = 0; k < ARRAY_SIZE(not_its); ++k)
                        its = its && !str_starts(environ[i], not_its[k]);
                if (its)
                        copy[kept++] = environ[i];
        }
        return copy;
}

struct ends {
        int input, output, error, secret; /* its */
};

/* Only what may be called between fork and exec. */
_Noreturn static void become(const char *const *argv, char **env, const struct ends *ends, pid_t parent) {
        int high[4] = { ends->input, ends->output, ends->error, ends->secret };
        const char *why;
        sigset_t none;

        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(CANNOT_RUN); /* it had ended before we asked to be told */
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        signal(SIGPIPE, SIG_DFL);
        /* Above all targets first, so that none is overwritten before it was taken. */
        for (int i = 0; i < (int)ARRAY_SIZE(high); ++i)
                high[i] = high[i] < 0 ? -1 : fcntl(high[i], F_DUPFD_CLOEXEC, (int)ARRAY_SIZE(high));
        for (int i = 0; i < (int)ARRAY_SIZE(high); ++i)
                if (high[i] >= 0)
                        dup2(high[i], i);
        execvpe(argv[0], (char *const *)argv, env);
        why = strerrordesc_np(errno);
        if (write(STDERR_FILENO, why, strlen(why)) < 0)
                _exit(CANNOT_RUN);
        _exit(CANNOT_RUN);
}

static int make_pipe(int *ret_read, int *ret_write) {
        int fds[2];

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        *ret_read = fds[0];
        *ret_write = fds[1];
        return 0;
}

static int make_ends(struct program *p, bool reads, struct ends *ends) {
        int r = make_pipe(&p->output.fd, &ends->output);

        r = r ?: make_pipe(&p->error.fd, &ends->error);
        if (!r && reads)
                r = make_pipe(&ends->input, &p->input.fd);
        else if (!r)
                r = (ends->input = open("/dev/null", O_RDONLY | O_CLOEXEC)) < 0 ? -errno : 0;
        return r;
}

static int watch(struct program *p, struct stream *s, uint32_t events, source_fn fn) {
        if (s->fd < 0)
                return 0;
        s->program = p;
        fcntl(s->fd, F_SETFL, O_NONBLOCK);
        return source_add(p->loop, &s->source, s->fd, events | EPOLLET, RANK_OUTPUT, fn);
}

static int run(struct program *p, const char *const *argv, const struct ends *ends) {
        char **env = environment();
        pid_t parent = getpid();

        p->pid = fork();
        if (p->pid == 0)
                become(argv, env, ends, parent);
        free(env);
        if (p->pid < 0)
                return -errno;
        setpgid(p->pid, p->pid); /* whichever of us is first */
        p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
        return p->pidfd < 0 ? -errno : 0;
}

static int watch_all(struct program *p) {
        int r = watch(p, &p->output, EPOLLIN, on_readable);

        r = r ?: watch(p, &p->error, EPOLLIN, on_readable);
        r = r ?: watch(p, &p->input, EPOLLOUT, on_writable);
        return r ?: source_add(p->loop, &p->end, p->pidfd, EPOLLIN, RANK_EXIT, on_exit_);
}

int program_start(struct loop *loop, const struct program_plan *plan, const struct program_ops *ops,
                  void *owner, struct program **ret_program) {
        struct ends ends = { -1, -1, -1, plan->secret_fd ?: -1 };
        struct program *p = xcalloc(1, sizeof(*p));
        int r;

        p->loop = loop;
        p->ops = ops;
        p->owner = owner;
        p->pidfd = p->input.fd = p->output.fd = p->error.fd = -1;
        p->queue = BUF_NULL(QUEUE_CAP);
        p->borrowed = plan->input;
        p->borrowed_len = plan->input_len;
        p->talks = plan->talks;
        r = make_ends(p, plan->talks || plan->input, &ends);
        if (!r && plan->input)
                fcntl(p->input.fd, F_SETPIPE_SZ, PIPE_BYTES); /* or as it is */
        r = r ?: run(p, plan->argv, &ends);
        fd_close(ends.input);
        fd_close(ends.output);
        fd_close(ends.error);
        r = r ?: watch_all(p);
        if (r) {
                program_free(p);
                return r;
        }
        *ret_program = p;
        return 0;
}
