/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The program that runs inside: one word says what to try, standard output says how it went.
 * Static, so that it needs nothing from the root file system that it looks at.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int say(const char *what, long r) {
        printf("%s: %s\n", what, r < 0 ? strerror(errno) : "ok");
        fflush(stdout);
        return 0;
}

static int identity(void) {
        char host[65] = "", line[256];
        FILE *status = fopen("/proc/self/status", "r");

        gethostname(host, sizeof(host));
        printf("uid=%u gid=%u groups=%d pid=%d host=%s\n", getuid(), getgid(), getgroups(0, NULL), getpid(),
               host);
        while (status && fgets(line, sizeof(line), status))
                if (!strncmp(line, "Cap", 3) || !strncmp(line, "NoNewPrivs", 10) ||
                    !strncmp(line, "Seccomp:", 8))
                        fputs(line, stdout);
        return 0;
}

static int limits(void) {
        static const struct {
                const char *name;
                int what;
        } all[] = {
                { "NOFILE", RLIMIT_NOFILE }, { "NPROC", RLIMIT_NPROC },     { "CORE", RLIMIT_CORE },
                { "STACK", RLIMIT_STACK },   { "MEMLOCK", RLIMIT_MEMLOCK },
        };

        for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); ++i) {
                struct rlimit limit;

                getrlimit((__rlimit_resource_t)all[i].what, &limit);
                printf("%s=%llu\n", all[i].name, (unsigned long long)limit.rlim_cur);
        }
        return 0;
}

static int list(const char *path) {
        DIR *dir = opendir(path);
        struct dirent *entry;

        if (!dir)
                return say(path, -1);
        while ((entry = readdir(dir)))
                if (entry->d_name[0] != '.')
                        printf("%s\n", entry->d_name);
        return 0;
}

static int read_path(const char *path) {
        char text[4096];
        int fd = open(path, O_RDONLY);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

        if (n < 0)
                return say(path, -1);
        fwrite(text, 1, (size_t)n, stdout);
        return 0;
}

static int write_path(const char *path) {
        return say(path, open(path, O_WRONLY | O_CREAT, 0600));
}

static int connect_unix(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t len = strlen(path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        memcpy(address.sun_path, path, len);
        if (path[0] == '@')
                address.sun_path[0] = '\0';
        return say(path, connect(fd, (struct sockaddr *)&address,
                                 (socklen_t)(sizeof(sa_family_t) + len + (path[0] != '@'))));
}

/* The address is AWS_LAMBDA_RUNTIME_API's; stays until it is killed, as a runtime that waits for work does.
 */
static int connect_api(const char *address) {
        static const char request[] = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
        struct sockaddr_in in = { .sin_family = AF_INET };
        const char *colon = strchr(address, ':');
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        in.sin_port = htons((uint16_t)atoi(colon + 1));
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0)
                return say("connect", -1);
        if (write(fd, request, sizeof(request) - 1) < 0)
                return say("write", -1);
        for (;;)
                pause();
}

static int eat_memory(size_t mib) {
        for (size_t i = 0; i < mib; ++i) {
                char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                if (p == MAP_FAILED)
                        return say("mmap", -1);
                memset(p, 1, 1 << 20);
        }
        return say("ate", 0);
}

/* Children that lead sessions of their own and ignore what can be ignored; the parent waits with them. */
static _Noreturn void leave_children(int count) {
        for (int i = 0; i < count; ++i)
                if (fork() == 0) {
                        setsid();
                        signal(SIGTERM, SIG_IGN);
                        if (fork() == 0)
                                signal(SIGHUP, SIG_IGN);
                        say("left", 0);
                        for (;;)
                                pause();
                }
        say("left", 0);
        for (;;)
                pause();
}

static int count_forks(void) {
        int count = 0;

        while (count < 5000) {
                pid_t pid = fork();

                if (pid < 0)
                        break;
                if (pid == 0)
                        for (;;)
                                pause();
                ++count;
        }
        printf("forks=%d %s\n", count, strerror(errno));
        fflush(stdout);
        signal(SIGTERM, SIG_IGN);
        return 0;
}

/* Each lives only long enough to fork the next: by the time somebody has read its number it is gone. */
static _Noreturn void run_away(int runners) {
        for (int i = 0; i < runners; ++i)
                if (fork() == 0) {
                        setsid();
                        say("left", 0);
                        for (;;)
                                if (fork() > 0)
                                        _exit(0);
                }
        for (;;)
                pause();
}

