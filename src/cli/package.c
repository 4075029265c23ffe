/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/package.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "archive/helper.h"
#include "cli/command.h"
#include "cli/install.h"
#include "cli/process.h"
#include "cli/zip_names.h"

static int compare_names(const void *a, const void *b) {
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int read_folder(struct package *package) {
        DIR *dir = opendir(package->path);

        if (!dir) {
                int r = -errno;

                complain("%s: %s", package->path, strerror(-r));
                return r;
        }
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (*entry->d_name != '.' && entry->d_type != DT_DIR)
                        strings_add(&package->names, entry->d_name);
        }
        closedir(dir);
        return 0;
}

static int read_zip_names(struct package *package) {
        AUTO(buf) struct buf zip = BUF_NULL(PACKAGE_BYTES_MAX);
        int r = package_zip(package, 0, &zip);

        if (r)
                return r;
        r = zip_names(buf_data(&zip), zip.len, &package->names);
        if (r)
                complain("%s is no folder and no zip file", package->path);
        return r;
}

int package_open(struct package *package, const char *path) {
        struct stat st;
        int r;

        *package = (struct package){ .path = realpath(path, NULL) };
        if (!package->path || stat(package->path, &st)) {
                r = -errno;
                complain("%s: %s", path, strerror(-r));
                return r;
        }
        package->is_folder = S_ISDIR(st.st_mode);
        r = package->is_folder ? read_folder(package) : read_zip_names(package);
        if (r)
                return r;
        if (package->names.count)
                qsort(package->names.items, package->names.count, sizeof(char *), compare_names);
        return 0;
}

void package_close(struct package *package) {
        free(package->path);
        strings_release(&package->names);
}

static int read_all(int fd, struct buf *buf) {
        for (;;) {
                char *tail;
                ssize_t len;
                int r = buf_reserve(buf, MIN((size_t)MIB, buf->cap - buf->len), &tail);

                if (r)
                        return r;
                if (buf->len == buf->cap)
                        return read(fd, &(char){ 0 }, 1) == 0 ? 0 : -E2BIG;
                len = read(fd, tail, MIN((size_t)MIB, buf->cap - buf->len));
                if (len < 0)
                        return -errno;
                if (len == 0)
                        return 0;
                buf_commit(buf, (size_t)len);
        }
}

static int pack_folder(const struct package *package, int level, struct buf *ret_zip) {
        AUTO(fd) int folder = open(package->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        AUTO(fd) int zip = memfd_create("lambent-zip", MFD_CLOEXEC);
        AUTO(str) char *problem = NULL, *libexec = install_libexec(&problem), *helper = NULL;
        char level_text[8];
        struct archive_report report = { .outcome = ARCHIVE_BROKE_OFF };
        int r;

        if (!libexec)
                return complain("%s", problem), -ENOENT;
        if (folder < 0 || zip < 0)
                return complain("%s: %s", package->path, strerror(errno)), -EIO;
        helper = xasprintf("%s/lambent-archive", libexec);
        snprintf(level_text, sizeof(level_text), "%d", level);
        r = process_ask((const char *const[]){ helper, "pack", level_text, NULL }, folder, zip, &report,
                        sizeof(report));
        if (r || report.outcome != ARCHIVE_FINE) {
                complain("%s cannot be packed: %s", package->path,
                         r                ? strerror(-r)
                         : *report.reason ? report.reason
                                          : strerror(-report.error));
                return r ? r : -EIO;
        }
        if (lseek(zip, 0, SEEK_SET) < 0)
                return -errno;
        r = read_all(zip, ret_zip);
        if (r)
                complain("%s: %s", package->path,
                         r == -E2BIG ? "the zip is larger than 256 MB" : strerror(-r));
        return r;
}

int package_zip(const struct package *package, int level, struct buf *ret_zip) {
        int r;

        if (package->is_folder)
                return pack_folder(package, level, ret_zip);
        AUTO(fd) int fd = open(package->path, O_RDONLY | O_CLOEXEC);
        r = fd < 0 ? -errno : read_all(fd, ret_zip);
        if (r)
                complain("%s: %s", package->path, r == -E2BIG ? "is larger than 256 MB" : strerror(-r));
        return r;
}

char *package_function_name(const struct package *package) {
        char *name = xstrdup(strrchr(package->path, '/') + 1);
        size_t len = strlen(name);

        if (!package->is_folder && len > 4 && strcasecmp(name + len - 4, ".zip") == 0)
                name[len - 4] = '\0';
        for (char *c = name; *c; c++) {
                if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
                        *c = '-';
        }
        if (strlen(name) > 64)
                name[64] = '\0';
        return name;
}

const char *package_family_name(enum package_family family) {
        switch (family) {
        case FAMILY_PROVIDED:
                return "provided";
        case FAMILY_PYTHON:
                return "python";
        case FAMILY_NODEJS:
                return "nodejs";
        case FAMILY_NONE:
                break;
        }
        return "";
}

enum package_family package_family_of_runtime(const char *runtime) {
        static const enum package_family families[] = { FAMILY_PROVIDED, FAMILY_PYTHON, FAMILY_NODEJS };

        for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
                if (str_starts(runtime, package_family_name(families[i])))
                        return families[i];
        }
        return FAMILY_NONE;
}

