/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

uint64_t now_nsec(void) {
        struct timespec now;

        clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

_Noreturn void die(const char *what) {
        fprintf(stderr, "%s: %s%s%s\n", program_invocation_short_name, what, errno ? ": " : "",
                errno ? strerror(errno) : "");
        exit(1);
}

void pin_to_cpu(int cpu) {
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET((size_t)cpu, &set);
        if (sched_setaffinity(0, sizeof(set), &set) < 0)
                die("cannot pin to the CPU");
}

void samples_add(struct samples *samples, uint64_t nsec) {
        if (samples->count == samples->cap) {
                samples->cap = samples->cap ? 2 * samples->cap : 4096;
                samples->nsec = reallocarray(samples->nsec, samples->cap, sizeof(*samples->nsec));
                if (!samples->nsec)
                        die("no memory");
        }
        samples->nsec[samples->count++] = nsec;
}

static int compare_samples(const void *a, const void *b) {
        uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

        return left < right ? -1 : left > right;
}

void samples_print(struct samples *samples, FILE *out) {
        size_t n = samples->count;
        uint64_t sum = 0;

        if (!n) {
                fputs("\"samples\":0", out);
                return;
        }
        qsort(samples->nsec, n, sizeof(*samples->nsec), compare_samples);
        for (size_t i = 0; i < n; i++)
                sum += samples->nsec[i];
        fprintf(out,
                "\"samples\":%zu,\"min_us\":%.2f,\"p50_us\":%.2f,\"p90_us\":%.2f,\"p99_us\":%.2f,\"max_us\":%"
                ".2f,"
                "\"mean_us\":%.2f",
                n, (double)samples->nsec[0] / 1e3, (double)samples->nsec[n / 2] / 1e3,
                (double)samples->nsec[n - 1 - n / 10] / 1e3, (double)samples->nsec[n - 1 - n / 100] / 1e3,
                (double)samples->nsec[n - 1] / 1e3, (double)sum / (double)n / 1e3);
}

static int tcp_socket(const char *where, struct sockaddr_in *ret_address) {
        const char *colon = strchr(where, ':');
        char ip[INET_ADDRSTRLEN] = "";
        int fd, on = 1;

        errno = 0;
        if (!colon || (size_t)(colon - where) >= sizeof(ip))
                die("an address must be ip:port");
        memcpy(ip, where, (size_t)(colon - where));
        *ret_address =
                (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
        if (inet_pton(AF_INET, ip, &ret_address->sin_addr) != 1)
                die("an address must be ip:port");
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                die("socket");
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        return fd;
}

int listen_on(const char *where, int *ret_port) {
        struct sockaddr_in address;
        socklen_t len = sizeof(address);
        int fd = tcp_socket(where, &address);

        if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, SOMAXCONN) < 0 ||
            getsockname(fd, (struct sockaddr *)&address, &len) < 0)
                die("cannot listen");
        *ret_port = ntohs(address.sin_port);
        return fd;
}

int connect_to(const char *where) {
        struct sockaddr_in address;
        int fd = tcp_socket(where, &address);

        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die("cannot connect");
        return fd;
}

bool message_is_whole(struct message *message) {
        char *end = message->len ? memmem(message->buf, message->len, "\r\n\r\n", 4) : NULL, *field;
        size_t head_len;

        if (!end)
                return false;
        head_len = (size_t)(end - message->buf) + 4;
        message->body = end + 4;
        *end = '\0';
        /* All who speak here are known to write these names so, or all in lower case. */
        field = strcasestr(message->buf, "\r\ncontent-length:");
        if (field) {
                message->body_len = strtoull(field + 17, NULL, 10);
                *end = '\r';
                return message->len >= head_len + message->body_len;
        }
        field = strcasestr(message->buf, "\r\ntransfer-encoding: chunked");
        *end = '\r';
        message->body_len = message->len - head_len;
        return !field || (message->body_len >= 5 && !memcmp(message->buf + message->len - 5, "0\r\n\r\n", 5));
}

long message_read_some(struct message *message, int fd) {
        ssize_t n;

        /* One byte stays free: a head is a string for as long as it is looked at. */
        if (message->cap - message->len < 65536) {
                message->cap = message->cap ? 2 * message->cap : 256 * 1024;
                message->buf = realloc(message->buf, message->cap);
                if (!message->buf)
                        die("no memory");
        }
        do
                n = read(fd, message->buf + message->len, message->cap - message->len - 1);
        while (n < 0 && errno == EINTR);
        if (n > 0)
                message->len += (size_t)n;
        return n;
}

bool message_read(struct message *message, int fd) {
        message->len = 0;
        do {
                if (message_read_some(message, fd) <= 0)
                        return false;
        } while (!message_is_whole(message));
        return true;
}

bool send_two(int fd, const char *head, size_t head_len, const char *body, size_t body_len) {
        struct iovec parts[2] = { { (char *)head, head_len }, { (char *)body, body_len } }, *part = parts;
        size_t count = body_len ? 2 : 1;

        while (count) {
                struct msghdr message = { .msg_iov = part, .msg_iovlen = count };
                ssize_t n = sendmsg(fd, &message, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return false;
                for (; count && (size_t)n >= part->iov_len; part++, count--)
                        n -= (ssize_t)part->iov_len;
                if (count) {
                        part->iov_base = (char *)part->iov_base + n;
                        part->iov_len -= (size_t)n;
                }
        }
        return true;
}
