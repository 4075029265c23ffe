/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the system call filter as a C header, at build time, so that neither daemon nor launcher links
 * libseccomp.
 *
 * A deny-list, for every ABI of the architecture: EPERM for calls that reach for the kernel's insides or the
 * host's administration, ENOSYS for what programs try and do without (clone3, io_uring…), and ENOSYS for
 * every number that is newer than the libseccomp at build time knows, because a deny-list cannot name what
 * does not exist yet.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *const refused[] = {
        /* the file system tree and namespaces */
        "umount",
        "chroot",
        "fsopen",
        "fsconfig",
        "fsmount",
        "fspick",
        "setns",
        "swapon",
        "swapoff",
        "quotactl",
        "quotactl_fd",
        "open_by_handle_at",
        "nfsservctl",
        "fanotify_init",
        "name_to_handle_at",
        /* the kernel itself */
        "init_module",
        "finit_module",
        "delete_module",
        "create_module",
        "query_module",
        "get_kernel_syms",
        "kexec_load",
        "kexec_file_load",
        "bpf",
        "perf_event_open",
        "lookup_dcookie",
        "userfaultfd",
        "syslog",
        "_sysctl",
        "uselib",
        "ustat",
        "sysfs",
        "vm86",
        "vm86old",
        "modify_ldt",
        /* key rings are not in any namespace */
        "add_key",
        "request_key",
        "keyctl",
        /* the machine */
        "reboot",
        "acct",
        "iopl",
        "ioperm",
        "settimeofday",
        "stime",
        "clock_settime",
        "clock_settime64",
        "clock_adjtime",
        "clock_adjtime64",
        "adjtimex",
        "setdomainname",
        "vhangup",
        "kcmp",
        "pciconfig_read",
        "pciconfig_write",
        "pciconfig_iobase",
};

/* What launcher and cells themselves need: let through with the pass in the unused sixth argument (kernel.h).
 */
static const char *const passed[] = { "mount",      "umount2",       "pivot_root", "open_tree",
                                      "move_mount", "mount_setattr", "sethostname" };

/* Stands for the pass until the launcher knows it; neither half is a call's number or anything else in the
 * filter. */
#define PASS 0xb5a3c1d7e9f2846bull

static const char *const absent[] = { "io_uring_setup", "io_uring_enter", "io_uring_register" };

static const uint64_t namespace_flags[] = { CLONE_NEWNS,   CLONE_NEWCGROUP,
                                            CLONE_NEWUTS,  CLONE_NEWIPC,
                                            CLONE_NEWUSER, CLONE_NEWPID,
                                            CLONE_NEWNET,  0x80 /* CLONE_NEWTIME: unshare only */ };

static void check(int r, const char *what) {
        if (r < 0) {
                fprintf(stderr, "%s: error %d\n", what, -r);
                exit(1);
        }
}

static void deny(scmp_filter_ctx ctx, const char *name, int error) {
        int number = seccomp_syscall_resolve_name(name);

        /* A name that this ABI, or this libseccomp, has not. */
        if (number == __NR_SCMP_ERROR)
                return;
        check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)error), number, 0), name);
}

static void deny_without_pass(scmp_filter_ctx ctx, const char *name, int error) {
        check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO((uint32_t)error), seccomp_syscall_resolve_name(name), 1,
                               SCMP_A5(SCMP_CMP_NE, PASS)),
              name);
}

static void deny_some(scmp_filter_ctx ctx) {
        for (size_t i = 0; i < COUNT(namespace_flags); ++i) {
                uint64_t flag = namespace_flags[i];
                /* clone's lowest byte is the exit signal, so CLONE_NEWTIME cannot be asked for there. */
                if (flag != 0x80)
                        check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 2,
                                               SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag),
                                               SCMP_A5(SCMP_CMP_NE, PASS)),
                              "clone");
                check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(unshare), 1,
                                       SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)),
                      "unshare");
        }
        /* Bytes into a terminal's input; the mask because the kernel looks at 32 bits only. */
        check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCSTI)),
              "ioctl");
        check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                               SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffffu, TIOCLINUX)),
              "ioctl");
        /* A virtual machine's way to its host. */
        check(seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffffu, AF_VSOCK)),
              "socket");
}

/* Numbers are the same on all architectures since 403 (Linux 5.0), so the newest one known is one bound for
 * all ABIs. */
static uint32_t newest_known(uint32_t arch) {
        for (int number = 1023; number > 400; --number) {
                char *name = seccomp_syscall_resolve_num_arch(arch, number);

                if (name) {
                        free(name);
                        return (uint32_t)number;
                }
        }
        return 0;
}

#define X32_BIT 0x40000000u
#define ARM_PRIVATE 0x0f0000u /* 32-bit ARM's own calls (set_tls…) lie far above the table */

static size_t write_prologue(struct sock_filter *out, uint32_t newest) {
        const struct sock_filter prologue[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ARM_PRIVATE, 0, 1),
                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, X32_BIT, 1,
                         2), /* the x32 ABI: nobody has it, and it doubles every table */
                BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, newest, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
        };

        for (size_t i = 0; i < COUNT(prologue); ++i)
                out[i] = prologue[i];
        return COUNT(prologue);
}

static void print_filter(int fd, uint32_t newest) {
        struct sock_filter code[4096];
        size_t count = write_prologue(code, newest);
        ssize_t n;

        lseek(fd, 0, SEEK_SET);
        n = read(fd, code + count, sizeof(code) - count * sizeof(code[0]));
        check(n <= 0 ? -EIO : 0, "read the filter");
        count += (size_t)n / sizeof(code[0]);
        for (size_t i = 0; i < count; ++i)
                printf("        { 0x%x, %u, %u, 0x%x },\n", code[i].code, code[i].jt, code[i].jf, code[i].k);
}

static void generate(const char *macro, uint32_t arch, uint32_t also) {
        scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
        int fd = memfd_create("filter", MFD_CLOEXEC);

        check(ctx && fd >= 0 ? 0 : -ENOMEM, "start");
        if (arch != seccomp_arch_native()) {
                check(seccomp_arch_add(ctx, arch), "architecture");
                check(seccomp_arch_remove(ctx, seccomp_arch_native()), "architecture");
        }
        check(seccomp_arch_add(ctx, also), "32-bit architecture");
        check(seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), "bad architecture");
        check(seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2), "binary tree");
        for (size_t i = 0; i < COUNT(refused); ++i)
                deny(ctx, refused[i], EPERM);
        for (size_t i = 0; i < COUNT(absent); ++i)
                deny(ctx, absent[i], ENOSYS);
        for (size_t i = 0; i < COUNT(passed); ++i)
                deny_without_pass(ctx, passed[i], EPERM);
        deny_without_pass(ctx, "clone3", ENOSYS);
        deny_some(ctx);
        check(seccomp_export_bpf(ctx, fd), "export");
        printf("#ifdef %s\n", macro);
        print_filter(fd, newest_known(arch));
        puts("#endif");
        close(fd);
        seccomp_release(ctx);
}

int main(void) {
        printf("/* SPDX-License-Identifier: Apache-2.0 */\n/* Written by seccomp_gen.c. */\n#pragma once\n"
               "#include <linux/filter.h>\n\n#define SECCOMP_PASS 0x%llxull\n\n"
               "static const struct sock_filter seccomp_filter[] = {\n",
               PASS);
        generate("__x86_64__", SCMP_ARCH_X86_64, SCMP_ARCH_X86);
        generate("__aarch64__", SCMP_ARCH_AARCH64, SCMP_ARCH_ARM);
        puts("};");
        return 0;
}
