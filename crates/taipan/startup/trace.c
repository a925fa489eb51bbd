/* Lists which functions of a program run: trace ADDRESSES OUT PROGRAM ARGS...
   ADDRESSES has the addresses of functions in hexadecimal, one a line. Each gets a breakpoint that is taken away when it is hit. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 0);
        dup2(null, 1);
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execv(argv[3], argv + 3);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", child);
    int mem = open(path, O_RDWR);
    FILE *list = fopen(argv[1], "r"), *out = fopen(argv[2], "w");
    static unsigned char saved[1 << 27];
    unsigned long at;
    unsigned char trap = 0xcc;
    while (fscanf(list, "%lx", &at) == 1) {
        if (at >= sizeof saved || saved[at] || pread(mem, &saved[at], 1, at) != 1) continue;
        pwrite(mem, &trap, 1, at);
    }
    int signal = 0;
    for (;;) {
        ptrace(PTRACE_CONT, child, 0, signal);
        waitpid(child, &status, 0);
        if (WIFEXITED(status) || WIFSIGNALED(status)) break;
        signal = WSTOPSIG(status);
        if (signal != SIGTRAP) continue;
        struct user_regs_struct regs;
        ptrace(PTRACE_GETREGS, child, 0, &regs);
        at = regs.rip - 1;
        if (at >= sizeof saved || !saved[at]) continue;
        signal = 0;
        pwrite(mem, &saved[at], 1, at);
        regs.rip = at;
        ptrace(PTRACE_SETREGS, child, 0, &regs);
        fprintf(out, "%lx\n", at);
    }
    fclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
