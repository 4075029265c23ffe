/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One environment of the native sandbox, as a place (runtime/place.h).
 *
 * open takes a spare cell, or asks for a new one, and sends it OPEN. on_opened follows as soon as the address
 * of the Runtime API is known, which for a spare is at once: the cell builds while the supervisor prepares
 * the first spawn, and if building fails, on_lost comes after on_opened. Any callback may free the place.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/log.h"
#include "sandbox/native/native_private.h"

enum place_state { PLACE_CLOSED, PLACE_OPENING, PLACE_OPEN, PLACE_LOST };

struct native_place {
        struct place place;
        struct native *native; /* NULL when that has gone first */
        struct list link;
        struct native_place_spec spec; /* strings are ours */
        struct remote_cell *cell;
        struct defer announce;
        char *lost_why;
        enum place_state state;
        bool frozen;
};

static struct native_place *native_place_of(struct place *place) {
        return container_of(place, struct native_place, place);
}

/* ---- messages ---- */

static const char *path_or_none(const char *path) {
        return path ?: "";
}

/* A cell that has gone has left its last words, or at least its end, in the socket: on_lost comes from there.
 */
static int send_or_hear_why_not(const struct remote_cell *cell, const struct wire *head,
                                const char *const *strings, const int *fds, size_t fd_count) {
        int r = wire_send(cell->socket_fd, head, strings, fds, fd_count);

        return r == -EPIPE || r == -ECONNRESET ? 0 : r;
}

