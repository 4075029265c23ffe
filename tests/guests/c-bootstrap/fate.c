/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "guest.h"

static void sleep_msec(const char *arg) {
        unsigned long msec = strtoul(arg, NULL, 10);
        struct timespec left = { (time_t)(msec / 1000), (long)(msec % 1000) * 1000000 };

        (void)ppoll(NULL, 0, &left, NULL);
}

bool fate_befall(const char *what) {
        if (!strncmp(what, "exit:", 5))
                _exit(atoi(what + 5));
        if (!strcmp(what, "abort"))
                abort();
        if (!strcmp(what, "segv")) {
                (void)raise(SIGSEGV);
                die("survived SIGSEGV");
        }
        if (!strcmp(what, "hang")) {
                for (;;)
                        pause();
        }
        if (!strncmp(what, "sleep-ms:", 9)) {
                sleep_msec(what + 9);
                return true;
        }
        return false;
}

static void run_exit(struct guest *guest) {
        _exit(atoi(guest->arg));
}

static void run_abort(struct guest *guest) {
        fate_befall("abort");
}

static void run_segv(struct guest *guest) {
        fate_befall("segv");
}

static void run_hang(struct guest *guest) {
        fate_befall("hang");
}

/* Answers first; the environment has then lost its runtime while it should be idle. */
static void run_answer_exit(struct guest *guest) {
        struct reply reply;

        api_answer(&guest->api, guest->id, "\"last words\"", 12, &reply);
        _exit(atoi(guest->arg));
}

static void run_sleep(struct guest *guest) {
        struct reply reply;

        sleep_msec(guest->arg);
        api_answer(&guest->api, guest->id, "\"slept\"", 7, &reply);
}

/*
 * Touches memory a MiB at a time until somebody stops it. It gives up at four times the size that the
 * function was promised, because where no limit holds the machine would be the one that suffers, and says so.
 */
static void run_oom(struct guest *guest) {
        const char *size = getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE");
        unsigned long limit = 4 * (size ? strtoul(size, NULL, 10) : 128), mib = 0;

        while (mib < limit) {
                char *page = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                if (page == MAP_FAILED)
                        break;
                memset(page, 0x5a, 1 << 20);
                mib++;
        }
        text_str(&guest->text, mib < limit ? "{\"refused\":" : "{\"unlimited\":");
        text_num(&guest->text, (long long)mib);
        text_str(&guest->text, "}");
        guest_answer_text(guest);
}

/* A child that outlives the invocation and keeps stdout and stderr open. */
static void run_fork_child(struct guest *guest) {
        pid_t pid = fork();

        if (pid == 0) {
                api_close(&guest->api);
                fate_befall("hang");
        }
        text_str(&guest->text, "{\"child\":");
        text_num(&guest->text, pid < 0 ? -errno : pid);
        text_str(&guest->text, "}");
        guest_answer_text(guest);
}

const struct mode fate_modes[] = {
        { "invoke-exit", run_exit }, { "invoke-abort", run_abort },      { "invoke-segv", run_segv },
        { "invoke-hang", run_hang }, { "answer-exit", run_answer_exit }, { "sleep-ms", run_sleep },
        { "oom", run_oom },          { "fork-child", run_fork_child },   {},
};
