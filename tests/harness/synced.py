"""Which files a command has put on the disk, and in which order: a library that the dynamic linker puts before libc
notes each sync and each rename."""

import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void note(const char *what, const char *one, const char *other) {
  FILE *file = fopen(getenv("SYNC_LOG"), "a");
  if (file == NULL) return;
  fprintf(file, "%s\t%s\t%s\n", what, one, other);
  fclose(file);
}
static void note_sync(int fd) {
  char link[64], path[4096] = "";
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  if (readlink(link, path, sizeof path - 1) > 0) note("sync", path, "");
}
int fsync(int fd) {
  int result = ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
  if (result == 0) note_sync(fd);
  return result;
}
int fdatasync(int fd) {
  int result = ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
  if (result == 0) note_sync(fd);
  return result;
}
int rename(const char *from, const char *to) {
  int result = ((int (*)(const char *, const char *))dlsym(RTLD_NEXT, "rename"))(from, to);
  if (result == 0) note("rename", from, to);
  return result;
}
"""


def library(directory):
    """Builds it."""
    (directory / "synced.c").write_text(_SOURCE)
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", directory / "synced.so", directory / "synced.c", "-ldl"],
                   check=True)
    return directory / "synced.so"


class Synced:
    """What a log of it says."""

    def __init__(self, log):
        self.lines = [line.split("\t") for line in log.read_text().splitlines()]

    def is_on_disk(self, path):
        """Whether the file has its contents and its name on the disk: it was synced under this name or under the one
        that it had before, and its directory after it got this name."""
        path = Path(path)
        names, named_at = {str(path)}, 0
        for at, (what, one, other) in enumerate(self.lines):
            if what == "rename" and other == str(path):
                names.add(one)
                named_at = at
        content = any(what == "sync" and one in names for what, one, _ in self.lines)
        name = any(what == "sync" and one == str(path.parent) for what, one, _ in self.lines[named_at:])
        return content and name
