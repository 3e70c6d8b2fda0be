/*
 * Starts programs for a parent and never outlives it. Each program gets its own session, its
 * limits, and files for its output. When the parent dies, by any signal, standard input ends and
 * everything that was started is killed, including what has left its session.
 *
 * With --when-told PROGRAM ARGUMENTS, it waits for a line on standard input and then becomes that
 * program. With --guard PROGRAM ARGUMENTS, it runs the program on its own standard streams and
 * exits as the program does. On SIGTERM, or when the other end of standard input is closed, it
 * kills the program and all its descendants.
 *
 * Standard input:   run ID TIMEOUT_MS MEMORY_BYTES COUNT\n   and COUNT texts, each ended by a NUL:
 *                       folder, standard output, standard error, program, arguments; 0 is no limit
 *                   stop ID\n                                 SIGTERM, and SIGKILL two seconds later
 * Standard output:  started ID PID UNIX_NS
 *                   failed ID STEP ERROR                      process (none may be started now), folder,
 *                                                             output or program, and strerror()
 *                   ended ID CODE SIGNAL WALL_NS PEAK_KB CPU_US exit|timeout|stopped
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launch/request.h"

#define GRACE_NS 2000000000
#define NEVER INT64_MAX
#define COULD_NOT_START 127

enum ending { ENDING_EXIT, ENDING_TIMEOUT, ENDING_STOPPED };
static const char *const ENDINGS[] = {"exit", "timeout", "stopped"};

enum step { STEP_PROCESS, STEP_FOLDER, STEP_OUTPUT, STEP_PROGRAM };
static const char *const STEPS[] = {"process", "folder", "output", "program"};

struct fault {
    enum step step;
    int error;
};

struct job {
    int64_t id;
    pid_t pid;
    int64_t started_ns, deadline_ns, kill_ns;
    enum ending ending;
    struct job *next;
};

static struct job *jobs;
static sigset_t parent_mask;

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static void report_fault(int fd, enum step step)
{
    struct fault fault = {step, errno};
    ssize_t written = write(fd, &fault, sizeof fault);
    (void)written;
    _exit(COULD_NOT_START);
}

static void redirect(const char *path, int flags, int to, int faults)
{
    int fd = open(path, flags, 0666);
    if (fd < 0 || dup2(fd, to) < 0) report_fault(faults, STEP_OUTPUT);
    if (fd != to) close(fd);
}

/* Runs in the child: only calls that are safe after fork(). */
static void run_in_child(const struct request *request, pid_t parent, int faults)
{
    setsid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(COULD_NOT_START);
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_DFL);
    sigprocmask(SIG_SETMASK, &parent_mask, NULL);
    redirect("/dev/null", O_RDONLY, STDIN_FILENO, faults);
    redirect(request->texts[1], O_WRONLY | O_CREAT | O_TRUNC, STDOUT_FILENO, faults);
    redirect(request->texts[2], O_WRONLY | O_CREAT | O_TRUNC, STDERR_FILENO, faults);
    if (chdir(request->texts[0]) != 0) report_fault(faults, STEP_FOLDER);
    if (request->memory_bytes > 0) {
        struct rlimit limit = {(rlim_t)request->memory_bytes, (rlim_t)request->memory_bytes};
        setrlimit(RLIMIT_DATA, &limit);
    }
    execvp(request->texts[3], request->texts + 3);
    report_fault(faults, STEP_PROGRAM);
}

static void start(const struct request *request)
{
    int faults[2];
    struct fault fault;
    if (pipe2(faults, O_CLOEXEC) != 0) {
        printf("failed %" PRId64 " program %s\n", request->id, strerror(errno));
        return;
    }
    pid_t parent = getpid();
    int64_t started_ns = clock_ns(CLOCK_MONOTONIC), unix_ns = clock_ns(CLOCK_REALTIME);
    pid_t pid = fork();
    if (pid == 0) run_in_child(request, parent, faults[1]);
    if (pid < 0) fault = (struct fault){STEP_PROCESS, errno};
    close(faults[1]);
    bool failed = pid < 0 || read(faults[0], &fault, sizeof fault) == sizeof fault;
    close(faults[0]);
    if (failed) {
        if (pid > 0) waitpid(pid, NULL, 0);
        printf("failed %" PRId64 " %s %s\n", request->id, STEPS[fault.step], strerror(fault.error));
        return;
    }
    struct job *job = malloc(sizeof *job);
    if (!job) abort();
    *job = (struct job){
        .id = request->id, .pid = pid, .started_ns = started_ns, .kill_ns = NEVER, .next = jobs,
        .deadline_ns = request->timeout_ms > 0 ? started_ns + request->timeout_ms * 1000000 : NEVER,
    };
    jobs = job;
    printf("started %" PRId64 " %d %" PRId64 "\n", job->id, (int)pid, unix_ns);
}

static void stop(struct job *job, enum ending ending)
{
    if (job->kill_ns != NEVER) return; /* it is being stopped already */
    job->ending = ending;
    job->kill_ns = clock_ns(CLOCK_MONOTONIC) + GRACE_NS;
    kill(-job->pid, SIGTERM);
}

static void stop_overdue(void)
{
    int64_t now_ns = clock_ns(CLOCK_MONOTONIC);
    for (struct job *job = jobs; job; job = job->next) {
        if (job->deadline_ns <= now_ns) stop(job, ENDING_TIMEOUT);
        if (job->kill_ns <= now_ns) kill(-job->pid, SIGKILL);
    }
}

