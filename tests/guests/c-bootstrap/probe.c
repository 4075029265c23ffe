/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "guest.h"

extern char **environ;

static void answer_errno(struct guest *guest, int error) {
        text_clear(&guest->text);
        text_json(&guest->text, errno_word(error), strlen(errno_word(error)));
        guest_answer_text(guest);
}

static void run_env(struct guest *guest) {
        struct text *text = &guest->text;

        for (char **entry = environ; *entry; entry++) {
                size_t name = strcspn(*entry, "=");

                text_str(text, entry == environ ? "{" : ",");
                text_json(text, *entry, name);
                text_str(text, ":");
                text_json(text, *entry + name + 1, strlen(*entry + name + 1));
        }
        text_str(text, text->len ? "}" : "{}");
        guest_answer_text(guest);
}

/* The headers that came with the event, names in lower case. */
static void run_headers(struct guest *guest) {
        struct text *text = &guest->text;
        const char *end = guest->event.head + guest->event.head_len, *line = guest->event.head;

        text_str(text, "{");
        while ((line = memchr(line, '\n', (size_t)(end - line))) && ++line < end) {
                const char *stop = memchr(line, '\r', (size_t)(end - line));
                const char *colon = stop ? memchr(line, ':', (size_t)(stop - line)) : NULL, *value;
                char name[80];
                size_t len = colon ? (size_t)(colon - line) : sizeof(name);

                if (len >= sizeof(name))
                        continue;
                for (size_t i = 0; i < len; i++)
                        name[i] = line[i] >= 'A' && line[i] <= 'Z' ? (char)(line[i] | 0x20) : line[i];
                for (value = colon + 1; value < stop && *value == ' ';)
                        value++;
                text_str(text, text->len > 1 ? "," : "");
                text_json(text, name, len);
                text_str(text, ":");
                text_json(text, value, (size_t)(stop - value));
        }
        text_str(text, "}");
        guest_answer_text(guest);
}

/* Tells environments, and the processes in one, apart: the pid alone is 2 in every pid namespace. */
static void run_count(struct guest *guest) {
        static char birth[32];
        struct text *text = &guest->text;

        if (!birth[0]) {
                unsigned char random[8] = {};

                if (getentropy(random, sizeof(random)) < 0)
                        die("no entropy");
                for (size_t i = 0; i < sizeof(random); i++) {
                        birth[2 * i] = "0123456789abcdef"[random[i] >> 4];
                        birth[2 * i + 1] = "0123456789abcdef"[random[i] & 15];
                }
        }
        text_str(text, "{\"count\":");
        text_num(text, (long long)guest->count);
        text_str(text, ",\"pid\":");
        text_num(text, getpid());
        text_str(text, ",\"process\":");
        text_json(text, birth, strlen(birth));
        text_str(text, "}");
        guest_answer_text(guest);
}

static void run_read_file(struct guest *guest) {
        int fd = open(guest->arg, O_RDONLY | O_CLOEXEC), r;
        struct text content = {};

        if (fd < 0) {
                answer_errno(guest, errno);
                return;
        }
        r = text_read(&content, fd);
        close(fd);
        if (r == 0) {
                text_str(&guest->text, "{\"content\":");
                text_json(&guest->text, content.data, content.len);
                text_str(&guest->text, "}");
                guest_answer_text(guest);
        } else {
                answer_errno(guest, -r);
        }
        free(content.data);
}

static const char *tmp_path(char path[PATH_MAX]) {
        const char *dir = getenv("TMPDIR");

        if (!dir || strlen(dir) + 16 > PATH_MAX)
                dir = "/tmp";
        stpcpy(stpcpy(path, dir), "/guest");
        return path;
}

