/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>

#include "archive/content_private.h"

static int run(const char *const *argv, const struct helper_fds *fds, struct archive_report *ret_report) {
        struct helper_process process;
        ssize_t n = -1;
        bool well;
        int r;

        r = helper_spawn(argv, fds, &process);
        if (r)
                return r;
        well = helper_reap(&process);
        n = read(process.report_fd, ret_report, sizeof(*ret_report));
        helper_end(&process);
        if (n != (ssize_t)sizeof(*ret_report))
                return -EIO;
        ret_report->reason[sizeof(ret_report->reason) - 1] = 0;
        return ret_report->outcome == ARCHIVE_FINE ? (well ? 0 : -EIO) : ret_report->error;
}

int zip_folder(const char *helper, const char *path, int level, int zip_fd,
               struct archive_report *ret_report) {
        const char *slash = strrchr(path, '/');
        char digit[2] = { (char)('0' + level), 0 };
        const char *argv[] = { helper, "pack", digit, slash && slash[1] ? slash + 1 : path, NULL };
        AUTO(fd) int source = open(path, O_RDONLY | O_CLOEXEC);

        must(level >= 0 && level <= 9);
        *ret_report = (struct archive_report){};
        if (source < 0)
                return -errno;
        return run(argv, &(struct helper_fds){ .source = source, .target = zip_fd }, ret_report);
}
