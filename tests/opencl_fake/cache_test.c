/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache of compiled OpenCL kernels, on the driver of opencl_fake/fake.h, which counts what it builds from sources and what
 * from binaries: what is kept and where, what is never used, and what several processes at once see.
 */
#include "lockstep/lockstep.h"
#include "opencl_fake/fake.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HEAD 72                 /* magic, SHA-256, key */
#define ENTRY (HEAD + 256 * 1024)    /* and the binary of the pretended driver */
#define PROGRAMS 2              /* that a device has when it opens: direct, and the small tile */
#define PATH_SIZE 512

static int passed, failed;
static char folder[PATH_SIZE], cache[PATH_SIZE], entry[PROGRAMS][PATH_SIZE];

static void check(int ok, const char *what, const char *text)
{
    printf("%s %s%s%s\n", ok ? "ok  " : "FAIL", what, ok ? "" : ": ", ok ? "" : text);
    *(ok ? &passed : &failed) += 1;
}

/* ---- opening a device ---------------------------------------------------------------------------------------------------- */

static lks_status open_in(const char *dir, const char *settings, lks_error *error)
{
    const lks_context_options o = { .backend = "opencl", .cache_dir = dir };
    lks_context *context;
    lks_status st;

    setenv(FAKE_VARIABLE, settings, 1);
    fake_reset();
    st = lks_context_open(&o, &context, error);
    lks_context_close(context);
    return st;
}

/* It opens, and so many programs were built from sources and from binaries. */
static int opens(const char *settings, long sources, long binaries)
{
    lks_error error = { .text = "" };

    if (open_in(cache, settings, &error) == LKS_OK && fake_calls("sources") == sources && fake_calls("binaries") == binaries
        && fake_live() == 0)
        return 1;
    printf("     %ld from sources, %ld from binaries, %s\n", fake_calls("sources"), fake_calls("binaries"), error.text);
    return 0;
}

/* ---- the folder ---------------------------------------------------------------------------------------------------------- */

/* Calls see(path) of everything in it; how many there were, or -1 where see was 0 for one. */
static int walk(int (*see)(const char *path, const char *name))
{
    DIR *d = opendir(cache);
    struct dirent *e;
    int n = 0;

    while (d && n >= 0 && (e = readdir(d)) != NULL) {
        char path[2 * PATH_SIZE];

        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", cache, e->d_name);
        n = see(path, e->d_name) ? n + 1 : -1;
    }
    if (d)
        closedir(d);
    return n;
}

static int see_entry(const char *path, const char *name)
{
    struct stat s;

    return strspn(name, "0123456789abcdef") == 64 && strcmp(name + 64, ".clbin") == 0 && stat(path, &s) == 0
        && S_ISREG(s.st_mode) && (s.st_mode & 0777) == 0600 && s.st_size == ENTRY;
}

static int see_and_remove(const char *path, const char *name)
{
    (void)name;
    return remove(path) == 0;
}

static int see_and_note(const char *path, const char *name)
{
    const int i = entry[0][0] ? 1 : 0;

    (void)name;
    return snprintf(entry[i], PATH_SIZE, "%s", path) < PATH_SIZE;
}

static ino_t inode(const char *path)
{
    struct stat s;

    return lstat(path, &s) == 0 ? s.st_ino : 0;
}

static int read_entry(const char *path, unsigned char bytes[ENTRY])
{
    FILE *f = fopen(path, "rb");
    int ok = f && fread(bytes, 1, ENTRY, f) == ENTRY && fgetc(f) == EOF;

    if (f)
        fclose(f);
    return ok;
}

static int write_file(const char *path, const void *bytes, size_t size)
{
    FILE *f = fopen(path, "wb");
    int ok = f && fwrite(bytes, 1, size, f) == size;

    return f && fclose(f) == 0 && ok;
}

/* ---- what is kept -------------------------------------------------------------------------------------------------------- */

static void try_keeping(void)
{
    struct stat s;
    ino_t before;

    umask(0);
    check(opens("", PROGRAMS, 0), "the first time everything is compiled", "");
    check(stat(cache, &s) == 0 && S_ISDIR(s.st_mode) && (s.st_mode & 0777) == 0700, "the folder is its owner's alone", "");
    check(walk(see_entry) == PROGRAMS, "one file for each program, named by a hash, its owner's alone, and nothing else", "");
    before = walk(see_and_note) == PROGRAMS ? inode(entry[0]) : 0;
    check(opens("", 0, PROGRAMS) && fake_calls("clCreateProgramWithSource") == 0, "the second time nothing is", "");
    check(fake_calls("clEnqueueNDRangeKernel") == PROGRAMS, "  and each entry is tested", "");
    check(before != 0 && inode(entry[0]) == before, "  and none is written again", "");
}

