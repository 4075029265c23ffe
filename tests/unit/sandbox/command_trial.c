/* SPDX-License-Identifier: Apache-2.0 */
#include "command_trial.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static const char script[] =
#include "fake_command.h"
        ;

char *book(const struct trial *t, const char *name) {
        return xasprintf("%s/%s", t->folder, name);
}

void put(const struct trial *t, const char *name, const char *text, mode_t mode) {
        AUTO(str) char *path = book(t, name);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        fd_close(fd);
}

char *get(const struct trial *t, const char *name) {
        AUTO(str) char *path = book(t, name);
        char *text = xcalloc(1, 256 * KIB);
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd >= 0)
                assert_true(read(fd, text, 256 * KIB - 1) >= 0);
        fd_close(fd);
        return text;
}

unsigned calls(const struct trial *t) {
        AUTO(str) char *text = get(t, "calls");
        unsigned count = 0;

        for (const char *at = text; (at = strchr(at, '\n')); ++at)
                ++count;
        return count;
}

bool was_called(const struct trial *t, const char *words) {
        AUTO(str) char *text = get(t, "calls");

        return strstr(text, words) != NULL;
}

size_t knock(struct trial *t) {
        AUTO(str) char *path = book(t, "containers");
        DIR *folder = opendir(path);
        size_t count = 0;

        for (struct dirent *entry; (entry = readdir(folder));) {
                AUTO(str) char *started = xasprintf("containers/%s/started", entry->d_name);
                AUTO(str) char *started_path = book(t, started);
                AUTO(str) char *door_name = xasprintf("containers/%s/door", entry->d_name);
                AUTO(str) char *door = NULL;
                struct sockaddr_un at = { .sun_family = AF_UNIX };
                int fd;

                count += *entry->d_name != '.';
                if (unlink(started_path) < 0)
                        continue;
                door = get(t, door_name);
                door[strcspn(door, "\n")] = 0;
                snprintf(at.sun_path, sizeof(at.sun_path), "%s/link", door);
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
                        fd_close(fd);
                else
                        t->connections[t->knocks++] = fd;
        }
        closedir(folder);
        return count;
}

void make_containers(struct trial *t) {
        stage_make_containers(&t->stage);
}

static void knock_too(struct stage *s) {
        knock(container_of(s, struct trial, stage));
}

void trial_open(struct trial *t) {
        AUTO(str) char *books = NULL;

        *t = (struct trial){ .heard = BUF_NULL(MIB), .stage.turned = knock_too };
        assert_int_equal(loop_new(&t->stage.loop), 0);
        snprintf(t->folder, sizeof(t->folder), "/tmp/fake-command-XXXXXX");
        assert_non_null(mkdtemp(t->folder));
        books = book(t, "containers");
        assert_int_equal(mkdir(books, 0700), 0);
        t->command = book(t, "engine");
        put(t, "engine", script, 0755);
        put(t, "trouble", "0 none\n", 0600);
        put(t, "events", "", 0600);
        t->address = xasprintf("docker-command:%s", t->command);
        t->docker = docker_new(t->stage.loop, t->address, NULL, NULL);
        setenv("LAMBENT_CONTAINER_CLI", t->command, 1);
        unsetenv("DOCKER_HOST");
        stage_open(&t->stage, t->folder, "auto");
        make_containers(t);
}

void trial_close(struct trial *t) {
        AUTO(str) char *remove = xasprintf("rm -r %s", t->folder);

        stage_close_containers(&t->stage);
        docker_call_clear(&t->call);
        docker_free(t->docker);
        assert_int_equal(knock(t), 0);
        stage_close(&t->stage);
        assert_true(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
        for (size_t i = 0; i < t->knocks; ++i)
                fd_close(t->connections[i]);
        assert_int_equal(system(remove), 0);
        loop_free(t->stage.loop);
        buf_deinit(&t->heard);
        free(t->command);
        free(t->address);
}
