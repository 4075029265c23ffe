/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/native/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/random.h"

#define FOLDER_PREFIX "lambent-" /* and random hex digits: */
#define FOLDER_ID_LEN 12
/* Processes and threads of one environment, as AWS documents (docs/aws.md, processes). */
#define PIDS_MAX "1024"
#define SWEEP_PATIENCE_MS 1000

static const char *const role_words[CGROUP_ROLES] = { "memory", "pids", "cpu", "" };

void cgroups_init(struct cgroups *cgroups) {
        *cgroups = (struct cgroups){};
        for (size_t i = 0; i < CGROUP_ROLES; ++i) {
                cgroups->trees[i].base_fd = -1;
                cgroups->tree_of[i] = -1;
        }
}

static int write_at(int dir, const char *name, const char *text) {
        int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
        int r = 0;

        if (fd < 0)
                return -errno;
        if (write(fd, text, strlen(text)) < 0)
                r = -errno;
        fd_close(fd);
        return r;
}

static void read_at(int dir, const char *name, char *text, size_t size) {
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

        text[MAX(n, (ssize_t)0)] = '\0';
        fd_close(fd);
}

/* Whether `word` is one of the words in a list separated by any of `between`. */
static bool has_word(const char *list, const char *word, const char *between) {
        size_t len = strlen(word);

        for (const char *p = list; *p; p += strcspn(p, between)) {
                p += strspn(p, between);
                if (strcspn(p, between) == len && len && !strncmp(p, word, len))
                        return true;
        }
        return false;
}

/* Our own path in the hierarchy that carries `controller` ("" for v2), as /proc/self/cgroup tells:
 * "4:memory:/a/b". */
static bool own_path(FILE *self, const char *controller, char *path, size_t size) {
        char line[4096];

        rewind(self);
        while (fgets(line, sizeof(line), self)) {
                char *names = strchr(line, ':'), *where = names ? strchr(names + 1, ':') : NULL;

                if (!where)
                        continue;
                *where++ = '\0';
                where[strcspn(where, "\n")] = '\0';
                if (*controller ? !has_word(names + 1, controller, ",") : names[1] != '\0')
                        continue;
                return snprintf(path, size, "%s", where) < (int)size;
        }
        return false;
}

/* A mountinfo line: id parent dev root mountpoint options… - type source superoptions. */
static bool parse_mount(char *line, char **ret_root, char **ret_point, char **ret_type, char **ret_options) {
        char *dash = strstr(line, " - "), *field = line, *save;

        if (!dash)
                return false;
        *dash = '\0';
        strtok_r(field, " ", &save);
        for (int i = 0; i < 2; ++i)
                strtok_r(NULL, " ", &save);
        *ret_root = strtok_r(NULL, " ", &save);
        *ret_point = strtok_r(NULL, " ", &save);
        *ret_type = strtok_r(dash + 3, " ", &save);
        strtok_r(NULL, " ", &save);
        *ret_options = strtok_r(NULL, " \n", &save);
        return *ret_root && *ret_point && *ret_type;
}

/* A daemon whose launcher was killed still sits in the leaf that that one had made for it:
 * ".../lambent-x/self". */
static void step_out_of_self(struct cgroups *cgroups, char *path) {
        char *slash = strrchr(path, '/'), *before;

        if (!slash || !streq(slash, "/self"))
                return;
        *slash = '\0';
        before = strrchr(path, '/');
        if (before && str_starts(before + 1, FOLDER_PREFIX)) {
                *before = '\0';
                cgroups->in_old_self = true;
        } else {
                *slash = '/';
        }
}

static int add_tree(struct cgroups *cgroups, const char *owner, bool v2) {
        struct cgroup_tree *tree;

        for (size_t i = 0; i < cgroups->tree_count; ++i)
                if (streq(cgroups->trees[i].owner, owner))
                        return (int)i;
        if (cgroups->tree_count == CGROUP_ROLES)
                return -1;
        tree = &cgroups->trees[cgroups->tree_count];
        tree->v2 = v2;
        if (snprintf(tree->owner, sizeof(tree->owner), "%s", owner) >= (int)sizeof(tree->owner))
                return -1;
        return (int)cgroups->tree_count++;
}

