/* SPDX-License-Identifier: Apache-2.0 */
/* lambent-archive - the helper process that opens foreign archives; helper.h has its verbs. */
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

#include "archive/compile.h"
#include "archive/confine.h"
#include "archive/extract.h"
#include "archive/fork_server.h"
#include "archive/pack.h"
#include "archive/tree.h"
#include "base/util.h"

static int usage(void) {
        fputs("usage: lambent-archive unpack BYTES ENTRIES | merge COUNT | clear | pack LEVEL [NAME] | compile "
              "PYTHON INSIDE | serve\n"
              "A helper of lambent, started by it with descriptors of its own; not meant for the command "
              "line.\n",
              stderr);
        return 2;
}

static int refuse_confinement(int r) {
        struct archive_report report = { .outcome = ARCHIVE_BROKE_OFF, .error = r };

        snprintf(report.reason, sizeof(report.reason), "cannot confine itself: %s", strerror(-r));
        if (write(HELPER_REPORT_FD, &report, sizeof(report)) < 0)
                return 2;
        return 1;
}

/* Says how it went, at once; then, if asked to, makes it last. */
static int finish(const struct archive_report *report, int to_sync) {
        if (write(HELPER_REPORT_FD, report, sizeof(*report)) != sizeof(*report) ||
            report->outcome != ARCHIVE_FINE)
                return 1;
        return to_sync >= 0 && syncfs(to_sync) < 0 ? 1 : 0;
}

static int unpack(const char *bytes, const char *entries) {
        struct archive_report report;
        struct archive_limits limits;
        uint64_t count;
        int r;

        if (str_to_u64(bytes, INT64_MAX, &limits.bytes) || str_to_u64(entries, UINT32_MAX, &count))
                return usage();
        limits.entries = (uint32_t)count;
        r = confine(&(struct confinement){
                .verb = CONFINE_UNPACK,
                .target_fd = HELPER_TARGET_FD,
                .descriptors = HELPER_TARGET_FD + 1,
                .file_size = MAX(limits.bytes, (uint64_t)4096),
        });
        if (r)
                return refuse_confinement(r);
        extract_zip(HELPER_SOURCE_FD, HELPER_TARGET_FD, &limits, &report);
        return finish(&report, HELPER_TARGET_FD);
}

static int merge(const char *number) {
        int trees[HELPER_LAYERS_MAX];
        struct archive_report report;
        uint64_t count;
        int r;

        if (str_to_u64(number, HELPER_LAYERS_MAX, &count))
                return usage();
        for (int i = 0; i < (int)count; ++i)
                trees[i] = HELPER_LAYER_FD + i;
        r = confine(&(struct confinement){
                .verb = CONFINE_TREES,
                .target_fd = HELPER_TARGET_FD,
                .descriptors = HELPER_LAYER_FD + (int)count,
        });
        if (r)
                return refuse_confinement(r);
        tree_merge(HELPER_TARGET_FD, trees, (int)count, &report);
        return finish(&report, HELPER_TARGET_FD);
}

static int clear(void) {
        struct archive_report report;
        int r = confine(&(struct confinement){
                .verb = CONFINE_TREES,
                .target_fd = HELPER_TARGET_FD,
                .descriptors = HELPER_TARGET_FD + 1,
        });

        if (r)
                return refuse_confinement(r);
        tree_clear(HELPER_TARGET_FD, &report);
        return finish(&report, -1);
}

static int pack(const char *level, const char *name) {
        struct archive_report report;
        uint64_t number;
        int r;

        if (str_to_u64(level, 9, &number))
                return usage();
        r = confine(&(struct confinement){
                .verb = CONFINE_PACK, .target_fd = -1, .descriptors = HELPER_TARGET_FD + 1 });
        if (r)
                return refuse_confinement(r);
        pack_zip(HELPER_SOURCE_FD, name, (int)number, HELPER_TARGET_FD, &report);
        return finish(&report, -1);
}

static int compile(const char *python, const char *inside) {
        bool has_prefix = str_starts(python, COMPILE_PREFIX "/");
        int r = compile_arrange();

        r = r
                    ?: confine(&(struct confinement){
                               .verb = CONFINE_COMPILE,
                               .target_fd = HELPER_TARGET_FD,
                               .tree_fd = COMPILE_TREE_FD,
                               .prefix_fd = has_prefix ? HELPER_LAYER_FD : -1,
                               .descriptors = COMPILE_TREE_FD + 1,
                       });
        return refuse_confinement(r ?: compile_exec(python, inside));
}

static int run(int argc, char **argv) {
        if (argc < 2)
                return usage();
        if (streq(argv[1], "unpack") && argc == 4)
                return unpack(argv[2], argv[3]);
        if (streq(argv[1], "merge") && argc == 3)
                return merge(argv[2]);
        if (streq(argv[1], "clear") && argc == 2)
                return clear();
        if (streq(argv[1], "pack") && (argc == 3 || argc == 4))
                return pack(argv[2], argc == 4 ? argv[3] : "file");
        if (streq(argv[1], "compile") && argc == 4)
                return compile(argv[2], argv[3]);
        return usage();
}

/* Without exit handlers: what a sanitizer does in its own would need the files that are out of reach now. */
int main(int argc, char **argv) {
        /* Names pass as the bytes they are, and times without a zone file: both are settled while files can
         * be opened. */
        setlocale(LC_CTYPE, "C.UTF-8");
        setenv("TZ", "UTC0", 1);
        tzset();
        umask(0);
        _exit(argc == 2 && streq(argv[1], "serve") ? fork_server(run) : run(argc, argv));
}
