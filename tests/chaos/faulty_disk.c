/*
 * A disk that fails, for LD_PRELOAD: what the program in FAULTY_DISK_PROGRAM does to files under the
 * folder FAULTY_DISK_UNDER is counted in the file FAULTY_DISK_COUNT, and is killed, slowed or refused.
 *
 *   FAULTY_DISK_KILL_AT=N       kill -9 in place of the N-th change; half of a write is written first
 *   FAULTY_DISK_ERRNO=E         changes fail with this number from
 *   FAULTY_DISK_ERRNO_FROM=N    the N-th change on
 *   FAULTY_DISK_ERRNO_IN=sync   only what fsync and fdatasync do fails, or "write": only writes
 *   FAULTY_DISK_ONLY=NAME       only paths that hold this text count
 *   FAULTY_DISK_SYNC_MS=MS      so long takes each fsync
 *
 * The variables are taken out of the environment, so that children are left alone.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum kind { CHANGE, WRITE, SYNC };

static char under[PATH_MAX], only[PATH_MAX];
static long kill_at, errno_given, errno_from = 1, sync_ms;
static int errno_kinds = -1; /* all */
static _Atomic long own_count, *count = &own_count;

static long number(const char *name, long otherwise) {
  const char *text = getenv(name);
  return text ? atol(text) : otherwise;
}

__attribute__((constructor)) static void arm(void) {
  const char *program = getenv("FAULTY_DISK_PROGRAM"), *folder = getenv("FAULTY_DISK_UNDER");
  if (!program || !folder || strcmp(program, program_invocation_short_name) != 0) return;
  snprintf(under, sizeof under, "%s", folder);
  if (getenv("FAULTY_DISK_ONLY")) snprintf(only, sizeof only, "%s", getenv("FAULTY_DISK_ONLY"));
  kill_at = number("FAULTY_DISK_KILL_AT", 0);
  errno_given = number("FAULTY_DISK_ERRNO", 0);
  errno_from = number("FAULTY_DISK_ERRNO_FROM", 1);
  sync_ms = number("FAULTY_DISK_SYNC_MS", 0);
  const char *in = getenv("FAULTY_DISK_ERRNO_IN");
  if (in) errno_kinds = strcmp(in, "sync") == 0 ? SYNC : WRITE;
  const char *path = getenv("FAULTY_DISK_COUNT");
  int fd = path ? open(path, O_RDWR) : -1;
  if (fd >= 0) {
    void *shared = mmap(NULL, sizeof(long), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared != MAP_FAILED) count = shared;
    close(fd);
  }
  static const char *const given[] = {"LD_PRELOAD", "FAULTY_DISK_PROGRAM", "FAULTY_DISK_UNDER",
                                      "FAULTY_DISK_COUNT", "FAULTY_DISK_KILL_AT"};
  for (size_t i = 0; i < sizeof given / sizeof *given; i++) unsetenv(given[i]);
}

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* Whether a change of this path goes on; 0 with errno set if it is to fail. */
static int allowed(const char *path, enum kind kind, int *killing) {
  size_t length = strlen(under);
  if (length == 0 || strncmp(path, under, length) != 0 || !strstr(path, only)) return 1;
  long number = atomic_fetch_add(count, 1) + 1;
  if (kind == SYNC && sync_ms > 0) {
    struct timespec pause = {sync_ms / 1000, sync_ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
  }
  if (kill_at > 0 && number == kill_at) {
    if (!killing) kill(getpid(), SIGKILL);
    else *killing = 1;
  }
  if (errno_given && number >= errno_from && (errno_kinds < 0 || errno_kinds == (int)kind)) {
    errno = (int)errno_given;
    return 0;
  }
  return 1;
}

static int allowed_fd(int fd, enum kind kind, int *killing) {
  char link[64], path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (!*under) return 1;
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 1;
  path[length] = 0;
  return allowed(path, kind, killing);
}

static int allowed_at(int folder, const char *path, enum kind kind) {
  char whole[2 * PATH_MAX], link[64], base[PATH_MAX];
  if (!*under) return 1;
  if (*path == '/') return allowed(path, kind, NULL);
  if (folder == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 1;
  } else {
    snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
    ssize_t length = readlink(link, base, sizeof base - 1);
    if (length < 0) return 1;
    base[length] = 0;
  }
  snprintf(whole, sizeof whole, "%s/%s", base, path);
  return allowed(whole, kind, NULL);
}

#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))real(#name))

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*next)(int, const void *, size_t);
  if (!next) next = REAL(ssize_t, write, int, const void *, size_t);
  int killing = 0;
  if (!allowed_fd(fd, WRITE, &killing)) return -1;
  if (killing) {
    next(fd, bytes, length / 2);
    kill(getpid(), SIGKILL);
  }
  return next(fd, bytes, length);
}