/* A role is served by the v1 hierarchy that is mounted for it, else by v2 when its controller is there. */
static void look_at_mount(struct cgroups *cgroups, const struct cgroup_sources *sources, FILE *self,
                          char *line) {
        char *root, *point, *type, *options, path[512], owner[1100], controllers[256] = "";
        bool v2;

        if (!parse_mount(line, &root, &point, &type, &options))
                return;
        v2 = streq(type, "cgroup2");
        if (!v2 && !streq(type, "cgroup"))
                return;
        for (int role = 0; role < CGROUP_ROLES; ++role) {
                const char *word = role_words[role];

                if (cgroups->tree_of[role] >= 0 || (role == CGROUP_CPU && !sources->want_cpu))
                        continue;
                if (!v2 && role == CGROUP_PIDS && sources->spare_pids)
                        continue;
                if (!v2 && (!*word || !options || !has_word(options, word, ",")))
                        continue;
                if (!own_path(self, v2 ? "" : word, path, sizeof(path)))
                        continue;
                if (v2)
                        step_out_of_self(cgroups, path);
                /* In a container the mount may show only a part of the tree: strip that part. */
                if (!streq(root, "/") && str_starts(path, root))
                        memmove(path, path + strlen(root), strlen(path) - strlen(root) + 1);
                snprintf(owner, sizeof(owner), "%s%s", point, streq(path, "/") ? "" : path);
                if (v2 && *word) {
                        int dir = open(owner, O_PATH | O_DIRECTORY | O_CLOEXEC);

                        read_at(dir, "cgroup.controllers", controllers, sizeof(controllers));
                        fd_close(dir);
                        if (!has_word(controllers, word, " \n"))
                                continue;
                }
                cgroups->tree_of[role] = add_tree(cgroups, owner, v2);
        }
}

static void discover(struct cgroups *cgroups, const struct cgroup_sources *sources) {
        FILE *mounts = fopen(sources->mountinfo, "re"), *self = fopen(sources->self_cgroup, "re");
        char line[8192];

        while (mounts && self && fgets(line, sizeof(line), mounts))
                look_at_mount(cgroups, sources, self, line);
        if (mounts)
                fclose(mounts);
        if (self)
                fclose(self);
}

/* The last processes of a dead launcher's leaf may still be on their way out (or, by ill luck, alive). */
static void empty_leaf(int dir, const char *leaf) {
        char path[300], pids[4096];

        snprintf(path, sizeof(path), "%s/cgroup.procs", leaf);
        read_at(dir, path, pids, sizeof(pids));
        for (char *save, *word = strtok_r(pids, "\n", &save); word; word = strtok_r(NULL, "\n", &save)) {
                struct pollfd gone = { .fd = -1, .events = POLLIN };
                uint64_t pid;

                /* 0: in a pid namespace that we cannot see into */
                if (str_to_u64(word, INT32_MAX, &pid) || pid == 0 || (pid_t)pid == getpid())
                        continue;
                gone.fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
                if (gone.fd < 0)
                        continue;
                kill((pid_t)pid, SIGKILL);
                poll(&gone, 1, SWEEP_PATIENCE_MS);
                fd_close(gone.fd);
        }
}

/* Removes a folder of ours with its leaves; what is still busy stays. */
static void remove_folder(int owner, const char *name) {
        int dir = openat(owner, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = dir < 0 ? NULL : fdopendir(dir);
        struct dirent *entry;

        if (!stream) {
                fd_close(dir);
                return;
        }
        while ((entry = readdir(stream)))
                if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
                        if (!streq(entry->d_name, "self"))
                                empty_leaf(dir, entry->d_name);
                        unlinkat(dir, entry->d_name, AT_REMOVEDIR);
                }
        closedir(stream);
        unlinkat(owner, name, AT_REMOVEDIR);
}

/* A folder that one of us has made, and not what somebody else (a namespace of containerd, a unit) calls "lambent-something". */
static bool is_folder_name(const char *name) {
        const char *id = name + strlen(FOLDER_PREFIX);

        return str_starts(name, FOLDER_PREFIX) && strlen(id) == FOLDER_ID_LEN &&
               strspn(id, "0123456789abcdef") == FOLDER_ID_LEN;
}

