// Between a program and libc (LD_PRELOAD): makes its syncs hang or fail, and notes them. disk.py says
// how it is used. All by files, so that a program that runs can be told.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int exists(const char* name) {
  char path[4096];
  const char* directory = getenv("TEST_DISK");
  if (!directory) return 0;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  return access(path, F_OK) == 0;
}

// A line in the file `name`, in one write: `call PATH`.
static void note_as(const char* name, const char* call, int fd) {
  char from[64], path[4096], line[4200], log[4096];
  const char* directory = getenv("TEST_DISK");
  if (!directory) return;
  snprintf(from, sizeof from, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(from, path, sizeof path - 1);
  if (size < 0) return;
  path[size] = 0;
  snprintf(log, sizeof log, "%s/%s", directory, name);
  const int length = snprintf(line, sizeof line, "%s %s\n", call, path);
  const int out = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) return;
  if (write(out, line, (size_t)length) != length) abort();
  close(out);
}

static int synced(const char* call, int fd) {
  if (exists("hang")) note_as("held", call, fd);
  while (exists("hang")) usleep(2000);
  note_as("syncs", call, fd);
  if (exists("fail")) {
    errno = EIO;
    return -1;
  }
  int (*real)(int);
  *(void**)&real = dlsym(RTLD_NEXT, call);
  return real(fd);
}

int fdatasync(int fd) { return synced("fdatasync", fd); }
int fsync(int fd) { return synced("fsync", fd); }