/* What is compiled, how, by whom and for what. */
static void try_keys(void)
{
    check(opens("driver=2", PROGRAMS, 0) && walk(see_entry) == 2 * PROGRAMS, "another driver has entries of its own", "");
    check(opens("cpu=1", PROGRAMS, 0) && walk(see_entry) == 3 * PROGRAMS, "so has another kind of device: other sources", "");
    check(opens("", 0, PROGRAMS) && opens("driver=2", 0, PROGRAMS) && opens("cpu=1", 0, PROGRAMS), "each finds its own", "");
    walk(see_and_remove);
    check(opens("", PROGRAMS, 0), "an empty folder", "");
}

static void try_without(void)
{
    lks_error error = { .text = "" };

    check(open_in(NULL, "", &error) == LKS_OK && fake_calls("sources") == PROGRAMS && fake_calls("clGetProgramInfo") == 0,
          "without a folder nothing is read or kept", error.text);
}

/* ---- what is never used -------------------------------------------------------------------------------------------------- */

/* What lies there now is not used, and replaced by what the good bytes say. */
static int is_mended(const unsigned char good[ENTRY])
{
    static unsigned char now[ENTRY];

    return opens("", 1, PROGRAMS - 1) && read_entry(entry[0], now) && memcmp(now, good, ENTRY) == 0
        && walk(see_entry) == PROGRAMS && opens("", 0, PROGRAMS);
}

static void try_damage(void)
{
    static const size_t sizes[] = { 0, 1, 7, 8, 39, 40, HEAD - 1, HEAD, HEAD + 1, ENTRY - 1, ENTRY + 1, ENTRY + 5000 };
    static unsigned char good[ENTRY], bad[ENTRY + 5000];
    int ok = read_entry(entry[0], good);

    for (size_t i = 0; ok && i < ENTRY; i += i < HEAD + 64 ? 1 : 16273) {
        memcpy(bad, good, ENTRY);
        bad[i] ^= (unsigned char)(1 << i % 8);
        ok = write_file(entry[0], bad, ENTRY) && is_mended(good);
    }
    check(ok, "one bit of an entry: each byte of head and key, and many of the binary", "");
    memcpy(bad, good, ENTRY);
    for (size_t i = 0; ok && i < sizeof sizes / sizeof sizes[0]; i++)
        ok = write_file(entry[0], bad, sizes[i]) && is_mended(good);
    check(ok, "entries that are cut off, or longer", "");
    ok = ok && truncate(entry[0], (off_t)1 << 40) == 0 && is_mended(good);
    check(ok, "an entry of a terabyte", "");
    ok = ok && read_entry(entry[1], bad) && write_file(entry[0], bad, ENTRY) && is_mended(good);
    check(ok, "a sound entry under the name of another one", "");
}

static void try_no_files(void)
{
    static unsigned char good[ENTRY];
    int ok = read_entry(entry[0], good);

    ok = ok && remove(entry[0]) == 0 && mkfifo(entry[0], 0600) == 0 && is_mended(good);
    check(ok, "a pipe", "");
    ok = ok && remove(entry[0]) == 0 && symlink(entry[1], entry[0]) == 0 && is_mended(good);
    check(ok, "a symbolic link", "");
    ok = ok && remove(entry[0]) == 0 && mkdir(entry[0], 0700) == 0 && opens("", 1, PROGRAMS - 1) && rmdir(entry[0]) == 0
        && is_mended(good);
    check(ok, "a folder", "");
}

/* Sound to us, and not to the driver. */
static void try_drivers(void)
{
    const ino_t before = inode(entry[0]);

    check(opens("binary=0", PROGRAMS, 0) && inode(entry[0]) != before, "binaries that the driver refuses are replaced", "");
    check(opens("wrong=3", PROGRAMS, PROGRAMS), "what fails its test is compiled again", "");
    check(opens("", 0, PROGRAMS), "  and replaced", "");
    walk(see_and_remove);
    check(opens("binary=2", PROGRAMS, 0) && walk(see_entry) == 0, "a driver that gives no binaries", "");
    {
        lks_error error = { .text = "" };

        check(open_in(cache, "wrong=1", &error) == LKS_ERR_DEVICE && walk(see_entry) == 1, "what fails its test is not kept",
              error.text);
    }
    check(opens("", PROGRAMS - 1, 1) && walk(see_entry) == PROGRAMS, "  and is compiled when the device is whole", "");
}

