/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The load client: N keep-alive connections, each with one request in flight, against any host, port and
 * path; one line of JSON with the latencies. In the path, {} stands for the number of the connection. Asked
 * for one connection it blocks in read(), so that a ping-pong costs what it must and no epoll_wait; with more
 * it waits for all of them in one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "measure.h"

struct plan {
        const char *to;
        const char *path;
        const char *method;
        const char *header; /* one more, "Name: value"; NULL */
        size_t body_len;
        unsigned long requests;
        unsigned long warmup;
        double seconds;
        int connections;
};

struct connection {
        int fd;
        char *head;
        size_t head_len;
        struct message message;
        uint64_t began;
};

struct run {
        const struct plan *plan;
        char *body;
        struct samples samples;
        unsigned long begun;
        unsigned long done;
        unsigned long bad_status;
        unsigned long function_errors;
        /* 0: not before the warm-up is over. */
        uint64_t started;
        uint64_t deadline;
};

static void make_head(struct run *run, struct connection *connection, int number) {
        const struct plan *plan = run->plan;
        const char *hole = strstr(plan->path, "{}");
        int before = hole ? (int)(hole - plan->path) : (int)strlen(plan->path), n;
        char index[16] = "";

        if (hole)
                snprintf(index, sizeof(index), "%d", number);
        n = asprintf(
                &connection->head,
                "%s %.*s%s%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n%s%sContent-Length: "
                "%zu\r\n\r\n",
                plan->method, before, plan->path, index, hole ? hole + 2 : "", plan->to,
                plan->header ? plan->header : "", plan->header ? "\r\n" : "", plan->body_len);
        if (n < 0)
                die("no memory");
        connection->head_len = (size_t)n;
}

static bool run_is_over(const struct run *run) {
        if (run->plan->seconds > 0)
                return run->deadline && now_nsec() >= run->deadline;
        return run->begun >= run->plan->requests + run->plan->warmup;
}

static void begin(struct run *run, struct connection *connection) {
        run->begun++;
        connection->message.len = 0;
        connection->began = now_nsec();
        if (connection->fd < 0)
                connection->fd = connect_to(run->plan->to);
        if (!send_two(connection->fd, connection->head, connection->head_len, run->body, run->plan->body_len))
                die("the server has hung up");
}

static void finish(struct run *run, struct connection *connection) {
        uint64_t now = now_nsec();
        struct message *message = &connection->message;

        run->done++;
        /* Not before all that were begun in the warm-up are over: their times would be those of a cold
         * server. */
        if (!run->started && run->done > run->plan->warmup) {
                run->started = connection->began;
                run->deadline = run->started + (uint64_t)(run->plan->seconds * 1e9);
        }
        if (run->started)
                samples_add(&run->samples, now - connection->began);
        if (message->len < 12 || message->buf[9] != '2')
                run->bad_status++;
        if (memmem(message->buf, (size_t)(message->body - message->buf), "Function-Error", 14))
                run->function_errors++;
}

/* A server that closes after each answer is asked anew each time, and that is part of its time. */
static void close_if_told(struct connection *connection) {
        const struct message *message = &connection->message;
        static const char told[] = "\r\nConnection: close\r\n";

        if (!memmem(message->buf, (size_t)(message->body - message->buf), told, strlen(told)))
                return;
        close(connection->fd);
        connection->fd = -1;
}

static void run_blocking(struct run *run, struct connection *connection) {
        while (!run_is_over(run)) {
                begin(run, connection);
                if (!message_read(&connection->message, connection->fd))
                        die("the server has hung up");
                finish(run, connection);
                close_if_told(connection);
        }
}

/* True when the connection is at rest. */
static bool advance(struct run *run, struct connection *connection) {
        if (message_read_some(&connection->message, connection->fd) <= 0)
                die("the server has hung up");
        if (!message_is_whole(&connection->message))
                return false;
        finish(run, connection);
        if (run_is_over(run))
                return true;
        begin(run, connection);
        return false;
}

