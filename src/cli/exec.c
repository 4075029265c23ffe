/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

#include "cli/client_commands.h"
#include "cli/private_daemon.h"

static const char *region_here(void) {
        static const char *const names[] = { "AWS_REGION", "AWS_DEFAULT_REGION" };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                const char *region = getenv(names[i]);

                if (region && *region)
                        return region;
        }
        return "us-east-1";
}

/* Nothing of the caller's real account may come along: neither keys nor a profile that has some. */
static void set_environment(const char *endpoint, const char *region) {
        const struct {
                const char *name, *value;
        } settings[] = {
                { "AWS_ENDPOINT_URL", endpoint },    { "AWS_ENDPOINT_URL_LAMBDA", endpoint },
                { "LAMBENT_ENDPOINT", endpoint },    { "AWS_REGION", region },
                { "AWS_DEFAULT_REGION", region },    { "AWS_ACCESS_KEY_ID", "test" },
                { "AWS_SECRET_ACCESS_KEY", "test" }, { "AWS_EC2_METADATA_DISABLED", "true" },
        };
        static const char *const unwanted[] = { "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
                                                "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE" };

        for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
                setenv(settings[i].name, settings[i].value, 1);
        for (size_t i = 0; i < ARRAY_SIZE(unwanted); i++)
                unsetenv(unwanted[i]);
}

/* A Ctrl-C reaches the command from the terminal; what is sent to us alone is handed on. */
static void pass_signals(struct child *command, int signal_fd) {
        struct pollfd fds[] = { { .fd = command->pidfd, .events = POLLIN },
                                { .fd = signal_fd, .events = POLLIN } };
        struct signalfd_siginfo info;

        for (;;) {
                if (poll(fds, ARRAY_SIZE(fds), -1) < 0 && errno != EINTR)
                        return;
                if (fds[0].revents)
                        return;
                while (fds[1].revents && read(signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
                        if (info.ssi_signo == SIGTERM || info.ssi_signo == SIGHUP)
                                child_signal(command, (int)info.ssi_signo);
                }
        }
}

static void name_of(const char *pid, char ret_name[static 64]) {
        AUTO(str) char *path = xasprintf("/proc/%s/comm", pid);
        FILE *file = fopen(path, "re");

        ret_name[0] = '\0';
        if (file && fgets(ret_name, 64, file))
                ret_name[strcspn(ret_name, "\n")] = '\0';
        if (file)
                fclose(file);
}

/* We are the subreaper of everything started here, so what is still our child now was left behind. */
static void report_processes(void) {
        AUTO(str) char *path = xasprintf("/proc/self/task/%d/children", getpid());
        AUTO(str) char *line = NULL;
        size_t room = 0;
        FILE *file;

        while (waitpid(-1, NULL, WNOHANG) > 0)
                continue;
        file = fopen(path, "re");
        if (file && getline(&line, &room, file) > 0) {
                char *rest = line;

                for (char *pid; (pid = strsep(&rest, " \n"));) {
                        char name[64];

                        if (!*pid)
                                continue;
                        name_of(pid, name);
                        complain("left running: process %s (%s)", pid, name);
                }
        }
        if (file)
                fclose(file);
}

static void report_mounts(const char *folder) {
        FILE *file = fopen("/proc/self/mountinfo", "re");
        AUTO(str) char *line = NULL;
        size_t room = 0;

        while (file && getline(&line, &room, file) > 0) {
                if (strstr(line, folder))
                        complain("left mounted: %s", line);
        }
        if (file)
                fclose(file);
}

static int exec_command_under(struct private_daemon *daemon, const struct strings *operands, int signal_fd) {
        struct child command;
        int r = child_start(&command, &(struct child_plan){
                                              .argv = (const char *const *)operands->items,
                                              .clear_mask = true,
                                      });

        if (r) {
                complain("%s: %s", operands->items[0], strerror(-r));
                return r == -ENOENT ? 127 : 126;
        }
        pass_signals(&command, signal_fd);
        r = child_wait(&command);
        child_release(&command);
        if (child_has_ended(&daemon->child, 0))
                complain("the daemon ended before the command did");
        return r;
}

static int run_exec(void *values, const struct strings *operands) {
        const char *region = region_here();
        struct private_daemon daemon;
        AUTO(str) char *data_dir = NULL;
        AUTO(fd) int signal_fd = -1;
        sigset_t mask;
        int code, daemon_code;

        sigemptyset(&mask);
        sigaddset(&mask, SIGTERM);
        sigaddset(&mask, SIGHUP);
        sigaddset(&mask, SIGINT);
        sigaddset(&mask, SIGQUIT);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        signal_fd = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
        if (signal_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1))
                return complain("cannot watch over the command: %s", strerror(errno));
        if (private_daemon_start(&daemon, (const char *const[]){ "--region", region, NULL }))
                return 1;
        set_environment(daemon.endpoint, region);
        code = exec_command_under(&daemon, operands, signal_fd);
        data_dir = xstrdup(daemon.data_dir);
        daemon_code = private_daemon_stop(&daemon, false);
        if (daemon_code)
                complain("the daemon ended with status %d", daemon_code);
        report_processes();
        report_mounts(data_dir);
        return code;
}

static const struct option exec_table[] = { {} };

const struct command exec_command = {
        .name = "exec",
        .operands = "-- COMMAND [ARGUMENT...]",
        .summary = "run a command with a Lambda of its own: for tests and CI",
        .details = "Starts a daemon on a free port with an empty temporary data dir, runs the command with "
                   "AWS_ENDPOINT_URL, region and "
                   "test credentials set so that every AWS client finds it, stops the daemon, says what was "
                   "left running, and ends with "
                   "the command's exit status. Settings of the daemon come from the environment "
                   "(LAMBENT_SANDBOX_TIER...) and config "
                   "files. Nothing of the caller's AWS account is passed on.",
        .options = exec_table,
        .operands_least = 1,
        .rest = true,
        .run = run_exec,
};
