/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "api/api.h"
#include "api/signature.h"
#include "base/log.h"
#include "cli/install.h"
#include "cli/process.h"
#include "daemon/listen.h"
#include "daemon/options.h"
#include "daemon/schedule.h"
#include "daemon/user.h"
#include "engine/engine.h"
#include "http/http.h"
#include "lib/aws_keys.h"
#include "loop/loop.h"

struct daemon {
        const struct serve_options *options;
        struct loop *loop;
        struct user user;
        struct user_needs needs;
        struct listen_sockets sockets;
        struct http_listener *listeners[LISTEN_SOCKETS_MAX];
        size_t listener_count, loud_count; /* loud: stopped, and with exchanges under way */
        struct engine *engine;
        struct api *api;
        struct aws_keys aws_keys; /* key NULL: none */
        struct keys *keys;        /* NULL: signatures are not checked */
        struct source signals, life;
        struct timer stop_limit;
        int signal_fd;
        bool draining;
};

/* nohup, and a script that starts us in its background, say by an ignored signal that it is not for us. A signalfd
 * would get it all the same. */
static void add_unless_ignored(sigset_t *mask, int number) {
        struct sigaction inherited;

        if (sigaction(number, NULL, &inherited) || inherited.sa_handler != SIG_IGN)
                sigaddset(mask, number);
}

/* Signals arrive as events on the loop; children get a clean mask from whoever starts them. */
static int daemon_take_signals(struct daemon *d) {
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        add_unless_ignored(&mask, SIGINT);
        add_unless_ignored(&mask, SIGHUP);
        if (sigprocmask(SIG_BLOCK, &mask, NULL))
                return -errno;
        signal(SIGPIPE, SIG_IGN);
        d->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
        return d->signal_fd < 0 ? -errno : 0;
}

/* What functions get, and no less than the sandbox works with. */
#define DESCRIPTORS_LEAST 1024

/* Each environment takes about nine descriptors; functions get AWS's own limit from the sandbox. */
static int raise_descriptors(char **ret_problem) {
        struct rlimit limit;

        if (getrlimit(RLIMIT_NOFILE, &limit))
                return -errno;
        if (limit.rlim_max < DESCRIPTORS_LEAST) {
                *ret_problem =
                        xasprintf("only %llu files may be open, and %d are needed: raise the hard limit with "
                                  "\"ulimit -n\", or LimitNOFILE= of a service",
                                  (unsigned long long)limit.rlim_max, DESCRIPTORS_LEAST);
                return -EMFILE;
        }
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit))
                log_warn("cannot raise the limit of descriptors: %s", strerror(errno));
        return 0;
}

static int make_folders(const char *path, char **ret_problem) {
        /* Whom root's daemon becomes must get through to the last one, which becomes its own. */
        const mode_t around = geteuid() == 0 ? 0755 : 0700;
        AUTO(str) char *part = xstrdup(path);

        for (char *slash = strchr(part + 1, '/');; slash = strchr(slash + 1, '/')) {
                if (slash)
                        *slash = '\0';
                if (mkdir(part, slash ? around : 0700) && errno != EEXIST) {
                        int r = -errno;

                        *ret_problem =
                                xasprintf("cannot make the data dir %s: %s; say another one with --data-dir",
                                          part, strerror(-r));
                        return r;
                }
                if (!slash)
                        return 0;
                *slash = '/';
        }
}

static void daemon_on_stop_limit(struct timer *timer) {
        struct daemon *d = container_of(timer, struct daemon, stop_limit);

        log_warn("%s after the drain time; stopping anyway",
                 d->loud_count ? "clients have not taken their whole answers"
                               : "invocations are still running");
        loop_quit(d->loop);
}

static void daemon_on_quiet(void *owner) {
        struct daemon *d = owner;

        if (!--d->loud_count)
                loop_quit(d->loop);
}

/* No invocation is under way; answers that slow clients have not taken yet may be. */
static void daemon_on_drained(void *owner) {
        struct daemon *d = owner;

        api_end_followers(d->api);
        d->loud_count = d->listener_count;
        for (size_t i = 0; i < d->listener_count; i++)
                http_listener_await_quiet(d->listeners[i], daemon_on_quiet, d);
}

static void daemon_stop(struct daemon *d, const char *why) {
        if (d->draining) {
                log_info("%s: stopping at once", why);
                loop_quit(d->loop);
                return;
        }
        log_info("%s: no new work, waiting for running invocations", why);
        d->draining = true;
        for (size_t i = 0; i < d->listener_count; i++)
                http_listener_stop(d->listeners[i]);
        engine_drain(d->engine, daemon_on_drained, d);
        if (d->options->drain_time != NSEC_NEVER)
                timer_arm(&d->stop_limit, loop_now(d->loop) + d->options->drain_time);
}