static void run_write_tmp(struct guest *guest) {
        char path[PATH_MAX];
        int fd = open(tmp_path(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (fd < 0 || write(fd, guest->event.body, guest->event.body_len) < 0) {
                answer_errno(guest, errno);
        } else {
                text_str(&guest->text, "\"written\"");
                guest_answer_text(guest);
        }
        if (fd >= 0)
                close(fd);
}

static void run_read_tmp(struct guest *guest) {
        char path[PATH_MAX];

        guest->arg = tmp_path(path);
        run_read_file(guest);
        guest->arg = "";
}

/* Can a file be made here? Answers "made" or the errno; what was made is taken away again. */
static void run_make_file(struct guest *guest) {
        int fd = open(guest->arg, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        if (fd < 0) {
                answer_errno(guest, errno);
                return;
        }
        close(fd);
        (void)unlink(guest->arg);
        text_str(&guest->text, "\"made\"");
        guest_answer_text(guest);
}

static void run_list_dir(struct guest *guest) {
        struct text *text = &guest->text;
        DIR *dir = opendir(guest->arg);
        struct dirent *entry;

        if (!dir) {
                answer_errno(guest, errno);
                return;
        }
        text_str(text, "[");
        while ((entry = readdir(dir))) {
                if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
                        continue;
                text_str(text, text->len > 1 ? "," : "");
                text_json(text, entry->d_name, strlen(entry->d_name));
        }
        text_str(text, "]");
        closedir(dir);
        guest_answer_text(guest);
}

/* "1.2.3.4:80", "[::1]:80", "/path/of/a.socket", or "@name" for an abstract one. */
static socklen_t parse_address(const char *word, struct sockaddr_storage *address) {
        struct sockaddr_un *local = (struct sockaddr_un *)address;
        struct sockaddr_in *v4 = (struct sockaddr_in *)address;
        struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
        const char *port = strrchr(word, ':');
        char host[INET6_ADDRSTRLEN] = "";
        size_t skip = word[0] == '[', len = port ? (size_t)(port - word) : 0;

        if (word[0] == '/' || word[0] == '@') {
                if (strlen(word) >= sizeof(local->sun_path))
                        return 0;
                local->sun_family = AF_UNIX;
                strcpy(local->sun_path, word);
                if (word[0] == '@')
                        local->sun_path[0] = '\0';
                return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(word) + (word[0] == '/'));
        }
        if (len < 1 + 2 * skip || len >= sizeof(host))
                return 0;
        memcpy(host, word + skip, len - 2 * skip);
        if (skip) {
                v6->sin6_family = AF_INET6;
                v6->sin6_port = htons((unsigned short)atoi(port + 1));
                return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1 ? sizeof(*v6) : 0;
        }
        v4->sin_family = AF_INET;
        v4->sin_port = htons((unsigned short)atoi(port + 1));
        return inet_pton(AF_INET, host, &v4->sin_addr) == 1 ? sizeof(*v4) : 0;
}

static void run_connect(struct guest *guest) {
        struct sockaddr_storage address = {};
        socklen_t len = parse_address(guest->arg, &address);
        int fd = len ? socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;

        if (!len) {
                answer_errno(guest, EINVAL);
        } else if (fd < 0 || connect(fd, (struct sockaddr *)&address, len) < 0) {
                answer_errno(guest, errno);
        } else {
                text_str(&guest->text, "\"connected\"");
                guest_answer_text(guest);
        }
        if (fd >= 0)
                close(fd);
}

static void add_limits(struct text *text) {
        static const struct {
                const char *name;
                int resource;
        } limits[] = {
                { "nofile", RLIMIT_NOFILE },   { "nproc", RLIMIT_NPROC }, { "core", RLIMIT_CORE },
                { "memlock", RLIMIT_MEMLOCK }, { "stack", RLIMIT_STACK }, { "data", RLIMIT_DATA },
                { "as", RLIMIT_AS },           { "fsize", RLIMIT_FSIZE },
        };

        text_str(text, ",\"rlimits\":{");
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                struct rlimit limit = {};

                (void)getrlimit((__rlimit_resource_t)limits[i].resource, &limit);
                text_str(text, i ? "," : "");
                text_json(text, limits[i].name, strlen(limits[i].name));
                text_str(text, ":[");
                text_num(text, limit.rlim_cur == RLIM_INFINITY ? -1 : (long long)limit.rlim_cur);
                text_str(text, ",");
                text_num(text, limit.rlim_max == RLIM_INFINITY ? -1 : (long long)limit.rlim_max);
                text_str(text, "]");
        }
        text_str(text, "}");
}

static bool status_is_wanted(const char *name, size_t len) {
        static const char *const wanted[] = { "Uid",    "Gid",    "Groups",     "CapInh",  "CapPrm", "CapEff",
                                              "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "NSpid" };

        for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
                if (strlen(wanted[i]) == len && !memcmp(wanted[i], name, len))
                        return true;
        return false;
}

/* The lines of /proc/self/status that tell of privileges, as they stand there. */
static void add_status(struct text *text) {
        int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
        struct text status = {};
        char *rest = NULL;

        text_str(text, ",\"status\":{");
        if (fd >= 0) {
                (void)text_read(&status, fd);
                close(fd);
        }
        text_add(&status, "", 1);
        for (char *line = strtok_r(status.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                size_t name = strcspn(line, ":");
                const char *value = line + name + (line[name] == ':');

                if (!status_is_wanted(line, name))
                        continue;
                value += strspn(value, "\t ");
                text_str(text, text->data[text->len - 1] == '{' ? "" : ",");
                text_json(text, line, name);
                text_str(text, ":");
                text_json(text, value, strlen(value));
        }
        text_str(text, "}");
        free(status.data);
}

static void add_field(struct text *text, const char *name, long long value) {
        text_str(text, text->len ? "," : "{");
        text_json(text, name, strlen(name));
        text_str(text, ":");
        text_num(text, value);
}

static void run_uid(struct guest *guest) {
        struct text *text = &guest->text;
        gid_t groups[128];
        int count = getgroups(128, groups);

        add_field(text, "uid", getuid());
        add_field(text, "euid", geteuid());
        add_field(text, "gid", getgid());
        add_field(text, "egid", getegid());
        text_str(text, ",\"groups\":[");
        for (int i = 0; i < count; i++) {
                text_str(text, i ? "," : "");
                text_num(text, groups[i]);
        }
        text_str(text, "]");
        add_limits(text);
        add_status(text);
        text_str(text, "}");
        guest_answer_text(guest);
}

const struct mode probe_modes[] = {
        { "env", run_env },
        { "headers", run_headers },
        { "count", run_count },
        { "uid", run_uid },
        { "read-file", run_read_file },
        { "make-file", run_make_file },
        { "list-dir", run_list_dir },
        { "connect", run_connect },
        { "write-tmp", run_write_tmp },
        { "read-tmp", run_read_tmp },
        {},
};
