/* A disk that writes down what a program does to it, in order, so that a test can tell what a power cut leaves.
 *
 * Under LD_PRELOAD, in the program POWER_CUT_PROGRAM and in what it starts, for paths below POWER_CUT_UNDER. Each record in
 * POWER_CUT_LOG: kind (1 byte), lengths of two paths and of the bytes (3 uint32), offset (int64), and these.
 * W bytes at an offset, S sync, T length (the offset), C created, M folder made, R renamed, L linked,
 * U removed. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static char under[PATH_MAX];
static int out = -1;
static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }
#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))real(#name))

__attribute__((constructor)) static void arm(void) {
  const char *program = getenv("POWER_CUT_PROGRAM"), *folder = getenv("POWER_CUT_UNDER");
  const char *log = getenv("POWER_CUT_LOG");
  if (!program || !folder || !log) return;
  if (*program && strcmp(program, program_invocation_short_name) != 0) return;
  out = REAL(int, open, const char *, int, ...)(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  snprintf(under, sizeof under, "%s/", folder);
  setenv("POWER_CUT_PROGRAM", "", 1); /* whatever it starts */
}

static int ours(const char *path) {
  return out >= 0 && (strncmp(path, under, strlen(under)) == 0 ||
                      strncmp(path, under, strlen(under) - 1) == 0);
}

/* The absolute path of a descriptor; 0 where it is none of ours. */
static int path_of(int fd, char *path) {
  char link[64];
  if (out < 0) return 0;
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length < 0) return 0;
  path[length] = 0;
  return ours(path);
}

static int path_at(int folder, const char *path, char *whole) {
  char base[PATH_MAX], link[64];
  if (out < 0) return 0;
  if (*path == '/') snprintf(whole, 2 * PATH_MAX, "%s", path);
  else {
    if (folder == AT_FDCWD) {
      if (!getcwd(base, sizeof base)) return 0;
    } else {
      snprintf(link, sizeof link, "/proc/self/fd/%d", folder);
      ssize_t length = readlink(link, base, sizeof base - 1);
      if (length < 0) return 0;
      base[length] = 0;
    }
    snprintf(whole, 2 * PATH_MAX, "%s/%s", base, path);
  }
  return ours(whole);
}

/* Called with the lock held, behind what it tells of. */
static void tell(char kind, const char *a, const char *b, const void *bytes, size_t n, int64_t at) {
  uint32_t lengths[3] = {(uint32_t)strlen(a), (uint32_t)strlen(b), (uint32_t)n};
  struct iovec parts[] = {{&kind, 1},           {lengths, sizeof lengths}, {&at, sizeof at},
                          {(void *)a, lengths[0]}, {(void *)b, lengths[1]},   {(void *)bytes, n}};
  static ssize_t (*next)(int, const struct iovec *, int);
  if (!next) next = REAL(ssize_t, writev, int, const struct iovec *, int);
  if (next(out, parts, 6) < 0) abort();
}

static void locked(void) { pthread_mutex_lock(&one); }
static void unlocked(void) {
  int kept = errno;
  pthread_mutex_unlock(&one);
  errno = kept;
}

/* Where the next write of a descriptor goes. */
static int64_t place(int fd) {
  if (fcntl(fd, F_GETFL) & O_APPEND) return lseek(fd, 0, SEEK_END);
  return lseek(fd, 0, SEEK_CUR);
}

ssize_t write(int fd, const void *bytes, size_t length) {
  static ssize_t (*next)(int, const void *, size_t);
  if (!next) next = REAL(ssize_t, write, int, const void *, size_t);
  char path[PATH_MAX];
  if (!path_of(fd, path)) return next(fd, bytes, length);
  locked();
  int64_t at = place(fd);
  ssize_t done = next(fd, bytes, length);
  if (done > 0) tell('W', path, "", bytes, (size_t)done, at);
  unlocked();
  return done;
}

#define PWRITE(name, offset_type)                                                              \
  ssize_t name(int fd, const void *bytes, size_t length, offset_type at) {                     \
    static ssize_t (*next)(int, const void *, size_t, offset_type);                            \
    if (!next) next = REAL(ssize_t, name, int, const void *, size_t, offset_type);             \
    char path[PATH_MAX];                                                                       \
    if (!path_of(fd, path)) return next(fd, bytes, length, at);                                \
    locked();                                                                                  \
    ssize_t done = next(fd, bytes, length, at);                                                \
    if (done > 0) tell('W', path, "", bytes, (size_t)done, at);                                \
    unlocked();                                                                                \
    return done;                                                                               \
  }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int n) {
  static ssize_t (*next)(int, const struct iovec *, int);
  if (!next) next = REAL(ssize_t, writev, int, const struct iovec *, int);
  char path[PATH_MAX];
  if (!path_of(fd, path)) return next(fd, parts, n);
  locked();
  int64_t at = place(fd);
  ssize_t done = next(fd, parts, n), left = done;
  for (int i = 0; i < n && left > 0; i++) {
    size_t length = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
    tell('W', path, "", parts[i].iov_base, length, at);
    at += (int64_t)length;
    left -= (ssize_t)length;
  }
  unlocked();
  return done;
}