#define PWRITE(name, offset_type)                                                              \
  ssize_t name(int fd, const void *bytes, size_t length, offset_type at) {                     \
    static ssize_t (*next)(int, const void *, size_t, offset_type);                            \
    if (!next) next = REAL(ssize_t, name, int, const void *, size_t, offset_type);             \
    int killing = 0;                                                                           \
    if (!allowed_fd(fd, WRITE, &killing)) return -1;                                           \
    if (killing) {                                                                             \
      next(fd, bytes, length / 2, at);                                                         \
      kill(getpid(), SIGKILL);                                                                 \
    }                                                                                          \
    return next(fd, bytes, length, at);                                                        \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int n) {
  static ssize_t (*next)(int, const struct iovec *, int);
  if (!next) next = REAL(ssize_t, writev, int, const struct iovec *, int);
  return allowed_fd(fd, WRITE, NULL) ? next(fd, parts, n) : -1;
}

#define OF_FD(name, kind)                                                                      \
  int name(int fd) {                                                                           \
    static int (*next)(int);                                                                   \
    if (!next) next = REAL(int, name, int);                                                    \
    return allowed_fd(fd, kind, NULL) ? next(fd) : -1;                                         \
  }
OF_FD(fsync, SYNC)
OF_FD(fdatasync, SYNC)

#define OF_LENGTH(name, length_type)                                                           \
  int name(int fd, length_type length) {                                                       \
    static int (*next)(int, length_type);                                                      \
    if (!next) next = REAL(int, name, int, length_type);                                       \
    return allowed_fd(fd, CHANGE, NULL) ? next(fd, length) : -1;                               \
  }
OF_LENGTH(ftruncate, off_t)
OF_LENGTH(ftruncate64, off64_t)

#define OF_PATH(name)                                                                          \
  int name(const char *path) {                                                                 \
    static int (*next)(const char *);                                                          \
    if (!next) next = REAL(int, name, const char *);                                           \
    return allowed_at(AT_FDCWD, path, CHANGE) ? next(path) : -1;                               \
  }
OF_PATH(unlink)
OF_PATH(rmdir)

int mkdir(const char *path, mode_t mode) {
  static int (*next)(const char *, mode_t);
  if (!next) next = REAL(int, mkdir, const char *, mode_t);
  return allowed_at(AT_FDCWD, path, CHANGE) ? next(path, mode) : -1;
}

int unlinkat(int folder, const char *path, int flags) {
  static int (*next)(int, const char *, int);
  if (!next) next = REAL(int, unlinkat, int, const char *, int);
  return allowed_at(folder, path, CHANGE) ? next(folder, path, flags) : -1;
}

#define OF_TWO(name)                                                                           \
  int name(const char *from, const char *to) {                                                 \
    static int (*next)(const char *, const char *);                                            \
    if (!next) next = REAL(int, name, const char *, const char *);                             \
    return allowed_at(AT_FDCWD, to, CHANGE) ? next(from, to) : -1;                             \
  }
OF_TWO(rename)
OF_TWO(link)

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  static int (*next)(int, const char *, int, const char *, int);
  if (!next) next = REAL(int, linkat, int, const char *, int, const char *, int);
  if (!allowed_at(to_folder, to, CHANGE)) return -1;
  return next(from_folder, from, to_folder, to, flags);
}

#define OPEN(name)                                                                             \
  int name(const char *path, int flags, ...) {                                                 \
    static int (*next)(const char *, int, ...);                                                \
    if (!next) next = (int (*)(const char *, int, ...))real(#name);                            \
    va_list rest;                                                                              \
    va_start(rest, flags);                                                                     \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                  \
    va_end(rest);                                                                              \
    if (flags & (O_CREAT | O_TRUNC) && !allowed_at(AT_FDCWD, path, CHANGE)) return -1;         \
    return next(path, flags, mode);                                                            \
  }
OPEN(open)
OPEN(open64)