int place_send_open(struct remote_cell *cell, const struct native_place_spec *spec) {
        const char *lang = spec->lang_dir && !str_starts(spec->lang_dir, "/usr/") ? spec->lang_dir : NULL;
        enum { TASK, OPT, RUNTIME, LANG, TASK_BYTECODE, OPT_BYTECODE };
        const char *const paths[] = { [TASK] = path_or_none(spec->task_dir),
                                      [OPT] = path_or_none(spec->opt_dir),
                                      [RUNTIME] = path_or_none(spec->runtime_dir),
                                      [LANG] = path_or_none(lang),
                                      [TASK_BYTECODE] = path_or_none(spec->task_bytecode),
                                      [OPT_BYTECODE] = path_or_none(spec->opt_bytecode) };
        const struct wire head = { .type = WIRE_OPEN,
                                   .strings = ARRAY_SIZE(paths),
                                   .open = { .memory = spec->memory_mb * (uint64_t)MIB,
                                             .tmp = spec->tmp_mb * (uint64_t)MIB } };
        int fds[ARRAY_SIZE(paths)], r = 0;
        size_t count = 0;

        /* The cell binds only what we can show to be the directory that we could open ourselves. */
        for (size_t i = 0; i < ARRAY_SIZE(paths) && !r; ++i) {
                if (!*paths[i])
                        continue;
                fds[count] = i == LANG && spec->lang_fd ? fcntl(spec->lang_fd, F_DUPFD_CLOEXEC, 0)
                                                        : open(paths[i], O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (fds[count] < 0)
                        r = -errno;
                else
                        ++count;
        }
        r = r ?: send_or_hear_why_not(cell, &head, paths, fds, count);
        while (count)
                fd_close(fds[--count]);
        return r;
}

int place_send_spawn(struct remote_cell *cell, const struct process_spec *spec) {
        const char *strings[WIRE_STRINGS_MAX];
        struct wire head = { .type = WIRE_SPAWN, .spawn.process = spec->process };
        size_t count = 0;

        strings[count++] = spec->cwd;
        for (const char *const *arg = spec->argv; *arg && count < WIRE_STRINGS_MAX; ++arg, ++head.spawn.argc)
                strings[count++] = *arg;
        for (const char *const *var = spec->envp; *var; ++var) {
                if (count == WIRE_STRINGS_MAX)
                        return -E2BIG;
                strings[count++] = *var;
        }
        head.strings = (uint32_t)count;
        return send_or_hear_why_not(cell, &head, strings, NULL, 0);
}

static int send_plain(struct native_place *p, enum wire_type type) {
        const struct wire head = { .type = type };

        return p->cell ? send_or_hear_why_not(p->cell, &head, NULL, NULL, 0) : -ENOTCONN;
}

/* ---- loss ---- */

static void announce(struct defer *defer);

static void drop_cell(struct native_place *p) {
        if (p->cell && p->frozen)
                p->place.ops->thaw(&p->place); /* a frozen PID 1 would not see its socket end */
        remote_cell_free(TAKE(p->cell));
}

/* on_lost comes from a deferred call, so that it is never inside open, spawn or another event of this place.
 */
static void lose(struct native_place *p, const char *why, bool accident) {
        if (p->state == PLACE_LOST)
                return;
        p->place.accident = accident;
        log_debug("sandbox=native environment=%s lost: %s", p->spec.id, why);
        drop_cell(p);
        p->state = PLACE_LOST;
        p->lost_why = xstrdup(why);
        defer_call(p->native->loop, &p->announce, announce);
}

void place_lose_all(struct native *native, const char *why, bool accident) {
        struct native_place *p;

        list_each(p, &native->places, link) {
                if (why) {
                        lose(p, why, accident);
                        continue;
                }
                drop_cell(p);
                defer_cancel(&p->announce);
                list_unlink(&p->link);
                p->native = NULL;
        }
}

/* ---- events ---- */

/* Brackets a callback that may free the cell; they nest. */
static bool *guard_enter(struct remote_cell *cell, bool *gone) {
        bool *outer = cell->gone;

        *gone = false;
        cell->gone = gone;
        return outer;
}

static bool guard_leave(struct remote_cell *cell, const bool *gone, bool *outer) {
        if (!*gone)
                cell->gone = outer;
        else if (outer)
                *outer = true;
        return !*gone;
}

/* Reads what the pipe holds now, or with `some` a turn's share of it: a function may write faster than we
 * read, and the loop is everybody's. False: the place was freed by what it told. */
static bool read_output(struct remote_cell *cell, bool some) {
        struct native *native = cell->native;
        bool gone, *outer = guard_enter(cell, &gone);
        const ssize_t full = sizeof(native->chunk);
        int left = some ? 0 : -1; /* behind the first read; unknown yet */
        ssize_t n;

        do {
                n = read(cell->output_fd, native->chunk, sizeof(native->chunk));
                /* A short read has emptied the pipe and re-armed the edge (loop.h). */
                if (n == full && left < 0 && ioctl(cell->output_fd, FIONREAD, &left) < 0)
                        left = 0;
                else if (n > 0)
                        left -= (int)MIN((ssize_t)MAX(left, 0), n);
                if (n > 0)
                        cell->place->place.events->on_output(&cell->place->place, native->chunk, (size_t)n);
        } while (!gone && ((n == full && left > 0) || (n < 0 && errno == EINTR)));
        if (!gone && n == full)
                source_again(&cell->output, EPOLLIN);
        return guard_leave(cell, &gone, outer);
}

static void on_output(struct source *source, uint32_t events) {
        read_output(container_of(source, struct remote_cell, output), true);
}

static void announce(struct defer *defer) {
        struct native_place *p = container_of(defer, struct native_place, announce);
        char address[32];

        if (p->state == PLACE_LOST) {
                p->place.events->on_lost(&p->place, p->lost_why);
                return;
        }
        must(p->state == PLACE_OPENING);
        p->state = PLACE_OPEN;
        snprintf(address, sizeof(address), "127.0.0.1:%u", p->cell->port);
        p->place.events->on_opened(&p->place, TAKE_FD(p->cell->api_fd), address);
}

/* The cell is prepared and has been told to open. */
static int listen_to(struct native_place *p) {
        struct remote_cell *cell = p->cell;
        int r = source_add(p->native->loop, &cell->output, cell->output_fd, EPOLLIN | EPOLLET, RANK_OUTPUT,
                           on_output);

        if (!r)
                defer_call(p->native->loop, &p->announce, announce);
        return r;
}

static int on_prepared(struct remote_cell *cell, struct wire_in *in) {
        int r = remote_cell_take_prepared(cell, in);

        return r || !cell->place ? r : listen_to(cell->place);
}

/* An exit is told after the last output before it; false when the place was freed meanwhile. */
static bool on_exit_message(struct remote_cell *cell, const struct wire *head) {
        const struct wire said = *head;
        struct place *place = &cell->place->place;
        bool gone, *outer;

        if (!read_output(cell, false))
                return false;
        outer = guard_enter(cell, &gone);
        if (said.type == WIRE_EMPTIED)
                place->events->on_emptied(place);
        else
                place->events->on_exit(place, said.exit.process, (enum place_end)said.exit.end,
                                       (int)said.exit.detail);
        return guard_leave(cell, &gone, outer);
}

static bool is_sane_exit(const struct remote_cell *cell, const struct wire *head) {
        return cell->place && cell->place->state == PLACE_OPEN &&
               (head->type == WIRE_EMPTIED ||
                (head->exit.process < PROCESS_NUMBERS && head->exit.end <= PLACE_EXEC_FAILED &&
                 head->exit.detail <= INT32_MAX));
}

static void lose_cell(struct remote_cell *cell, const char *why, bool accident) {
        if (cell->place) {
                lose(cell->place, why, accident);
                return;
        }
        /* A spare: no more of them until a start has found out why. */
        log_debug("sandbox=native a spare environment was lost: %s", why);
        timer_disarm(&cell->native->refill);
        remote_cell_free(cell);
}

/* Plain strings only: the sentence lives in native->in, which lose copies. */
void remote_cell_on_socket(struct source *source, uint32_t events) {
        struct remote_cell *cell = container_of(source, struct remote_cell, socket);
        struct wire_in *in = &cell->native->in;
        int r;

        while ((r = wire_receive(cell->socket_fd, in)) == 0) {
                if (in->head.type == WIRE_PREPARED) {
                        r = on_prepared(cell, in);
                } else if (in->head.type == WIRE_FAILED && in->head.strings == 1) {
                        lose_cell(cell, in->strings[0], false);
                        return;
                } else if ((in->head.type == WIRE_EXIT || in->head.type == WIRE_EMPTIED) &&
                           is_sane_exit(cell, &in->head)) {
                        wire_clear(in);
                        if (!on_exit_message(cell, &in->head))
                                return;
                } else {
                        r = -EPROTO;
                }
                wire_clear(in);
                if (r) {
                        lose_cell(cell, "the environment's first process sent what it should not", false);
                        return;
                }
        }
        /* Without a word: it was killed, perhaps with the launcher, whose end is told in a moment. */
        if (r != -EAGAIN && r != -EINTR)
                lose_cell(cell, "the environment's first process has ended", true);
}

/* ---- operations ---- */

/* Whether showing this folder would show the data directory with it. */
static bool shows_hidden(const struct native *native, const char *path) {
        const char *hidden = native->options.hidden_dir;
        size_t len = path ? strlen(path) : 0;

        while (len && path[len - 1] == '/')
                --len;
        return path && hidden && !strncmp(hidden, path, len) && (hidden[len] == '/' || hidden[len] == '\0');
}

static int place_open(struct place *place) {
        struct native_place *p = native_place_of(place);
        int r;

        must(p->state == PLACE_CLOSED);
        if (!p->native)
                return -ENOTCONN;
        if (shows_hidden(p->native, p->spec.task_dir) || shows_hidden(p->native, p->spec.opt_dir) ||
            shows_hidden(p->native, p->spec.runtime_dir) || shows_hidden(p->native, p->spec.lang_dir))
                return -EACCES;
        r = native_take_cell(p->native, &p->cell);
        /* The launcher has died, and nobody knows yet. */
        if (r == -EPIPE || r == -ECONNRESET) {
                lose(p, "the sandbox launcher was killed", true);
                return 0;
        }
        if (r && p->native->problem) {
                lose(p, p->native->problem, false);
                return 0;
        }
        if (r)
                return r;
        p->cell->place = p;
        p->state = PLACE_OPENING;
        r = place_send_open(p->cell, &p->spec);
        if (!r && p->cell->prepared)
                r = listen_to(p);
        if (r) {
                p->state = PLACE_LOST;
                drop_cell(p);
        }
        return r;
}

static int place_spawn(struct place *place, const struct process_spec *spec) {
        struct native_place *p = native_place_of(place);

        return p->cell ? place_send_spawn(p->cell, spec) : -ENOTCONN;
}

static void place_signal(struct place *place, unsigned process, int signal_number) {
        const struct wire head = { .type = WIRE_SIGNAL, .signal = { process, (uint32_t)signal_number } };
        struct native_place *p = native_place_of(place);

        /* A socket that is full: the deadline's KILL finds it out. */
        if (p->cell && send_or_hear_why_not(p->cell, &head, NULL, NULL, 0))
                log_debug("sandbox=native environment=%s cannot be signalled", p->spec.id);
}

static void place_kill(struct place *place) {
        struct native_place *p = native_place_of(place);

        if (p->frozen)
                place->ops->thaw(place);
        /* A socket that is full or gone: PID 1 does not answer any more. */
        if (p->cell && send_plain(p, WIRE_KILL))
                lose(p, "the environment's first process does not answer", false);
}

/* All output that was written before the events of this turn were fetched has come, and been read, with them.
 */
static void place_drain_output(struct place *place) {
        struct native_place *p = native_place_of(place);

        if (!p->cell || p->cell->output_fd < 0 || !p->cell->output.loop)
                return;
        if (loop_batch_was_whole(p->native->loop) && !p->cell->output.ready)
                return;
        read_output(p->cell, false);
}

static int write_freeze(struct native_place *p, const char *value) {
        return pwrite(p->cell->freeze_fd, value, 1, 0) == 1 ? 0 : -errno;
}

static int place_freeze(struct place *place) {
        struct native_place *p = native_place_of(place);
        int r;

        if (!p->cell || p->state != PLACE_OPEN)
                return -ENOTCONN;
        r = p->cell->freeze_fd >= 0 ? write_freeze(p, "1") : send_plain(p, WIRE_STOP);
        p->frozen = !r;
        return r;
}

static void place_thaw(struct place *place) {
        struct native_place *p = native_place_of(place);

        if (!p->cell || !p->frozen)
                return;
        p->frozen = false;
        if (p->cell->freeze_fd >= 0)
                write_freeze(p, "0");
        else
                send_plain(p, WIRE_CONTINUE);
}

static bool place_peer_is_ours(struct place *place, int fd) {
        struct native_place *p = native_place_of(place);

        return p->cell && peer_is_of_cell(p->cell, fd);
}

static pid_t place_pid(struct place *place) {
        struct native_place *p = native_place_of(place);
        char path[64], name[32] = "";
        uint64_t inner;
        int fd;

        if (!p->cell || p->cell->pid <= 0)
                return 0;
        /* PID 1 carries the number of the runtime, as it counts, in its name: nobody is woken for it. */
        snprintf(path, sizeof(path), "/proc/%d/comm", p->cell->pid);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd >= 0 && read(fd, name, sizeof(name) - 1) < 0)
                name[0] = '\0';
        fd_close(fd);
        name[strcspn(name, "\n")] = '\0';
        if (!str_starts(name, "cell:") || str_to_u64(name + strlen("cell:"), INT32_MAX, &inner))
                return 0;
        return peer_find_process(p->cell, (pid_t)inner);
}