#define OF_FD(name)                                                                            \
  int name(int fd) {                                                                           \
    static int (*next)(int);                                                                   \
    if (!next) next = REAL(int, name, int);                                                    \
    char path[PATH_MAX];                                                                       \
    if (!path_of(fd, path)) return next(fd);                                                   \
    locked();                                                                                  \
    int done = next(fd);                                                                       \
    if (done == 0) tell('S', path, "", "", 0, 0);                                              \
    unlocked();                                                                                \
    return done;                                                                               \
  }
OF_FD(fsync)
OF_FD(fdatasync)

#define OF_LENGTH(name, length_type)                                                           \
  int name(int fd, length_type length) {                                                       \
    static int (*next)(int, length_type);                                                      \
    if (!next) next = REAL(int, name, int, length_type);                                       \
    char path[PATH_MAX];                                                                       \
    if (!path_of(fd, path)) return next(fd, length);                                           \
    locked();                                                                                  \
    int done = next(fd, length);                                                               \
    if (done == 0) tell('T', path, "", "", 0, length);                                         \
    unlocked();                                                                                \
    return done;                                                                               \
  }
OF_LENGTH(ftruncate, off_t)
OF_LENGTH(ftruncate64, off64_t)

/* A change of one name: what it is, and the call that makes it. */
#define NAMED(kind, folder, path, call)                                                        \
  char whole[2 * PATH_MAX];                                                                    \
  if (!path_at(folder, path, whole)) return call;                                              \
  locked();                                                                                    \
  int done = call;                                                                             \
  if (done == 0) tell(kind, whole, "", "", 0, 0);                                              \
  unlocked();                                                                                  \
  return done;

#define OF_PATH(name)                                                                          \
  int name(const char *path) {                                                                 \
    static int (*next)(const char *);                                                          \
    if (!next) next = REAL(int, name, const char *);                                           \
    NAMED('U', AT_FDCWD, path, next(path))                                                     \
  }
OF_PATH(unlink)
OF_PATH(rmdir)

int mkdir(const char *path, mode_t mode) {
  static int (*next)(const char *, mode_t);
  if (!next) next = REAL(int, mkdir, const char *, mode_t);
  NAMED('M', AT_FDCWD, path, next(path, mode))
}

int unlinkat(int folder, const char *path, int flags) {
  static int (*next)(int, const char *, int);
  if (!next) next = REAL(int, unlinkat, int, const char *, int);
  NAMED('U', folder, path, next(folder, path, flags))
}

/* A change of two names. */
#define NAMED_TWO(kind, from_folder, from, to_folder, to, call)                                \
  char a[2 * PATH_MAX], b[2 * PATH_MAX];                                                       \
  int are = path_at(from_folder, from, a) & path_at(to_folder, to, b);                         \
  if (!are) return call;                                                                       \
  locked();                                                                                    \
  int done = call;                                                                             \
  if (done == 0) tell(kind, a, b, "", 0, 0);                                                   \
  unlocked();                                                                                  \
  return done;

int rename(const char *from, const char *to) {
  static int (*next)(const char *, const char *);
  if (!next) next = REAL(int, rename, const char *, const char *);
  NAMED_TWO('R', AT_FDCWD, from, AT_FDCWD, to, next(from, to))
}

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
  static int (*next)(int, const char *, int, const char *, int);
  if (!next) next = REAL(int, linkat, int, const char *, int, const char *, int);
  NAMED_TWO('L', from_folder, from, to_folder, to, next(from_folder, from, to_folder, to, flags))
}

int link(const char *from, const char *to) {
  return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}

#define OPEN(name)                                                                             \
  int name(const char *path, int flags, ...) {                                                 \
    static int (*next)(const char *, int, ...);                                                \
    if (!next) next = (int (*)(const char *, int, ...))real(#name);                            \
    va_list rest;                                                                              \
    va_start(rest, flags);                                                                     \
    mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(rest, mode_t) : 0;                  \
    va_end(rest);                                                                              \
    char whole[2 * PATH_MAX];                                                                  \
    if (!(flags & (O_CREAT | O_TRUNC)) || !path_at(AT_FDCWD, path, whole)) {                   \
      return next(path, flags, mode);                                                          \
    }                                                                                          \
    locked();                                                                                  \
    struct stat before;                                                                        \
    int is_new = stat(whole, &before) != 0;                                                    \
    int fd = next(path, flags, mode);                                                          \
    if (fd >= 0 && is_new) tell('C', whole, "", "", 0, 0);                                     \
    else if (fd >= 0 && flags & O_TRUNC) tell('T', whole, "", "", 0, 0);                       \
    unlocked();                                                                                \
    return fd;                                                                                 \
  }
OPEN(open)
OPEN(open64)