static void run_epoll(struct run *run, struct connection *connections, int count) {
        int epoll = epoll_create1(EPOLL_CLOEXEC), busy = 0;
        struct epoll_event events[64];

        for (int i = 0; i < count && !run_is_over(run); i++, busy++) {
                struct epoll_event event = { .events = EPOLLIN, .data.ptr = &connections[i] };

                if (epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
                        die("epoll_ctl");
                begin(run, &connections[i]);
        }
        while (busy) {
                int n = epoll_wait(epoll, events, 64, -1);

                if (n < 0 && errno != EINTR)
                        die("epoll_wait");
                for (int i = 0; i < n; i++)
                        busy -= advance(run, events[i].data.ptr);
        }
        close(epoll);
}

static void report(struct run *run) {
        double seconds = (double)(now_nsec() - run->started) / 1e9;

        printf("{\"done\":%lu,\"bad_status\":%lu,\"function_errors\":%lu,\"seconds\":%.4f,\"per_second\":%."
               "1f,",
               run->done, run->bad_status, run->function_errors, seconds,
               (double)run->samples.count / seconds);
        samples_print(&run->samples, stdout);
        puts("}");
}

static void usage(void) {
        fputs("usage: bench_client --to IP:PORT --path PATH [--method POST] [--body BYTES] [--connections "
              "N]\n"
              "                    [--requests N | --seconds S] [--warmup N] [--cpu N] [--header 'NAME: VALUE']\n",
              stderr);
        exit(2);
}

static struct plan parse_plan(int argc, char **argv) {
        static const struct option options[] = {
                { "to", required_argument, NULL, 't' },
                { "path", required_argument, NULL, 'p' },
                { "method", required_argument, NULL, 'm' },
                { "body", required_argument, NULL, 'b' },
                { "connections", required_argument, NULL, 'c' },
                { "requests", required_argument, NULL, 'n' },
                { "seconds", required_argument, NULL, 's' },
                { "warmup", required_argument, NULL, 'w' },
                { "cpu", required_argument, NULL, 'u' },
                { "header", required_argument, NULL, 'h' },
                {},
        };
        struct plan plan = { .method = "POST", .body_len = 100, .requests = 1000, .connections = 1 };
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 't':
                        plan.to = optarg;
                        break;
                case 'p':
                        plan.path = optarg;
                        break;
                case 'm':
                        plan.method = optarg;
                        break;
                case 'b':
                        plan.body_len = strtoul(optarg, NULL, 10);
                        break;
                case 'c':
                        plan.connections = atoi(optarg);
                        break;
                case 'n':
                        plan.requests = strtoul(optarg, NULL, 10);
                        break;
                case 's':
                        plan.seconds = strtod(optarg, NULL);
                        break;
                case 'w':
                        plan.warmup = strtoul(optarg, NULL, 10);
                        break;
                case 'h':
                        plan.header = optarg;
                        break;
                case 'u':
                        pin_to_cpu(atoi(optarg));
                        break;
                default:
                        usage();
                }
        }
        if (!plan.to || !plan.path || plan.connections < 1 || plan.body_len == 1 || optind != argc)
                usage();
        return plan;
}

int main(int argc, char **argv) {
        struct plan plan = parse_plan(argc, argv);
        struct run run = { .plan = &plan };
        struct connection *connections = calloc((size_t)plan.connections, sizeof(*connections));

        run.body = malloc(plan.body_len + 1);
        if (!connections || !run.body)
                die("no memory");
        /* A JSON string of the wanted length. */
        memset(run.body, 'x', plan.body_len);
        if (plan.body_len)
                run.body[0] = run.body[plan.body_len - 1] = '"';
        for (int i = 0; i < plan.connections; i++) {
                connections[i].fd = connect_to(plan.to);
                make_head(&run, &connections[i], i);
        }
        if (plan.connections == 1)
                run_blocking(&run, connections);
        else
                run_epoll(&run, connections, plan.connections);
        report(&run);
        return run.bad_status || run.function_errors ? 3 : 0;
}
