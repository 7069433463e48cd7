/* SPDX-License-Identifier: MIT */
/*
 * In a build that counts what is reached (-Db_coverage=true), a process that ends without its exit handlers would take
 * its counters with it: the child of a forked save, and those of the tests. The linker leads their ends through here.
 */
#include <stdarg.h>
#include <sys/syscall.h>

void __gcov_dump(void);
_Noreturn void __real__exit(int status);
_Noreturn void __wrap__exit(int status);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

_Noreturn void __wrap__exit(int status)
{
    __gcov_dump();
    __real__exit(status);
}

long __wrap_syscall(long number, ...)
{
    long argument[6];
    va_list list;

    va_start(list, number);
    for (int i = 0; i < 6; i++)
        argument[i] = va_arg(list, long);
    va_end(list);
    if (number == SYS_exit_group)
        __gcov_dump();
    return __real_syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4], argument[5]);
}
