/* Preloaded into a process: after each fsync of a file in SYNCED_FROM the file is copied to SYNCED_TO; after one
 * of the folder itself, copies of files that have been removed there are removed too. What is there is what a loss of power would leave: everything that was synced, nothing that was not. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void copy(const char *from, const char *name) {
    const char *folder = getenv("SYNCED_TO");
    char fresh[PATH_MAX], kept[PATH_MAX], part[1 << 16];
    static __thread unsigned long number;
    snprintf(fresh, sizeof fresh, "%s/.%d-%p-%lu", folder, getpid(), (void *)part, number++);
    snprintf(kept, sizeof kept, "%s/%s", folder, name);
    int in = open(from, O_RDONLY | O_CLOEXEC);
    int out = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t size = -1;
    while (in >= 0 && out >= 0 && (size = read(in, part, sizeof part)) > 0) {
        if (write(out, part, size) != size) {
            size = -1;
            break;
        }
    }
    if (in >= 0) close(in);
    if (out >= 0) close(out);
    /* A rename is one step: a process that is killed here has not been told that it synced. */
    if (size == 0) rename(fresh, kept);
}

static void forget_removed(const char *folder) {
    char path[PATH_MAX];
    DIR *kept = opendir(getenv("SYNCED_TO"));
    for (struct dirent *entry; kept && (entry = readdir(kept));) {
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (!access(path, F_OK)) continue;
        snprintf(path, sizeof path, "%s/%s", getenv("SYNCED_TO"), entry->d_name);
        unlink(path);
    }
    if (kept) closedir(kept);
}

static void synced(int file) {
    const char *folder = getenv("SYNCED_FROM");
    char link[64], path[PATH_MAX];
    struct stat about;
    if (!folder || !getenv("SYNCED_TO") || fstat(file, &about)) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0) return;
    path[length] = 0;
    if (S_ISDIR(about.st_mode) && !strcmp(path, folder)) forget_removed(folder);
    if (!S_ISREG(about.st_mode)) return;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) || path[prefix] != '/' || strchr(path + prefix + 1, '/')) return;
    copy(path, path + prefix + 1);
}

int fsync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(file);
    if (!result) synced(file);
    return result;
}

int fdatasync(int file) {
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(file);
    if (!result) synced(file);
    return result;
}
