/* Preloaded into a program: what the system could refuse is counted from the first `signal(SIGABRT, ...)` on, and
 * refused as the environment says.
 *
 * FAULT   what is refused: alloc, write (also to create, sync and rename files) or thread; or signal
 * NTH     the first that is refused, from 1; 0 refuses none. The signal that is raised twice when a file is synced
 * ONCE    if set, only that one
 * COUNTS  the file to which the numbers of allocations, writes and threads are written at a normal end */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t),
    *__libc_memalign(size_t, size_t);

enum { ALLOC, WRITE, THREAD, SIGNAL, KINDS };
static const char *const names[KINDS] = {"alloc", "write", "thread", "signal"};
static long counts[KINDS], nth;
static int kind = -1, once, started;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* The driver's first act; tests/capi/c/abuse.c calls it when it is ready. */
__sighandler_t signal(int number, __sighandler_t handler)
{
    if (number == SIGABRT && !started) {
        const char *fault = getenv("FAULT"), *from = getenv("NTH");
        nth = from ? atol(from) : 0;
        once = getenv("ONCE") != NULL;
        for (int of = 0; fault && of < KINDS; of++)
            if (!strcmp(fault, names[of]))
                kind = of;
        started = 1;
    }
    return REAL(signal)(number, handler);
}

static int refused(int of)
{
    if (!started)
        return 0;
    long n = __atomic_add_fetch(&counts[of], 1, __ATOMIC_RELAXED);
    return of == kind && nth > 0 && (once ? n == nth : n >= nth);
}

__attribute__((destructor)) static void tell(void)
{
    const char *path = getenv("COUNTS");
    FILE *file = path ? (started = 0, fopen(path, "w")) : NULL;
    if (file) {
        fprintf(file, "%ld %ld %ld\n", counts[ALLOC], counts[WRITE], counts[THREAD]);
        fclose(file);
    }
}

#define NO_MEMORY (errno = ENOMEM, (void *)0)

void *malloc(size_t size) { return refused(ALLOC) ? NO_MEMORY : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return refused(ALLOC) ? NO_MEMORY : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return refused(ALLOC) ? NO_MEMORY : __libc_realloc(old, size); }
void *memalign(size_t to, size_t size) { return refused(ALLOC) ? NO_MEMORY : __libc_memalign(to, size); }
void *aligned_alloc(size_t to, size_t size) { return memalign(to, size); }

int posix_memalign(void **out, size_t to, size_t size)
{
    void *made = memalign(to, size);
    if (made)
        *out = made;
    return made ? 0 : ENOMEM;
}

#define FULL (errno = ENOSPC, -1)

ssize_t write(int file, const void *bytes, size_t count)
{
    return file != 2 && refused(WRITE) ? FULL : REAL(write)(file, bytes, count);
}

ssize_t writev(int file, const struct iovec *parts, int count)
{
    return file != 2 && refused(WRITE) ? FULL : REAL(writev)(file, parts, count);
}

int open64(const char *path, int flags, ...)
{
    va_list rest;
    va_start(rest, flags);
    mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;
    va_end(rest);
    return flags & O_CREAT && refused(WRITE) ? FULL : REAL(open64)(path, flags, mode);
}

int fsync(int file)
{
    if (kind == SIGNAL) {
        raise((int)nth);
        raise((int)nth);
    }
    return refused(WRITE) ? FULL : REAL(fsync)(file);
}

int rename(const char *from, const char *to) { return refused(WRITE) ? FULL : REAL(rename)(from, to); }
int mkdir(const char *path, mode_t mode) { return refused(WRITE) ? FULL : REAL(mkdir)(path, mode); }

int pthread_create(pthread_t *thread, const pthread_attr_t *with, void *(*run)(void *), void *of)
{
    return refused(THREAD) ? EAGAIN : REAL(pthread_create)(thread, with, run, of);
}