/* A write that ends in the middle leaves nothing. */
static void try_full_disk(void)
{
    struct rlimit old, tight;

    walk(see_and_remove);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    tight = (struct rlimit){ .rlim_cur = 1000, .rlim_max = old.rlim_max };
    setrlimit(RLIMIT_FSIZE, &tight);
    check(opens("", PROGRAMS, 0) && walk(see_entry) == 0, "a full disk", "");
    setrlimit(RLIMIT_FSIZE, &old);
    check(opens("", PROGRAMS, 0) && walk(see_entry) == PROGRAMS, "  and room again", "");
}

/* ---- folders that are refused -------------------------------------------------------------------------------------------- */

static void refused(const char *dir, const char *what)
{
    lks_error error = { .text = "" };

    check(open_in(dir, "", &error) == LKS_ERR_ARGUMENT && strstr(error.text, dir) && fake_live() == 0, what, error.text);
}

static void try_folders(void)
{
    char path[2 * PATH_SIZE];

    for (int bit = 0; bit < 6; bit++) {
        char what[64];

        chmod(cache, 0700 | (mode_t)1 << bit);
        snprintf(what, sizeof what, "a folder of mode %o", 0700u | 1u << bit);
        refused(cache, what);
    }
    chmod(cache, 0700);
    check(opens("", 0, PROGRAMS), "  and of mode 700", "");
    refused(entry[0], "a file");
    snprintf(path, sizeof path, "%s/no/such", folder);
    refused(path, "a folder whose parent is absent");
    snprintf(path, sizeof path, "%s/link", folder);
    check(symlink(cache, path) == 0, "a link", "");
    refused(path, "  a symbolic link to a good folder");
    remove(path);
    if (geteuid() != 0) {
        printf("skip another user's folder: not root\n");
        return;
    }
    check(chown(cache, 65534, 65534) == 0, "chown", "");
    refused(cache, "another user's folder");
    check(chown(cache, 0, 0) == 0 && opens("", 0, PROGRAMS), "  and one's own again", "");
}

/* ---- several processes --------------------------------------------------------------------------------------------------- */

#define PROCESSES 4
#define ROUNDS 60

/* Opens, and takes an entry away, so that somebody must write it again. */
static int one_of_many(int number)
{
    lks_error error;

    for (int i = 0; i < ROUNDS; i++) {
        if (open_in(cache, "", &error) != LKS_OK)
            return 1;
        unlink(entry[(i + number) % PROGRAMS]);
    }
    return 0;
}

/* Never part of an entry, under a name that is read. */
static int is_whole_or_absent(const char *path)
{
    struct stat s;
    const int file = open(path, O_RDONLY);
    int ok = file < 0 || (fstat(file, &s) == 0 && s.st_size == ENTRY);

    if (file >= 0)
        close(file);
    return ok;
}

static void try_processes(void)
{
    int running = PROCESSES, whole = 1, sound = 1, status;
    lks_error error;

    fflush(stdout);
    for (int i = 0; i < PROCESSES; i++)
        if (fork() == 0)
            _exit(one_of_many(i));
    while (running > 0) {
        pid_t ended = waitpid(-1, &status, WNOHANG);

        whole = whole && is_whole_or_absent(entry[0]) && is_whole_or_absent(entry[1]);
        if (ended > 0) {
            running--;
            sound = sound && WIFEXITED(status) && WEXITSTATUS(status) == 0;
        }
    }
    check(sound, "four processes at once", "");
    check(whole, "  none of them ever sees a part of an entry", "");
    check(open_in(cache, "", &error) == LKS_OK && walk(see_entry) == PROGRAMS, "  and nothing else is left", "");
}

int main(void)
{
    snprintf(folder, sizeof folder, "%s/lockstep-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(folder))
        return printf("FAIL no folder\n"), 1;
    snprintf(cache, sizeof cache, "%.400s/cache", folder);
    try_keeping();
    try_keys();
    try_without();
    try_damage();
    try_no_files();
    try_drivers();
    try_full_disk();
    try_folders();
    try_processes();
    walk(see_and_remove);
    check(rmdir(cache) == 0 && rmdir(folder) == 0, "nothing lies about", "");
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