static void sweep(const struct cgroup_tree *tree) {
        int owner = open(tree->owner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *stream = owner < 0 ? NULL : fdopendir(owner);
        struct dirent *entry;

        if (!stream) {
                fd_close(owner);
                return;
        }
        while ((entry = readdir(stream)))
                if (entry->d_type == DT_DIR && is_folder_name(entry->d_name)) {
                        int dir = openat(owner, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

                        if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0)
                                remove_folder(owner, entry->d_name);
                        fd_close(dir);
                }
        closedir(stream);
}

static int make_folder(struct cgroup_tree *tree, const char *name) {
        if (snprintf(tree->path, sizeof(tree->path), "%s/%s", tree->owner, name) >= (int)sizeof(tree->path))
                return -ENAMETOOLONG;
        if (mkdir(tree->path, 0755) < 0)
                return -errno;
        tree->base_fd = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (tree->base_fd < 0 || flock(tree->base_fd, LOCK_EX | LOCK_NB) < 0) {
                int r = -errno;

                rmdir(tree->path);
                tree->base_fd = fd_close(tree->base_fd);
                return r;
        }
        return 0;
}

static void drop_tree(struct cgroups *cgroups, int index, const char *why, int r) {
        struct cgroup_tree *tree = &cgroups->trees[index];

        if (cgroups->tree_of[CGROUP_MEMORY] == index)
                snprintf(cgroups->why_not, sizeof(cgroups->why_not), "%s %.120s: %s", why, tree->owner,
                         strerror(-r));
        for (int role = 0; role < CGROUP_ROLES; ++role)
                if (cgroups->tree_of[role] == index)
                        cgroups->tree_of[role] = -1;
        if (tree->base_fd >= 0)
                rmdir(tree->path);
        tree->base_fd = fd_close(tree->base_fd);
}

static int move_into(int dir, const char *procs, pid_t pid) {
        char text[16];

        snprintf(text, sizeof(text), "%d", pid);
        return write_at(dir, procs, text);
}

static void move_self(struct cgroups *cgroups, struct cgroup_tree *tree,
                      const struct cgroup_sources *sources) {
        cgroups->moved_self = true;
        mkdirat(tree->base_fd, "self", 0755);
        move_into(tree->base_fd, "self/cgroup.procs", getpid());
        for (size_t i = 0; i < ARRAY_SIZE(sources->also_move); ++i)
                if (sources->also_move[i])
                        move_into(tree->base_fd, "self/cgroup.procs", sources->also_move[i]);
}

/* v2: only a group without processes may hand controllers down, so we (with daemon and guard) step into a leaf
 * first. */
static int hand_down(struct cgroups *cgroups, struct cgroup_tree *tree,
                     const struct cgroup_sources *sources) {
        int owner = open(tree->owner, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

        if (owner < 0)
                return -errno;
        if (cgroups->in_old_self) {
                move_self(cgroups, tree, sources);
                sweep(tree);
        }
        for (int role = 0; role < CGROUP_UNIFIED && !r; ++role) {
                char word[16];

                if (cgroups->tree_of[role] < 0 || &cgroups->trees[cgroups->tree_of[role]] != tree)
                        continue;
                snprintf(word, sizeof(word), "+%s", role_words[role]);
                r = write_at(owner, "cgroup.subtree_control", word);
                if (r == -EBUSY && !cgroups->moved_self) {
                        move_self(cgroups, tree, sources);
                        r = write_at(owner, "cgroup.subtree_control", word);
                }
                if (!r)
                        r = write_at(tree->base_fd, "cgroup.subtree_control", word);
        }
        fd_close(owner);
        return r;
}

/* Hands the controllers back, so that the group we came from may hold processes again. */
static void step_back(struct cgroups *cgroups, struct cgroup_tree *tree) {
        int owner = open(tree->owner, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char pids[256];

        for (int role = 0; role < CGROUP_UNIFIED; ++role) {
                char word[16];

                snprintf(word, sizeof(word), "-%s", role_words[role]);
                write_at(tree->base_fd, "cgroup.subtree_control", word);
                write_at(owner, "cgroup.subtree_control", word);
        }
        read_at(tree->base_fd, "self/cgroup.procs", pids, sizeof(pids));
        for (char *save, *pid = strtok_r(pids, "\n", &save); pid; pid = strtok_r(NULL, "\n", &save))
                write_at(owner, "cgroup.procs", pid);
        unlinkat(tree->base_fd, "self", AT_REMOVEDIR);
        fd_close(owner);
        cgroups->moved_self = false;
}

void cgroups_open(struct cgroups *cgroups, const struct cgroup_sources *sources) {
        char name[sizeof(FOLDER_PREFIX) + FOLDER_ID_LEN] = FOLDER_PREFIX;
        uint64_t id;
        int r;

        random_bytes(&id, sizeof(id));
        hex_encode(&id, FOLDER_ID_LEN / 2, name + strlen(FOLDER_PREFIX));
        discover(cgroups, sources);
        if (cgroups->tree_of[CGROUP_MEMORY] < 0)
                snprintf(cgroups->why_not, sizeof(cgroups->why_not),
                         "no cgroup hierarchy with the memory controller here");
        for (size_t i = 0; i < cgroups->tree_count; ++i) {
                sweep(&cgroups->trees[i]);
                r = make_folder(&cgroups->trees[i], name);
                if (r) {
                        drop_tree(cgroups, (int)i, "cannot make a group in", r);
                        continue;
                }
                if (!cgroups->trees[i].v2)
                        continue;
                r = hand_down(cgroups, &cgroups->trees[i], sources);
                if (r) {
                        if (cgroups->moved_self)
                                step_back(cgroups, &cgroups->trees[i]);
                        drop_tree(cgroups, (int)i, "other processes share the group", r);
                }
        }
}

void cgroups_close(struct cgroups *cgroups) {
        for (size_t i = 0; i < cgroups->tree_count; ++i) {
                struct cgroup_tree *tree = &cgroups->trees[i];

                if (tree->base_fd < 0)
                        continue;
                if (tree->v2 && cgroups->moved_self)
                        step_back(cgroups, tree);
                remove_folder(tree->base_fd, ".");
                rmdir(tree->path);
                tree->base_fd = fd_close(tree->base_fd);
        }
        cgroups->tree_count = 0;
}

/* ---- leaves ---- */

static void leaf_null(struct cgroup_leaf *leaf) {
        *leaf = (struct cgroup_leaf){ .into = -1,
                                      .memory_limit = -1,
                                      .swap_limit = -1,
                                      .cpu_quota = -1,
                                      .oom_events = -1,
                                      .peak = -1,
                                      .freeze = -1 };
        for (size_t i = 0; i < CGROUP_ROLES; ++i)
                leaf->join[i] = -1;
}

static int leaf_file(const struct cgroups *cgroups, enum cgroup_role role, const char *leaf_name,
                     const char *v1, const char *v2, int flags) {
        int index = cgroups->tree_of[role];
        char path[100];

        if (index < 0)
                return -1;
        if (!(cgroups->trees[index].v2 ? v2 : v1))
                return -1;
        snprintf(path, sizeof(path), "%s/%s", leaf_name, cgroups->trees[index].v2 ? v2 : v1);
        return openat(cgroups->trees[index].base_fd, path, flags | O_CLOEXEC);
}

static void leaf_open_files(struct cgroups *cgroups, const char *name, struct cgroup_leaf *leaf) {
        int index = cgroups->tree_of[CGROUP_MEMORY], pids, zero;

        leaf->memory_limit =
                leaf_file(cgroups, CGROUP_MEMORY, name, "memory.limit_in_bytes", "memory.max", O_WRONLY);
        leaf->swap_limit =
                leaf_file(cgroups, CGROUP_MEMORY, name, "memory.memsw.limit_in_bytes", NULL, O_WRONLY);
        leaf->oom_events =
                leaf_file(cgroups, CGROUP_MEMORY, name, "memory.oom_control", "memory.events", O_RDONLY);
        leaf->peak =
                leaf_file(cgroups, CGROUP_MEMORY, name, "memory.max_usage_in_bytes", "memory.peak", O_RDONLY);
        leaf->cpu_quota = leaf_file(cgroups, CGROUP_CPU, name, "cpu.cfs_quota_us", "cpu.max", O_WRONLY);
        leaf->freeze = leaf_file(cgroups, CGROUP_UNIFIED, name, NULL, "cgroup.freeze", O_WRONLY);
        if (index >= 0) {
                leaf->v2_memory = cgroups->trees[index].v2;
                snprintf(leaf->memory_path, sizeof(leaf->memory_path), "%s/%s", cgroups->trees[index].path,
                         name);
        }
        pids = leaf_file(cgroups, CGROUP_PIDS, name, "pids.max", "pids.max", O_WRONLY);
        if (pids >= 0 && write(pids, PIDS_MAX, strlen(PIDS_MAX)) < 0)
                must(errno == EINVAL || errno == EBUSY);
        fd_close(pids);
        zero = leaf_file(cgroups, CGROUP_MEMORY, name, NULL, "memory.swap.max", O_WRONLY);
        if (zero >= 0 && write(zero, "0", 1) < 0)
                must(errno == EINVAL || errno == EBUSY);
        fd_close(zero);
}

int cgroup_leaf_make(struct cgroups *cgroups, size_t slot, struct cgroup_leaf *ret_leaf) {
        size_t joins = 0;
        char name[24], tasks[48];

        leaf_null(ret_leaf);
        snprintf(name, sizeof(name), "%zu", slot);
        snprintf(tasks, sizeof(tasks), "%s/tasks", name);
        for (size_t i = 0; i < cgroups->tree_count; ++i) {
                struct cgroup_tree *tree = &cgroups->trees[i];

                if (tree->base_fd < 0)
                        continue;
                if (mkdirat(tree->base_fd, name, 0755) < 0 && errno != EEXIST) {
                        int r = -errno;

                        cgroup_leaf_close(ret_leaf);
                        cgroup_leaf_remove(cgroups, slot);
                        return r;
                }
                if (tree->v2)
                        ret_leaf->into = openat(tree->base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                else
                        ret_leaf->join[joins++] = openat(tree->base_fd, tasks, O_WRONLY | O_CLOEXEC);
        }
        leaf_open_files(cgroups, name, ret_leaf);
        return 0;
}

void cgroup_leaf_close(struct cgroup_leaf *leaf) {
        int *const fds[] = { &leaf->into,       &leaf->memory_limit, &leaf->swap_limit, &leaf->cpu_quota,
                             &leaf->oom_events, &leaf->peak,         &leaf->freeze };

        for (size_t i = 0; i < ARRAY_SIZE(fds); ++i)
                *fds[i] = fd_close(*fds[i]);
        for (size_t i = 0; i < CGROUP_ROLES; ++i)
                leaf->join[i] = fd_close(leaf->join[i]);
}

int cgroup_leaf_remove(struct cgroups *cgroups, size_t slot) {
        char name[24];
        int r = 0;

        snprintf(name, sizeof(name), "%zu", slot);
        for (size_t i = 0; i < cgroups->tree_count; ++i)
                if (cgroups->trees[i].base_fd >= 0 &&
                    unlinkat(cgroups->trees[i].base_fd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
                        r = -errno;
        return r;
}

void cgroup_leaf_join_all(struct cgroup_leaf *leaf) {
        size_t free_one = 0;

        if (leaf->into < 0)
                return;
        while (leaf->join[free_one] >= 0)
                ++free_one; /* v2 is one of the roles and has none */
        leaf->join[free_one] = openat(leaf->into, "cgroup.procs", O_WRONLY | O_CLOEXEC);
}

int cgroup_leaf_join(const struct cgroup_leaf *leaf) {
        for (size_t i = 0; i < CGROUP_ROLES; ++i)
                if (leaf->join[i] >= 0 && write(leaf->join[i], "0", 1) < 0)
                        return -errno;
        return 0;
}

static int write_number(int fd, uint64_t number, const char *suffix) {
        char text[48];
        int len = snprintf(text, sizeof(text), "%llu%s", (unsigned long long)number, suffix);

        if (fd >= 0 && pwrite(fd, text, (size_t)len, 0) < 0)
                return -errno;
        return 0;
}

int cgroup_leaf_limit(const struct cgroup_leaf *leaf, uint64_t memory, uint64_t cpu_thousandths) {
        int r = memory ? write_number(leaf->memory_limit, memory, "") : 0;

        if (!r && memory)
                r = write_number(leaf->swap_limit, memory, ""); /* memory and swap together: no swap */
        if (!r && cpu_thousandths)
                r = write_number(leaf->cpu_quota, cpu_thousandths * 100, leaf->v2_memory ? " 100000" : "");
        return r;
}

uint64_t cgroup_leaf_oom_kills(const struct cgroup_leaf *leaf) {
        char text[512], *at;
        ssize_t n = leaf->oom_events < 0 ? 0 : pread(leaf->oom_events, text, sizeof(text) - 1, 0);

        text[MAX(n, (ssize_t)0)] = '\0';
        at = strstr(text, "oom_kill ");
        return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}
