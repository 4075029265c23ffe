/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/compile.h"

#include <fcntl.h>

#include "archive/helper.h"
#include "base/util.h"

/* tree, target, place inside. The limits are seconds of processor time, bytes in all, and bytes of one source. */
static const char script[] =
        "import _imp, marshal, os, sys, time, warnings\n"
        "from importlib._bootstrap_external import MAGIC_NUMBER, SourceFileLoader\n"
        "inside, seconds, room, largest = sys.argv[1], 60, 256 << 20, 4 << 20\n"
        "key = int.from_bytes(MAGIC_NUMBER, 'little')\n"
        "\n"
        "class Loader(SourceFileLoader):\n"
        "    code = None\n"
        "    def source_to_code(self, data, path, *rest, **more):\n"
        "        self.code = super().source_to_code(data, inside + '/' + path, *rest, **more)\n"
        "        return self.code\n"
        "\n"
        "def compiled(path):\n"
        "    loader = Loader('module', path)\n"
        "    try:\n"
        "        with warnings.catch_warnings(record=True) as caught:\n"
        "            warnings.simplefilter('always')\n"
        "            loader.get_code('module')\n"
        "        if caught or not loader.code:\n"
        "            return None\n"
        "        data = marshal.dumps(loader.code)\n"
        "    except Exception:\n"
        "        return None\n"
        "    return MAGIC_NUMBER + b'\\1\\0\\0\\0' + _imp.source_hash(key, data) + data\n"
        "\n"
        "def write(path, data):\n"
        "    path = '/proc/self/fd/3/' + path\n"
        "    os.makedirs(os.path.dirname(path), exist_ok=True)\n"
        "    with open(path, 'xb') as file:\n"
        "        file.write(data)\n"
        "\n"
        "os.umask(0o022)\n"
        "os.fchdir(5)\n"
        "folders = ['']\n"
        "for folder in folders:\n"
        "    with os.scandir(folder or '.') as listing:\n"
        "        entries = sorted(listing, key=lambda entry: entry.name)\n"
        "    for entry in entries:\n"
        "        path = folder + entry.name\n"
        "        if entry.is_dir(follow_symlinks=False) and entry.name != '__pycache__':\n"
        "            folders.append(path + '/')\n"
        "        if not path.endswith('.py') or not entry.is_file(follow_symlinks=False):\n"
        "            continue\n"
        "        if entry.stat(follow_symlinks=False).st_size > largest:\n"
        "            continue\n"
        "        data = compiled(path)\n"
        "        if data:\n"
        "            room -= len(data)\n"
        "            if room < 0 or time.process_time() > seconds:\n"
        "                sys.exit()\n"
        "            write(path + 'c', data)\n";

int compile_arrange(void) {
        AUTO(fd) int null = -1;

        if (dup2(HELPER_SOURCE_FD, COMPILE_TREE_FD) < 0)
                return -errno;
        null = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (null < 0 || dup2(null, 0) < 0 || dup2(null, 2) < 0)
                return -errno;
        return 0;
}

int compile_exec(const char *python, const char *inside) {
        char *const argv[] = { (char *)python, (char *)"-ISB", (char *)"-c",
                               (char *)script, (char *)inside, NULL };
        char *const envp[] = { (char *)"PATH=/usr/bin:/bin",
                               str_starts(python, COMPILE_PREFIX "/")
                                       ? (char *)"LD_LIBRARY_PATH=" COMPILE_PREFIX "/lib"
                                       : NULL,
                               NULL };

        execve(python, argv, envp);
        return -errno;
}