static void daemon_on_signal(struct source *source, uint32_t events) {
        struct daemon *d = container_of(source, struct daemon, signals);
        struct signalfd_siginfo info;

        while (read(d->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
                daemon_stop(d, strsignal((int)info.ssi_signo));
}

/* The command that started us has ended, perhaps by SIGKILL; nobody else is there to stop us. */
static void daemon_on_life(struct source *source, uint32_t events) {
        struct daemon *d = container_of(source, struct daemon, life);

        if (events & (EPOLLHUP | EPOLLERR)) {
                source_remove(&d->life);
                daemon_stop(d, "the command that started this daemon has ended");
        }
}

static int daemon_prepare_user(void *owner, char **ret_problem) {
        struct daemon *d = owner;

        return user_prepare(&d->user, &d->needs, ret_problem);
}

static bool daemon_leaves_root(void *owner) {
        const struct daemon *d = owner;

        return geteuid() == 0 && d->user.uid != 0;
}

static int daemon_become_user(void *owner, char **ret_problem) {
        struct daemon *d = owner;

        return user_become(&d->user, ret_problem);
}

static int daemon_open_engine(struct daemon *d, char **ret_problem) {
        const struct serve_options *o = d->options;
        AUTO(str) char *libexec = install_libexec(ret_problem);
        AUTO(str) char *runtimes = libexec ? install_runtimes(ret_problem) : NULL;
        AUTO(str) char *data_dir = NULL;
        const struct engine_user user = { daemon_prepare_user, daemon_leaves_root, daemon_become_user, d };
        struct engine_options engine = {
                .user = &user,
                .libexec_dir = libexec,
                .runtimes_dir = runtimes,
                .sandbox = o->sandbox,
                .sandbox_tier = (int)o->sandbox_tier,
                .region = o->region,
                .account = o->account,
                .idle_ttl = o->idle_ttl,
                .freeze_after = o->freeze_after,
                .environments_max = o->environments_max,
                .private_network = streq(o->network, "private"),
                .cpu_share = o->cpu_share,
                .strict_runtimes = o->strict_runtimes,
                .pull = o->pull,
                .image_mirror = o->image_mirror,
                .private_registry = o->private_registry,
                .container_network = o->container_network,
                .container_mode = o->container_mode,
                .rie_ready_time = o->rie_ready_time,
                .container_spares = o->container_spares,
                .container_writable = o->container_writable,
                .container_privileges = o->container_privileges,
                .temporary = o->temporary,
                .log_bytes_max = o->log_bytes,
                .endpoint = d->sockets.endpoint,
        };
        bool wants_engine;
        int r;

        if (!runtimes)
                return -ENOENT;
        /* Who may use an engine has root's power anyway, and an engine of root's takes nobody else. */
        wants_engine = streq(o->sandbox, "docker") || streq(o->sandbox, "podman");
        r = user_choose(&d->user, o->user ? o->user : wants_engine ? "root" : NULL, o->data_dir, ret_problem);
        r = r ?: make_folders(o->data_dir, ret_problem);
        if (r)
                return r;
        /* Whole, because it must not matter where we were started. */
        data_dir = realpath(o->data_dir, NULL);
        if (!data_dir)
                return -errno;
        engine.data_dir = data_dir;
        d->needs = (struct user_needs){
                .data_dir = data_dir,
                .libexec_dir = libexec,
                .runtimes_dir = runtimes,
                .removes_data_dir = o->temporary,
        };
        r = engine_open(d->loop, &engine, &d->engine, ret_problem);
        d->needs = (struct user_needs){};
        return r;
}

static void daemon_serve_function(struct http_exchange *x, void *owner) {
        api_serve_function(owner, x);
}

static int daemon_open_api(struct daemon *d) {
        struct api_options options = {
                .upstream = d->options->upstream,
                .s3_endpoint = d->options->s3_endpoint,
                .layers_from_aws = d->options->layers_from_aws,
                .lambda_endpoint = d->options->layers_endpoint,
                .aws_keys = d->aws_keys.key ? &d->aws_keys : NULL,
                .keys = d->keys,
                .user = d->user.name,
                .why_root = d->user.why_root,
                .allowed_hosts = (const char *const *)d->options->allow_host.items,
                .allowed_host_count = d->options->allow_host.count,
        };

        d->api = api_new(d->loop, d->engine, &options);
        engine_serve_functions(d->engine, daemon_serve_function, d->api);
        for (size_t i = 0; i < d->sockets.count; i++) {
                int r = http_listen(d->loop, d->sockets.fds[i], api_handler(), &http_limits_api, d->api,
                                    &d->listeners[d->listener_count]);

                if (r)
                        return r;
                d->sockets.fds[i] = -1;
                d->listener_count++;
        }
        return 0;
}

/* They are wanted by few; a file that cannot be read keeps nobody from serving. */
static void daemon_find_aws_keys(struct daemon *d) {
        AUTO(str) char *problem = NULL;

        if (aws_keys_find(&d->aws_keys, &problem) && problem)
                log_warn("%s", problem);
}

static int daemon_open(struct daemon *d, char **ret_problem) {
        int r = 0;

        for (size_t i = 0; i < d->options->listen.count && !r; i++)
                r = listen_open(&d->sockets, d->options->listen.items[i], ret_problem);
        if (!r && d->options->credentials)
                r = keys_read(d->options->credentials, &d->keys, ret_problem);
        /* While a file of root's can be read. */
        if (!r)
                daemon_find_aws_keys(d);
        if (!r)
                r = daemon_take_signals(d);
        if (!r)
                r = loop_new(&d->loop);
        if (!r)
                r = daemon_open_engine(d, ret_problem);
        if (!r)
                r = daemon_open_api(d);
        if (r)
                return r;
        timer_init(&d->stop_limit, d->loop, daemon_on_stop_limit);
        r = source_add(d->loop, &d->signals, d->signal_fd, EPOLLIN | EPOLLET, RANK_NORMAL, daemon_on_signal);
        if (!r && d->options->life_fd != FD_NONE)
                r = source_add(d->loop, &d->life, (int)d->options->life_fd, EPOLLIN | EPOLLET, RANK_NORMAL,
                               daemon_on_life);
        return r;
}

static void daemon_close(struct daemon *d) {
        source_remove(&d->signals);
        source_remove(&d->life);
        timer_disarm(&d->stop_limit);
        for (size_t i = 0; i < d->listener_count; i++)
                http_listener_free(d->listeners[i]);
        api_free(d->api);
        keys_free(d->keys);
        aws_keys_clear(&d->aws_keys);
        if (d->engine)
                engine_close(d->engine);
        if (d->loop)
                loop_free(d->loop);
        listen_close(&d->sockets);
        user_release(&d->user);
        fd_close(d->signal_fd);
}

/* Whoever started us waits for one of the two: a line on standard error, or the endpoint on --ready-fd. */
static void daemon_tell_ready(const struct daemon *d) {
        int fd = (int)d->options->ready_fd;

        if (fd != FD_NONE) {
                dprintf(fd, "%s\n", d->sockets.endpoint);
                fd_close(fd);
        } else {
                fprintf(stderr, "lambent listening on %s\n", d->sockets.endpoint);
        }
        if (d->sockets.foreign)
                log_warn("other machines can reach this daemon, and whoever reaches it can run code here");
}

static int run_serve(void *values, const struct strings *operands) {
        struct serve_options *options = values;
        struct daemon d = { .options = options, .signal_fd = -1 };
        AUTO(str) char *problem = NULL;
        int r = serve_options_finish(options, &problem);

        if (r) {
                complain("%s", problem);
                return 2;
        }
        /* A pipe that a helper process inherited would never say that its other end is gone. */
        if (options->life_fd != FD_NONE)
                fcntl((int)options->life_fd, F_SETFD, FD_CLOEXEC);
        if (options->ready_fd != FD_NONE)
                fcntl((int)options->ready_fd, F_SETFD, FD_CLOEXEC);
        must(log_level_from_name(options->log_level, &log_level_now) == 0);
        r = raise_descriptors(&problem);
        if (!r) {
                schedule_short_slices();
                r = daemon_open(&d, &problem);
        }
        if (!r) {
                daemon_tell_ready(&d);
                r = loop_run(d.loop);
        }
        daemon_close(&d);
        if (options->temporary && folder_remove(options->data_dir))
                log_warn("cannot remove the temporary folder %s", options->data_dir);
        if (r)
                return complain("%s", problem ? problem : strerror(-r));
        return 0;
}

const struct command serve_command = {
        .name = "serve",
        .operands = "",
        .summary = "run the daemon: Lambda's API on this machine",
        .details =
                "Answers AWS clients on the listen addresses until SIGTERM or SIGINT, then lets running "
                "invocations end. When root has started it, it gives up root once it listens; --user says for whom. "
                "When it is ready, a line \"lambent listening on http://HOST:PORT\" goes to standard error.",
        .options = serve_option_table,
        .values_size = sizeof(struct serve_options),
        .run = run_serve,
};