/* Without a cgroup: what the kernel remembers of the runtime process alone. */
static uint64_t status_number(struct place *place, const char *word) {
        pid_t pid = place_pid(place);
        char path[64], line[256];
        uint64_t bytes = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        file = pid ? fopen(path, "re") : NULL;
        while (file && !bytes && fgets(line, sizeof(line), file))
                if (str_starts(line, word))
                        bytes = strtoull(line + strlen(word), NULL, 10) * KIB;
        if (file)
                fclose(file);
        return bytes;
}

static uint64_t place_peak_memory(struct place *place) {
        struct native_place *p = native_place_of(place);

        if (!p->cell)
                return 0;
        return p->cell->peak_fd >= 0 ? fd_read_number(p->cell->peak_fd) : status_number(place, "VmHWM:");
}

static uint64_t place_current_memory(struct place *place) {
        struct native_place *p = native_place_of(place);
        uint64_t bytes;
        char path[700];
        int fd;

        if (!p->cell)
                return 0;
        if (!p->cell->memory_path)
                return status_number(place, "VmRSS:");
        snprintf(path, sizeof(path), "%s/%s", p->cell->memory_path,
                 p->native->flags & WIRE_MEMORY_V2 ? "memory.current" : "memory.usage_in_bytes");
        fd = open(path, O_RDONLY | O_CLOEXEC);
        bytes = fd_read_number(fd);
        fd_close(fd);
        return bytes;
}

