/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Discovery and leaves over a fake tree of plain folders, for the variants that the machine at hand does not
 * have. What only the kernel does (files that appear in a new group, rmdir of a full one) the fake cannot
 * show: the tests put the files of a leaf there before it is made.
 */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "sandbox/native/cgroup.h"

struct fake {
        char root[64], mountinfo[96], self_cgroup[96];
        struct cgroups cgroups;
};

static void write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        fd_close(fd);
}

static const char *text_of(const struct fake *fake, const char *path) {
        static char text[256];
        char whole[256];
        ssize_t n;
        int fd;

        snprintf(whole, sizeof(whole), "%s/%s", fake->root, path);
        fd = open(whole, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        n = read(fd, text, sizeof(text) - 1);
        fd_close(fd);
        text[MAX(n, (ssize_t)0)] = '\0';
        return text;
}

static void add_folder(const struct fake *fake, const char *path) {
        char whole[256];

        snprintf(whole, sizeof(whole), "%s/%s", fake->root, path);
        assert_int_equal(mkdir(whole, 0755), 0);
}

static void add_file(const struct fake *fake, const char *path, const char *text) {
        char whole[256];

        snprintf(whole, sizeof(whole), "%s/%s", fake->root, path);
        write_text(whole, text);
}

static bool exists(const struct fake *fake, const char *path) {
        char whole[256];

        snprintf(whole, sizeof(whole), "%s/%s", fake->root, path);
        return access(whole, F_OK) == 0;
}

static int make_fake(void **state) {
        struct fake *fake = xcalloc(1, sizeof(*fake));

        snprintf(fake->root, sizeof(fake->root), "/tmp/lambent-fake-XXXXXX");
        assert_non_null(mkdtemp(fake->root));
        snprintf(fake->mountinfo, sizeof(fake->mountinfo), "%s/mountinfo", fake->root);
        snprintf(fake->self_cgroup, sizeof(fake->self_cgroup), "%s/self", fake->root);
        cgroups_init(&fake->cgroups);
        *state = fake;
        return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
        return remove(path);
}

static int remove_fake(void **state) {
        struct fake *fake = *state;

        for (size_t i = 0; i < CGROUP_ROLES; ++i)
                fd_close(fake->cgroups.trees[i].base_fd);
        nftw(fake->root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(fake);
        return 0;
}

static void open_fake(struct fake *fake, bool want_cpu, bool spare_pids) {
        const struct cgroup_sources sources = {
                fake->mountinfo, fake->self_cgroup, want_cpu, spare_pids, {}
        };

        cgroups_open(&fake->cgroups, &sources);
}

static const char *tree_owner(const struct fake *fake, enum cgroup_role role) {
        int index = fake->cgroups.tree_of[role];

        return index < 0 ? NULL : fake->cgroups.trees[index].owner + strlen(fake->root);
}

static const char *folder(const struct fake *fake, enum cgroup_role role) {
        return fake->cgroups.trees[fake->cgroups.tree_of[role]].path + strlen(fake->root) + 1;
}

/* ---- discovery ---- */

static void write_hybrid(struct fake *fake) {
        char text[2048];

        add_folder(fake, "memory");
        add_folder(fake, "memory/ci");
        add_folder(fake, "pids");
        add_folder(fake, "cpu,cpuacct");
        add_folder(fake, "unified");
        add_file(fake, "unified/cgroup.controllers", "hugetlb\n");
        snprintf(text, sizeof(text),
                 "30 1 0:1 / %s/memory rw,relatime - cgroup cgroup rw,memory\n"
                 "31 1 0:2 / %s/pids rw - cgroup cgroup rw,pids\n"
                 "32 1 0:3 / %s/cpu,cpuacct rw shared:3 - cgroup cgroup rw,cpu,cpuacct\n"
                 "33 1 0:4 / %s/unified rw - cgroup2 cgroup2 rw,nsdelegate\n"
                 "34 1 0:5 / /proc rw - proc proc rw\n",
                 fake->root, fake->root, fake->root, fake->root);
        write_text(fake->mountinfo, text);
        write_text(fake->self_cgroup, "5:cpu,cpuacct:/\n4:memory:/ci\n3:pids:/\n0::/\n");
}

static void hybrid_limits_by_v1_and_freezes_by_v2(void **state) {
        struct fake *fake = *state;

        write_hybrid(fake);
        open_fake(fake, true, false);
        assert_string_equal(tree_owner(fake, CGROUP_MEMORY), "/memory/ci");
        assert_string_equal(tree_owner(fake, CGROUP_PIDS), "/pids");
        assert_string_equal(tree_owner(fake, CGROUP_CPU), "/cpu,cpuacct");
        assert_string_equal(tree_owner(fake, CGROUP_UNIFIED), "/unified");
        assert_false(fake->cgroups.trees[fake->cgroups.tree_of[CGROUP_MEMORY]].v2);
        assert_true(fake->cgroups.trees[fake->cgroups.tree_of[CGROUP_UNIFIED]].v2);
        assert_string_equal(fake->cgroups.why_not, "");
        cgroups_close(&fake->cgroups);
}

static void only_what_is_wanted_is_joined(void **state) {
        struct fake *fake = *state;

        write_hybrid(fake);
        open_fake(fake, false, true);
        assert_null(tree_owner(fake, CGROUP_CPU));
        assert_null(tree_owner(fake, CGROUP_PIDS));
        assert_int_equal(fake->cgroups.tree_count, 2);
        cgroups_close(&fake->cgroups);
}

static void write_v2(struct fake *fake, const char *controllers) {
        char text[512];

        add_folder(fake, "cg");
        add_folder(fake, "cg/user");
        add_folder(fake, "cg/user/app");
        add_file(fake, "cg/user/app/cgroup.controllers", controllers);
        add_file(fake, "cg/user/app/cgroup.subtree_control", "");
        snprintf(text, sizeof(text), "30 1 0:1 / %s/cg rw - cgroup2 cgroup2 rw\n", fake->root);
        write_text(fake->mountinfo, text);
        write_text(fake->self_cgroup, "0::/user/app\n");
}

/* Handing down wants a file in our own folder, which only the kernel makes: without it the attempt must end
 * cleanly. */
static void v2_that_cannot_be_handed_down_is_given_back(void **state) {
        struct fake *fake = *state;

        write_v2(fake, "cpu memory pids\n");
        open_fake(fake, false, false);
        assert_null(tree_owner(fake, CGROUP_MEMORY));
        assert_non_null(strstr(fake->cgroups.why_not, "/cg/user/app"));
        assert_string_equal(text_of(fake, "cg/user/app/cgroup.subtree_control"), "+memory");
        cgroups_close(&fake->cgroups);
}

static void v2_without_the_controller_only_freezes(void **state) {
        struct fake *fake = *state;

        write_v2(fake, "cpuset hugetlb mymemory\n");
        open_fake(fake, false, false);
        assert_null(tree_owner(fake, CGROUP_MEMORY));
        assert_string_equal(tree_owner(fake, CGROUP_UNIFIED), "/cg/user/app");
        assert_non_null(strstr(fake->cgroups.why_not, "no cgroup hierarchy"));
        cgroups_close(&fake->cgroups);
}

static void a_daemon_in_the_leaf_of_a_dead_launcher_steps_out(void **state) {
        struct fake *fake = *state;

        write_v2(fake, "hugetlb\n");
        write_text(fake->self_cgroup, "0::/user/app/lambent-0123/self\n");
        open_fake(fake, false, false);
        assert_string_equal(tree_owner(fake, CGROUP_UNIFIED), "/cg/user/app");
        assert_true(fake->cgroups.in_old_self);
        cgroups_close(&fake->cgroups);
}

static void a_partial_mount_is_understood(void **state) {
        struct fake *fake = *state;
        char text[512];

        add_folder(fake, "memory");
        snprintf(text, sizeof(text), "30 1 0:1 /docker/abc %s/memory rw - cgroup cgroup rw,memory\n",
                 fake->root);
        write_text(fake->mountinfo, text);
        write_text(fake->self_cgroup, "4:memory:/docker/abc\n");
        open_fake(fake, false, false);
        assert_string_equal(tree_owner(fake, CGROUP_MEMORY), "/memory");
        cgroups_close(&fake->cgroups);
}

static void a_tree_that_is_read_only_is_told(void **state) {
        struct fake *fake = *state;
        char text[512];

        snprintf(text, sizeof(text), "30 1 0:1 / %s/absent rw - cgroup cgroup rw,memory\n", fake->root);
        write_text(fake->mountinfo, text);
        write_text(fake->self_cgroup, "4:memory:/\n");
        open_fake(fake, false, false);
        assert_null(tree_owner(fake, CGROUP_MEMORY));
        assert_non_null(strstr(fake->cgroups.why_not, "No such file"));
        cgroups_close(&fake->cgroups);
}

/* ---- the dead ---- */

static void folders_of_dead_launchers_are_swept_and_of_living_ones_kept(void **state) {
        struct fake *fake = *state;
        char living[128];
        int lock;

        write_hybrid(fake);
        add_folder(fake, "memory/ci/lambent-00000000dead");
        add_folder(fake, "memory/ci/lambent-00000000dead/7");
        add_folder(fake, "memory/ci/lambent-0000001ebe11");
        add_folder(fake, "memory/ci/other");
        /* Not ours, whatever it is called: what runs in it is nobody's to kill. */
        add_folder(fake, "memory/ci/lambent-ci");
        add_folder(fake, "memory/ci/lambent-ci/7");
        snprintf(living, sizeof(living), "%s/memory/ci/lambent-0000001ebe11", fake->root);
        lock = open(living, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(flock(lock, LOCK_EX | LOCK_NB), 0);
        open_fake(fake, false, false);
        assert_false(exists(fake, "memory/ci/lambent-00000000dead"));
        assert_true(exists(fake, "memory/ci/lambent-0000001ebe11"));
        assert_true(exists(fake, "memory/ci/other"));
        assert_true(exists(fake, "memory/ci/lambent-ci/7"));
        fd_close(lock);
        cgroups_close(&fake->cgroups);
}

/* ---- leaves ---- */

static void leaf_file(const struct fake *fake, enum cgroup_role role, const char *name, const char *text) {
        char path[160];

        snprintf(path, sizeof(path), "%s/5", folder(fake, role));
        if (!exists(fake, path))
                add_folder(fake, path);
        snprintf(path, sizeof(path), "%s/5/%s", folder(fake, role), name);
        add_file(fake, path, text);
}

static const char *leaf_text(const struct fake *fake, enum cgroup_role role, const char *name) {
        char path[160];

        snprintf(path, sizeof(path), "%s/5/%s", folder(fake, role), name);
        return text_of(fake, path);
}

static void limits_are_written_where_v1_wants_them(void **state) {
        struct fake *fake = *state;
        struct cgroup_leaf leaf;

        write_hybrid(fake);
        open_fake(fake, true, false);
        leaf_file(fake, CGROUP_MEMORY, "tasks", "");
        leaf_file(fake, CGROUP_MEMORY, "memory.limit_in_bytes", "");
        leaf_file(fake, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "");
        leaf_file(fake, CGROUP_MEMORY, "memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
        leaf_file(fake, CGROUP_PIDS, "pids.max", "");
        leaf_file(fake, CGROUP_CPU, "cpu.cfs_quota_us", "");
        leaf_file(fake, CGROUP_UNIFIED, "cgroup.freeze", "0\n");
        assert_int_equal(cgroup_leaf_make(&fake->cgroups, 5, &leaf), 0);
        assert_true(leaf.into >= 0 && leaf.freeze >= 0);
        assert_int_equal(cgroup_leaf_limit(&leaf, 134217728, 72), 0);
        assert_int_equal(cgroup_leaf_join(&leaf), 0);
        assert_int_equal(cgroup_leaf_oom_kills(&leaf), 3);
        assert_string_equal(leaf_text(fake, CGROUP_MEMORY, "memory.limit_in_bytes"), "134217728");
        assert_string_equal(leaf_text(fake, CGROUP_MEMORY, "memory.memsw.limit_in_bytes"), "134217728");
        assert_string_equal(leaf_text(fake, CGROUP_MEMORY, "tasks"), "0");
        assert_string_equal(leaf_text(fake, CGROUP_PIDS, "pids.max"), "1024");
        assert_string_equal(leaf_text(fake, CGROUP_CPU, "cpu.cfs_quota_us"), "7200");
        cgroup_leaf_close(&leaf);
        assert_int_equal(leaf.freeze, -1);
}

/* Handing the controllers down cannot be played, so the roles are set as it would have left them. */
static void limits_are_written_where_v2_wants_them(void **state) {
        struct fake *fake = *state;
        struct cgroup_leaf leaf;

        write_v2(fake, "hugetlb\n");
        open_fake(fake, false, false);
        for (int role = 0; role < CGROUP_UNIFIED; ++role)
                fake->cgroups.tree_of[role] = fake->cgroups.tree_of[CGROUP_UNIFIED];
        leaf_file(fake, CGROUP_MEMORY, "memory.max", "");
        leaf_file(fake, CGROUP_MEMORY, "memory.swap.max", "max\n");
        leaf_file(fake, CGROUP_MEMORY, "memory.events", "low 0\nhigh 0\nmax 12\noom 2\noom_kill 1\n");
        leaf_file(fake, CGROUP_MEMORY, "memory.peak", "4096\n");
        leaf_file(fake, CGROUP_CPU, "cpu.max", "max 100000\n");
        leaf_file(fake, CGROUP_PIDS, "pids.max", "max\n");
        assert_int_equal(cgroup_leaf_make(&fake->cgroups, 5, &leaf), 0);
        assert_true(leaf.into >= 0 && leaf.peak >= 0 && leaf.join[0] < 0);
        assert_int_equal(cgroup_leaf_limit(&leaf, 134217728, 1000), 0);
        assert_int_equal(cgroup_leaf_oom_kills(&leaf), 1);
        assert_string_equal(leaf_text(fake, CGROUP_MEMORY, "memory.max"), "134217728");
        assert_int_equal(leaf_text(fake, CGROUP_MEMORY, "memory.swap.max")[0], '0');
        assert_string_equal(leaf_text(fake, CGROUP_CPU, "cpu.max"), "100000 100000");
        cgroup_leaf_close(&leaf);
}

static void a_leaf_goes_and_may_be_gone_already(void **state) {
        struct fake *fake = *state;
        struct cgroup_leaf leaf;
        char gone[128];

        write_hybrid(fake);
        open_fake(fake, false, false);
        assert_int_equal(cgroup_leaf_make(&fake->cgroups, 9, &leaf), 0);
        cgroup_leaf_close(&leaf);
        assert_int_equal(cgroup_leaf_remove(&fake->cgroups, 9), 0);
        assert_int_equal(cgroup_leaf_remove(&fake->cgroups, 9), 0);
        snprintf(gone, sizeof(gone), "%s", folder(fake, CGROUP_MEMORY));
        assert_true(exists(fake, gone));
        cgroups_close(&fake->cgroups);
        assert_false(exists(fake, gone));
}

#define OVER_A_FAKE(name) cmocka_unit_test_setup_teardown(name, make_fake, remove_fake)

int main(void) {
        const struct CMUnitTest tests[] = {
                OVER_A_FAKE(hybrid_limits_by_v1_and_freezes_by_v2),
                OVER_A_FAKE(only_what_is_wanted_is_joined),
                OVER_A_FAKE(v2_that_cannot_be_handed_down_is_given_back),
                OVER_A_FAKE(v2_without_the_controller_only_freezes),
                OVER_A_FAKE(a_daemon_in_the_leaf_of_a_dead_launcher_steps_out),
                OVER_A_FAKE(a_partial_mount_is_understood),
                OVER_A_FAKE(a_tree_that_is_read_only_is_told),
                OVER_A_FAKE(folders_of_dead_launchers_are_swept_and_of_living_ones_kept),
                OVER_A_FAKE(limits_are_written_where_v1_wants_them),
                OVER_A_FAKE(limits_are_written_where_v2_wants_them),
                OVER_A_FAKE(a_leaf_goes_and_may_be_gone_already),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
