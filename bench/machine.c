/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include <h5ckpt.h>
#include <hdf5.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

static unsigned core_count(void)
{
    cpu_set_t cores;

    if (sched_getaffinity(0, sizeof cores, &cores) < 0)
        return (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
    return (unsigned)CPU_COUNT(&cores);
}

/* A line of proc(5)'s mountinfo: "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw". */
static int read_mount(const char *line, dev_t device, char room[MACHINE_TEXT_BYTES])
{
    const char *rest = strstr(line, " - ");
    unsigned major_number;
    unsigned minor_number;
    char type[32];
    char source[48];

    if (rest == NULL || sscanf(line, "%*d %*d %u:%u", &major_number, &minor_number) != 2 ||
        makedev(major_number, minor_number) != device || sscanf(rest, " - %31s %47s", type, source) != 2)
        return 0;
    snprintf(room, MACHINE_TEXT_BYTES, "%s on %s", type, source);
    return 1;
}

/* By name where the kernel tells it for this device, else by statfs(2)'s number. */
static void look_at_file_system(const char *directory, char room[MACHINE_TEXT_BYTES])
{
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    struct stat status = {0};
    struct statfs file_system = {0};
    char *line = NULL;
    size_t line_bytes = 0;
    int found = 0;

    stat(directory, &status);
    while (mounts != NULL && !found && getline(&line, &line_bytes, mounts) > 0)
        found = read_mount(line, status.st_dev, room);
    free(line);
    if (mounts != NULL)
        fclose(mounts);
    if (!found && statfs(directory, &file_system) == 0)
        snprintf(room, MACHINE_TEXT_BYTES, "type %#lx", (unsigned long)file_system.f_type);
}

void machine_look(struct machine *machine, const char *directory)
{
    struct utsname system = {0};
    unsigned number[3] = {0};

    uname(&system);
    H5get_libversion(&number[0], &number[1], &number[2]);
    *machine = (struct machine){
        .core_count = core_count(),
        .memory_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE),
    };
    snprintf(machine->kernel, MACHINE_TEXT_BYTES, "%.20s %.40s %.20s", system.sysname, system.release, system.machine);
    snprintf(machine->hdf5, MACHINE_TEXT_BYTES, "%u.%u.%u", number[0], number[1], number[2]);
    snprintf(machine->h5ckpt, MACHINE_TEXT_BYTES, "%d.%d.%d", H5CKPT_VERSION_MAJOR, H5CKPT_VERSION_MINOR,
             H5CKPT_VERSION_PATCH);
    look_at_file_system(directory, machine->file_system);
}