static void place_free(struct place *place) {
        struct native_place *p = native_place_of(place);

        drop_cell(p);
        defer_cancel(&p->announce);
        list_unlink(&p->link);
        free((char *)p->spec.task_dir);
        free((char *)p->spec.opt_dir);
        free((char *)p->spec.task_bytecode);
        free((char *)p->spec.opt_bytecode);
        free((char *)p->spec.runtime_dir);
        free((char *)p->spec.lang_dir);
        free(p->lost_why);
        free(p);
}

static const struct place_ops native_ops = {
        .open = place_open,
        .spawn = place_spawn,
        .signal = place_signal,
        .kill = place_kill,
        .drain_output = place_drain_output,
        .freeze = place_freeze,
        .thaw = place_thaw,
        .peer_is_ours = place_peer_is_ours,
        .peak_memory = place_peak_memory,
        .current_memory = place_current_memory,
        .pid = place_pid,
        .free = place_free,
};

static const char *copy_path(const char *path) {
        return path ? realpath(path, NULL) ?: xstrdup(path) : NULL;
}

struct place *native_place_new(struct native *native, const struct native_place_spec *spec) {
        struct native_place *p = xcalloc(1, sizeof(*p));
        bool real = native->tier == NATIVE_T3;

        p->native = native;
        p->spec = *spec;
        p->spec.task_dir = copy_path(spec->task_dir);
        p->spec.opt_dir = copy_path(spec->opt_dir);
        p->spec.task_bytecode = copy_path(spec->task_bytecode);
        p->spec.opt_bytecode = copy_path(spec->opt_bytecode);
        p->spec.runtime_dir = copy_path(spec->runtime_dir);
        p->spec.lang_dir = copy_path(spec->lang_dir);
        p->place.ops = &native_ops;
        p->place.task_root = real && p->spec.task_dir ? p->spec.task_dir : "/var/task";
        p->place.opt_root = real && p->spec.opt_dir ? p->spec.opt_dir : "/opt";
        p->place.task_bytecode = real ? p->spec.task_bytecode : NULL;
        p->place.opt_bytecode = real ? p->spec.opt_bytecode : NULL;
        p->place.runtime_dir = real && p->spec.runtime_dir ? p->spec.runtime_dir : "/var/runtime";
        list_init(&p->announce.link);
        list_push_back(&native->places, &p->link);
        return &p->place;
}