static int poll_ms(void)
{
    int64_t next_ns = NEVER;
    for (struct job *job = jobs; job; job = job->next) {
        int64_t due_ns = job->kill_ns == NEVER ? job->deadline_ns : job->kill_ns;
        if (due_ns < next_ns) next_ns = due_ns;
    }
    if (next_ns == NEVER) return -1;
    int64_t left_ms = (next_ns - clock_ns(CLOCK_MONOTONIC)) / 1000000 + 1;
    return left_ms < 1 ? 1 : left_ms > 60000 ? 60000 : (int)left_ms;
}

static void print_end(const struct job *job, int status, const struct rusage *usage)
{
    int64_t cpu_us = (usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000LL +
                     usage->ru_utime.tv_usec + usage->ru_stime.tv_usec;
    printf("ended %" PRId64 " %d %d %" PRId64 " %ld %" PRId64 " %s\n", job->id,
           WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0,
           clock_ns(CLOCK_MONOTONIC) - job->started_ns, usage->ru_maxrss, cpu_us, ENDINGS[job->ending]);
}

/* The rest of a session is killed with its leader, before the leader's process id can be reused. */
static void collect_ended(void)
{
    siginfo_t ended = {0};
    while (waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid != 0) {
        struct rusage usage;
        int status;
        struct job **place = &jobs;
        while (*place && (*place)->pid != ended.si_pid) place = &(*place)->next;
        if (*place) kill(-ended.si_pid, SIGKILL);
        wait4(ended.si_pid, &status, 0, &usage);
        if (*place) {
            struct job *job = *place;
            print_end(job, status, &usage);
            *place = job->next;
            free(job);
        }
        ended.si_pid = 0;
    }
}

static void handle_request(const struct request *request)
{
    if (!request->stop) {
        start(request);
        return;
    }
    for (struct job *job = jobs; job; job = job->next)
        if (job->id == request->id) stop(job, ENDING_STOPPED);
}

/* This includes those that left their session: as their subreaper we are their parent. */
static void kill_children(void)
{
    char path[64];
    int child;
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    FILE *children = fopen(path, "r");
    if (!children) return;
    while (fscanf(children, "%d", &child) == 1) kill(child, SIGKILL);
    fclose(children);
}

static void kill_all(void)
{
    for (struct job *job = jobs; job; job = job->next) kill(-job->pid, SIGKILL);
    do kill_children();
    while (wait(NULL) > 0);
}

/* Becomes a command once a line arrives on standard input; exits if none arrives. */
static int become_when_told(char **command)
{
    char byte = 0;
    ssize_t got;
    do got = read(STDIN_FILENO, &byte, 1);
    while ((got == 1 && byte != '\n') || (got < 0 && errno == EINTR));
    if (got != 1) return 1;
    execvp(*command, command);
    fprintf(stderr, "%s: %s\n", *command, strerror(errno));
    return COULD_NOT_START;
}

/* This includes descendants whose parent has died: as their subreaper we become their parent. */
static int guard(char **command)
{
    const int signals[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    sigset_t watched;
    int status = 0;
    bool ended = false, told = false;
    sigemptyset(&watched);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) sigaddset(&watched, signals[i]);
    sigprocmask(SIG_BLOCK, &watched, &parent_mask);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t child = fork();
    if (child == 0) {
        sigprocmask(SIG_SETMASK, &parent_mask, NULL);
        execvp(*command, command);
    }
    if (child <= 0) {
        fprintf(stderr, "%s: %s\n", *command, strerror(errno));
        _exit(COULD_NOT_START);
    }
    close(STDOUT_FILENO); /* readers of these pipes must see the program's end */
    close(STDERR_FILENO);
    struct pollfd fds[] = {
        {.fd = STDIN_FILENO, .events = 0},
        {.fd = signalfd(-1, &watched, SFD_NONBLOCK | SFD_CLOEXEC), .events = POLLIN},
    };
    while (!ended && !told) {
        poll(fds, 2, -1);
        struct signalfd_siginfo seen;
        while (read(fds[1].fd, &seen, sizeof seen) == sizeof seen)
            told |= seen.ssi_signo == SIGTERM;
        told |= fds[0].revents != 0;
        int one;
        for (pid_t pid; (pid = waitpid(-1, &one, WNOHANG)) > 0;) {
            if (pid != child) continue;
            ended = true;
            status = one;
        }
    }
    kill_all();
    if (ended && WIFEXITED(status)) return WEXITSTATUS(status);
    return 128 + (ended ? WTERMSIG(status) : SIGKILL);
}

int main(int count, char **words)
{
    if (count > 2 && strcmp(words[1], "--when-told") == 0) return become_when_told(words + 2);
    if (count > 2 && strcmp(words[1], "--guard") == 0) return guard(words + 2);
    sigset_t ended;
    sigemptyset(&ended);
    sigaddset(&ended, SIGCHLD);
    sigprocmask(SIG_BLOCK, &ended, &parent_mask);
    const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    struct pollfd fds[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signalfd(-1, &ended, SFD_NONBLOCK | SFD_CLOEXEC), .events = POLLIN},
    };
    struct requests requests = {0};
    for (bool open = true; open;) {
        poll(fds, 2, poll_ms());
        if (fds[1].revents) {
            struct signalfd_siginfo seen[16];
            ssize_t ignored_bytes = read(fds[1].fd, seen, sizeof seen);
            (void)ignored_bytes;
        }
        if (fds[0].revents) {
            struct request request;
            open = requests_read(&requests, STDIN_FILENO);
            while (requests_next(&requests, &request)) handle_request(&request);
        }
        stop_overdue();
        collect_ended();
        fflush(stdout);
    }
    kill_all();
    requests_free(&requests);
    return 0;
}
