/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inside of lambent-archive over foreign bytes: a first look, then everything into one directory on tmpfs
 * that is emptied again after each input. Nothing may ever appear beside that directory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/extract.h"
#include "archive/tree.h"
#include "base/util.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int outer = -1, root = -1;
static char dir[64];

static void remove_outer(void) {
        struct archive_report report;

        tree_clear(outer, &report);
        rmdir(dir);
}

int LLVMFuzzerInitialize(int *argc, char ***argv) {
        snprintf(dir, sizeof(dir), "/dev/shm/fuzz-archive-XXXXXX");
        if (!mkdtemp(dir))
                abort();
        setlocale(LC_CTYPE, "C.UTF-8");
        setenv("TZ", "UTC0", 1);
        umask(0);
        outer = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(outer >= 0 && mkdirat(outer, "root", 0755) == 0);
        root = openat(outer, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        must(root >= 0);
        atexit(remove_outer);
        return 0;
}

static unsigned count_outer(void) {
        DIR *list = opendir(dir);
        unsigned count = 0;

        must(list);
        while (readdir(list))
                ++count;
        closedir(list);
        return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        const struct archive_limits limits = { .bytes = 1 << 20, .entries = 50 };
        struct archive_report report;

        extract_zip_memory(data, size, root, &limits, &report);
        must(report.outcome <= ARCHIVE_BROKE_OFF);
        must(report.outcome != ARCHIVE_FINE || report.bytes <= limits.bytes);
        must(memchr(report.reason, 0, sizeof(report.reason)));
        must(count_outer() == 3);
        tree_clear(root, &report);
        must(report.outcome == ARCHIVE_FINE);
        return 0;
}
