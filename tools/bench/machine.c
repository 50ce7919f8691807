/* SPDX-License-Identifier: Apache-2.0
 *
 * What bench asks of the machine around it, from clocks, /proc and one child process.
 */
#define _DEFAULT_SOURCE         /* wait4 */

#include "tools/bench/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

double machine_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

uint32_t machine_processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (uint32_t)n : 1;
}

void machine_name(char *name, size_t size)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[512], *colon;

    name[0] = '\0';
    while (f && !name[0] && fgets(line, sizeof line, f))
        if (strncmp(line, "model name", 10) == 0 && (colon = strchr(line, ':')) != NULL) {
            colon[1 + strcspn(colon + 1, "\n")] = '\0';
            snprintf(name, size, "%s", colon + 1 + strspn(colon + 1, " "));
        }
    if (f)
        fclose(f);
}

size_t machine_cache_bytes(void)
{
#ifdef _SC_LEVEL3_CACHE_SIZE
    long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE), l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
    long bytes = l3 > l2 ? l3 : l2;

    return bytes > 0 ? (size_t)bytes : 0;
#else
    return 0;
#endif
}

/* ---- processor time ------------------------------------------------------------------------------------------------------ */

static double seconds_of(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec * 1e-6;
}

machine_usage machine_usage_now(void)
{
    machine_usage u = { .wall = machine_seconds() };
    unsigned long long user, nice, system, idle, waiting, irq, softirq, steal;
    FILE *f = fopen("/proc/stat", "r");
    struct rusage r;

    getrusage(RUSAGE_SELF, &r);
    u.own = seconds_of(r.ru_utime) + seconds_of(r.ru_stime);
    if (!f)
        return u;
    if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &waiting, &irq, &softirq,
               &steal) == 8) {
        double tick = 1 / (double)sysconf(_SC_CLK_TCK);

        u.others = (double)(user + nice + system + irq + softirq) * tick - u.own;
        u.stolen = (double)steal * tick;
        u.known = true;
    }
    fclose(f);
    return u;
}

/* ---- memory -------------------------------------------------------------------------------------------------------------- */

bool machine_peak_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY);
    bool ok;

#ifdef __GLIBC__
    malloc_trim(0);
#endif
    if (fd < 0)
        return false;
    ok = write(fd, "5", 1) == 1;        /* VmHWM becomes VmRSS.  proc(5) */
    close(fd);
    return ok;
}

uint64_t machine_peak_bytes(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    unsigned long long kib = 0;
    char line[256];

    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "VmHWM: %llu kB", &kib) == 1)
            break;
    if (f)
        fclose(f);
    return (uint64_t)kib * 1024;
}

uint64_t machine_bare_bytes(void)
{
    struct rusage usage;
    int status;
    pid_t child = fork();

    if (child == 0) {
        int fd = open("/dev/null", O_WRONLY);

        if (fd < 0 || dup2(fd, 1) < 0)
            _exit(127);
        execl("/proc/self/exe", "lockstep", "--version", (char *)NULL);
        _exit(127);
    }
    if (child < 0 || wait4(child, &status, 0, &usage) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return 0;
    return (uint64_t)usage.ru_maxrss * 1024;
}
