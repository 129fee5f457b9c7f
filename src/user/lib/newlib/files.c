// SPDX-License-Identifier: BSD-2-Clause
// File descriptors: the serial port as 0, 1 and 2, and files of the RAM disk, which are mapped and
// so read on demand. All files are read-only.
#include <errno.h>
#include <fcntl.h>
#include <sheaf/process.h>
#include <sheaf/user.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_FILE 3
#define OPEN_FILES 64 // open at a time; one more fails with EMFILE

int _open(const char *path, int flags, int mode);
int _close(int fd);
int _read(int fd, void *bytes, size_t count);
int _write(int fd, const void *bytes, size_t count);
off_t _lseek(int fd, off_t offset, int whence);
int _fstat(int fd, struct stat *status);
int _stat(const char *path, struct stat *status);
int _isatty(int fd);
int _link(const char *from, const char *to);
int _unlink(const char *path);

static struct file {
    const char *start; // NULL: not open
    size_t bytes, position;
} files[OPEN_FILES];

static int fail(int error) {
    errno = error;
    return -1;
}

static struct file *file_of(int fd) {
    if (fd < FIRST_FILE || fd >= FIRST_FILE + OPEN_FILES || files[fd - FIRST_FILE].start == NULL)
        return NULL;
    return &files[fd - FIRST_FILE];
}

static int errno_of(enum pager_error error) {
    return error == PAGER_OK ? 0 : error == PAGER_ERROR_NOT_FOUND ? ENOENT : ENOMEM;
}

static const char *without_slash(const char *path) { return path[0] == '/' ? path + 1 : path; }

int _open(const char *path, int flags, int mode) {
    (void)mode;
    const void *start;
    size_t bytes;
    if ((flags & O_ACCMODE) != O_RDONLY)
        return fail(EROFS);
    int error = errno_of(sheaf_map_file(without_slash(path), &start, &bytes));
    if (error != 0)
        return fail(error);
    for (int i = 0; i < OPEN_FILES; i++) {
        const char *expected = NULL; // threads may look for an entry at the same time
        if (__atomic_compare_exchange_n(&files[i].start, &expected, start, false, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            files[i].bytes = bytes;
            files[i].position = 0;
            return FIRST_FILE + i;
        }
    }
    return fail(EMFILE);
}

int _close(int fd) {
    struct file *file = file_of(fd);
    if (file == NULL)
        return fd >= 0 && fd < FIRST_FILE ? 0 : fail(EBADF);
    __atomic_store_n(&file->start, NULL, __ATOMIC_RELEASE);
    return 0;
}

static int read_console(void *bytes, size_t count) {
    size_t got;
    enum sheaf_error error =
        sheaf_console_read(sheaf_environment.console, sheaf_environment.input, bytes, count, &got);
    return error == SHEAF_OK ? (int)got : fail(EIO);
}

int _read(int fd, void *bytes, size_t count) {
    struct file *file = file_of(fd);
    if (fd == STDIN_FILENO)
        return read_console(bytes, count);
    if (file == NULL)
        return fail(EBADF);
    size_t left = file->position < file->bytes ? file->bytes - file->position : 0;
    if (count > left)
        count = left;
    memcpy(bytes, file->start + file->position, count);
    file->position += count;
    return (int)count;
}

int _write(int fd, const void *bytes, size_t count) {
    if (fd != STDOUT_FILENO && fd != STDERR_FILENO)
        return fail(EBADF);
    enum sheaf_error error = sheaf_console_write(sheaf_environment.console, bytes, count);
    return error == SHEAF_OK ? (int)count : fail(EIO);
}

off_t _lseek(int fd, off_t offset, int whence) {
    struct file *file = file_of(fd);
    if (file == NULL)
        return fail(fd >= 0 && fd < FIRST_FILE ? ESPIPE : EBADF);
    off_t from = whence == SEEK_SET   ? 0
                 : whence == SEEK_CUR ? (off_t)file->position
                                      : (off_t)file->bytes;
    if (offset < -from)
        return fail(EINVAL);
    file->position = (size_t)(from + offset);
    return from + offset;
}

int _fstat(int fd, struct stat *status) {
    struct file *file = file_of(fd);
    memset(status, 0, sizeof *status);
    if (file != NULL) {
        status->st_mode = S_IFREG | S_IRUSR;
        status->st_size = (off_t)file->bytes;
        status->st_blksize = 4096;
        return 0;
    }
    status->st_mode = S_IFCHR | S_IRUSR | S_IWUSR;
    return fd >= 0 && fd < FIRST_FILE ? 0 : fail(EBADF);
}

int _stat(const char *path, struct stat *status) {
    char name[256];
    uint64_t bytes;
    for (unsigned i = 0; sheaf_file(i, name, sizeof name, &bytes) == PAGER_OK; i++)
        if (strcmp(name, without_slash(path)) == 0) {
            memset(status, 0, sizeof *status);
            status->st_mode = S_IFREG | S_IRUSR;
            status->st_size = (off_t)bytes;
            return 0;
        }
    return fail(ENOENT);
}

int _isatty(int fd) { return fd >= 0 && fd < FIRST_FILE ? 1 : fail(ENOTTY); }

int _link(const char *from, const char *to) {
    (void)from;
    (void)to;
    return fail(EROFS);
}

int _unlink(const char *path) {
    (void)path;
    return fail(EROFS);
}