/* Forks without end; what is there is `most` at the highest, for the machine's sake. */
static _Noreturn void multiply(unsigned int most) {
        unsigned int *count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

        *count = 1;
        for (;;) {
                if (__atomic_add_fetch(count, 1, __ATOMIC_RELAXED) <= most) {
                        if (fork() == 0 && __atomic_load_n(count, __ATOMIC_RELAXED) == most)
                                say("left", 0);
                        continue;
                }
                __atomic_sub_fetch(count, 1, __ATOMIC_RELAXED);
                sched_yield();
        }
}

static int forbidden(void) {
        say("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
        say("unshare", unshare(CLONE_NEWUSER));
        say("chroot", chroot("/tmp"));
        say("bpf", syscall(SYS_bpf, 0, NULL, 0));
        say("keyctl", syscall(SYS_keyctl, 0, 0));
        say("clone3", syscall(SYS_clone3, NULL, 0));
        say("newest", syscall(1000));
        say("trace-1", ptrace(PTRACE_SEIZE, 1, NULL, NULL));
        say("kill-1", kill(1, SIGKILL));
        say("mem-1", open("/proc/1/mem", O_RDWR));
        say("environ-1", open("/proc/1/environ", O_RDONLY));
        return 0;
}

/* Ticks as fast as it can, so that a frozen one is seen to stand still. */
static int tick(void) {
        unsigned long *ticks;
        int fd = open("/tmp/ticks", O_RDWR | O_CREAT, 0600);

        if (fd < 0 || ftruncate(fd, 4096) < 0)
                return say("ticks", -1);
        ticks = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        say("ticking", 0);
        for (;;)
                if (++*ticks % 1000000 == 0)
                        say("tick", 0);
}

static int size_of(const char *path) {
        struct statvfs fs;

        if (statvfs(path, &fs) < 0)
                return say(path, -1);
        printf("size=%llu\n", (unsigned long long)fs.f_blocks * fs.f_frsize);
        return 0;
}

static int many_lines(int count) {
        for (int i = 0; i < count; ++i)
                printf("line %d\n", i);
        return 7;
}

static int hold_abstract(const char *name) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);

        memcpy(address.sun_path + 1, name, strlen(name));
        if (bind(fd, (struct sockaddr *)&address, (socklen_t)(sizeof(sa_family_t) + 1 + strlen(name))) < 0 ||
            listen(fd, 1) < 0)
                return say("bind", -1);
        say("holding", 0);
        for (;;)
                pause();
}

int main(int argc, char **argv) {
        const char *word = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";

        if (!strcmp(word, "identity"))
                return identity();
        if (!strcmp(word, "limits"))
                return limits();
        if (!strcmp(word, "list"))
                return list(arg);
        if (!strcmp(word, "read"))
                return read_path(arg);
        if (!strcmp(word, "write"))
                return write_path(arg);
        if (!strcmp(word, "connect-unix"))
                return connect_unix(arg);
        if (!strcmp(word, "connect-api"))
                return connect_api(arg);
        if (!strcmp(word, "hold-abstract"))
                return hold_abstract(arg);
        if (!strcmp(word, "eat-memory"))
                return eat_memory(strtoul(arg, NULL, 10));
        if (!strcmp(word, "leave-children"))
                leave_children(atoi(arg));
        if (!strcmp(word, "multiply"))
                multiply((unsigned int)atoi(arg));
        if (!strcmp(word, "run-away"))
                run_away(atoi(arg));
        if (!strcmp(word, "count-forks"))
                return count_forks();
        if (!strcmp(word, "forbidden"))
                return forbidden();
        if (!strcmp(word, "tick"))
                return tick();
        if (!strcmp(word, "size-of"))
                return size_of(arg);
        if (!strcmp(word, "many-lines"))
                return many_lines(atoi(arg));
        if (!strcmp(word, "exit"))
                return atoi(arg);
        if (!strcmp(word, "environment")) {
                for (char **var = environ; *var; ++var)
                        puts(*var);
                return 0;
        }
        if (!strcmp(word, "abort"))
                abort();
        if (!strcmp(word, "raise"))
                return raise(atoi(arg));
        fprintf(stderr, "unknown word %s\n", word);
        return 2;
}
