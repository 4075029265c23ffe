/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lambent-init: the first process of a container that runs a function
 *
 *      lambent-init --socket PATH      serves the daemon that listens on this unix socket
 *      lambent-init --stdio            serves the daemon at the other end of stdin and stdout
 *      lambent-init --rie [OPTIONS] COMMAND [ARGUMENT]
 *                                      answers invocations itself, as AWS's Runtime Interface Emulator does
 *
 * When the daemon is gone, so is everything here.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/log.h"
#include "init/carrier.h"
#include "init/emulator.h"
#include "init/place.h"
#include "init/termination.h"
#include "runtime/extensions.h"

extern char **environ;

struct init {
        struct loop *loop;
        struct carrier *carrier;
        struct place *place;
        struct termination termination;
};

/* ---- the carrier's ports ---- */

static struct place *make_place(void *owner, const struct link_site *site, int output_fd) {
        const struct local_place_options options = {
                .loop = ((struct init *)owner)->loop,
                .api_port = (uint16_t)site->api_port,
                .shared_network = site->shared_network,
                .uid = site->uid,
                .gid = site->gid,
                .output_fd = output_fd,
        };

        return ((struct init *)owner)->place = local_place_new(&options);
}

static int lend(void *owner, struct carrier_loan *ret_loan) {
        return local_place_lend(((struct init *)owner)->place, ret_loan);
}

/* The image's, or those of the layers that were put there. */
static char **find_extensions(void *owner, bool *ret_disabled) {
        *ret_disabled = extension_files_disabled("/opt");
        return extension_files("/opt");
}

static void hold_output(void *owner, bool hold) {
        struct init *init = owner;

        local_place_hold_output(init->place, hold);
}

static void on_end(void *owner, const char *why) {
        struct init *init = owner;

        log_debug("link=%s", why);
        loop_quit(init->loop);
}

static void on_signal(struct termination *t) {
        carrier_stop(container_of(t, struct init, termination)->carrier);
}

/* ---- the link ---- */

static int connect_socket(const char *path, int ret_fds[static 2]) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd;

        if (strlen(path) >= sizeof(address.sun_path))
                return -ENAMETOOLONG;
        str_fit(address.sun_path, sizeof(address.sun_path), path);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
            fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
                return -errno;
        ret_fds[0] = ret_fds[1] = fd;
        return 0;
}

/* The link moves to descriptors of its own; whatever reads stdin or writes to stdout from now on meets nothing. */
static int take_stdio(int ret_fds[static 2]) {
        AUTO(fd) int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

        for (int i = 0; i < 2; ++i) {
                ret_fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
                if (ret_fds[i] < 0 || null_fd < 0 || fcntl(ret_fds[i], F_SETFL, O_NONBLOCK) < 0 ||
                    dup2(null_fd, i) < 0)
                        return -errno;
        }
        return 0;
}

static int serve_link(const char *path) {
        const struct carrier_ports ports = {
                .make_place = make_place,
                .lend = lend,
                .find_extensions = find_extensions,
                .environ = (const char *const *)environ,
                .hold_output = hold_output,
                .on_end = on_end,
        };
        struct init init = {};
        int fds[2], r = path ? connect_socket(path, fds) : take_stdio(fds);

        if (!r)
                r = loop_new(&init.loop);
        if (!r)
                r = termination_watch(&init.termination, init.loop, on_signal);
        if (!r) {
                init.carrier = carrier_new(init.loop, &ports, &init);
                r = carrier_open(init.carrier, fds[0], fds[1]);
        }
        if (!r)
                r = loop_run(init.loop);
        if (r)
                fprintf(stderr, "lambent-init: no link to the daemon: %s\n", strerror(-r));
        carrier_free(init.carrier); /* kills what still runs, where the end of PID 1 would not */
        termination_unwatch(&init.termination);
        loop_free(init.loop);
        return r ? 1 : 0;
}

static int usage(void) {
        fputs("usage: lambent-init --socket PATH | --stdio | --rie [--address HOST:PORT] [COMMAND [ARGUMENT]…]\n",
              stderr);
        return 2;
}

int main(int argc, char **argv) {
        prctl(PR_SET_DUMPABLE, 0);
        log_level_now = LOG_WARN;
        if (argc == 3 && streq(argv[1], "--socket"))
                return serve_link(argv[2]);
        if (argc == 2 && streq(argv[1], "--stdio"))
                return serve_link(NULL);
        if (argc >= 2 && streq(argv[1], "--rie"))
                return emulator_main(argc - 1, argv + 1);
        if (argc == 2 && streq(argv[1], "--version")) {
                puts("lambent-init " LAMBENT_VERSION);
                return 0;
        }
        return usage();
}