static const char *const python_suffixes[] = { ".py", NULL };
static const char *const node_suffixes[] = { ".mjs", ".js", ".cjs", NULL };

/* The length of the name without the suffix; 0 when it has none of them. */
static size_t stem(const char *name, const char *const *suffixes) {
        for (; *suffixes; suffixes++) {
                size_t len = strlen(name), suffix = strlen(*suffixes);

                if (len > suffix && streq(name + len - suffix, *suffixes))
                        return len - suffix;
        }
        return 0;
}

/* The usual name where there is one, else the only file of the language. NULL: none, or several. */
static const char *entry_file(const struct package *package, const char *const *suffixes, size_t *ret_count) {
        static const char *const usual[] = {
                "lambda_function", "index", "handler", "app", "main", "function"
        };
        const char *only = NULL;

        *ret_count = 0;
        for (size_t i = 0; i < package->names.count; i++) {
                if (stem(package->names.items[i], suffixes)) {
                        only = package->names.items[i];
                        ++*ret_count;
                }
        }
        if (*ret_count < 2)
                return only;
        for (size_t u = 0; u < ARRAY_SIZE(usual); u++) {
                for (size_t i = 0; i < package->names.count; i++) {
                        const char *name = package->names.items[i];

                        if (stem(name, suffixes) == strlen(usual[u]) && str_starts(name, usual[u]))
                                return name;
                }
        }
        return NULL;
}

static bool is_word_end(char c) {
        return !isalnum((unsigned char)c) && c != '_';
}

/* Whether one of the ways to define `function` stands in the source. */
static bool defines(const char *source, const char *const *ways, const char *function) {
        for (; *ways; ways++) {
                AUTO(str) char *definition = xasprintf("%s%s", *ways, function);

                for (const char *at = source; (at = strstr(at, definition)); at++) {
                        if (is_word_end(at[strlen(definition)]))
                                return true;
                }
        }
        return false;
}

static char *guess_handler(const struct package *package, const char *name, size_t stem_len,
                           const char *const *ways, const char *const *functions) {
        AUTO(buf) struct buf source = BUF_NULL(MIB);
        AUTO(str) char *path = xasprintf("%s/%s", package->path, name);
        AUTO(fd) int fd = package->is_folder ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        const char *found = NULL;

        /* In a zip the name that AWS's own examples use has to do. */
        if (fd < 0)
                return xasprintf("%.*s.%s", (int)stem_len, name, functions[0]);
        /* Ways begin with a newline where only the begin of a line counts; the first line has one too, then.
         */
        if (buf_append_str(&source, "\n") || read_all(fd, &source) || buf_append(&source, "", 1))
                return NULL;
        for (const char *const *function = functions; *function && !found; function++) {
                if (defines(buf_data(&source), ways, *function))
                        found = *function;
        }
        return found ? xasprintf("%.*s.%s", (int)stem_len, name, found) : NULL;
}

void package_guess(const struct package *package, struct package_guess *ret_guess) {
        static const char *const python_ways[] = { "\ndef ", NULL };
        static const char *const node_ways[] = { "exports.",         "export const ",          "export let ",
                                                 "export function ", "export async function ", NULL };
        static const char *const python_functions[] = { "lambda_handler", "handler", "main", NULL };
        static const char *const node_functions[] = { "handler", "lambdaHandler", "main", NULL };
        size_t python_count, node_count;
        const char *python = entry_file(package, python_suffixes, &python_count);
        const char *node = entry_file(package, node_suffixes, &node_count);

        *ret_guess = (struct package_guess){};
        for (size_t i = 0; i < package->names.count; i++) {
                if (streq(package->names.items[i], "bootstrap")) {
                        ret_guess->family = FAMILY_PROVIDED;
                        ret_guess->handler = xstrdup("bootstrap");
                        return;
                }
        }
        if ((python_count > 0) == (node_count > 0))
                return;
        ret_guess->family = python_count ? FAMILY_PYTHON : FAMILY_NODEJS;
        if (python)
                ret_guess->handler = guess_handler(package, python, stem(python, python_suffixes),
                                                   python_ways, python_functions);
        else if (node)
                ret_guess->handler =
                        guess_handler(package, node, stem(node, node_suffixes), node_ways, node_functions);
}
