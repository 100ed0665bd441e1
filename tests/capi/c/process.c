/*
 * What the library does to its process, by the way it is used:
 *
 *     process threads|uses|memory DATA FOLDER
 *
 * In each, functions of the C library are replaced to see what is asked of it: no environment, no signal handler,
 * nothing written to a terminal; and every thread that was started has ended.
 */
#define _GNU_SOURCE
#include "digits.h"
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Ends the program with the line and the condition that does not hold. */
#define EXPECT(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%d: not so: %s (%s)\n", __LINE__, #condition, tl_last_error_message());                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

enum { LARGE = 784, HIDDEN = 60, ROWS = 20000, PARAMETERS = (LARGE + 1) * HIDDEN + (HIDDEN + 1) * 10 };

static struct digits digits;
static tl_matrix x, some; /* its rows, and 100 of them */
static tl_network *network;
static tl_train_options options;
static double loss, accuracy, numerical[PARAMETERS];
static float values[PARAMETERS], probabilities[ROWS * 10], first[100 * 10];
static int environment, signals, outputs;

/* These stand before the C library's own when the library looks for them. */
char *getenv(const char *name) {
    (void)name;
    environment++;
    return NULL;
}

char *secure_getenv(const char *name) {
    return getenv(name);
}

int sigaction(int number, const struct sigaction *action, struct sigaction *old) {
    (void)number, (void)action, (void)old;
    signals++;
    return 0;
}

void (*signal(int number, void (*handler)(int)))(int) {
    (void)number, (void)handler;
    signals++;
    return NULL;
}

ssize_t write(int file, const void *bytes, size_t length) {
    outputs += file <= 2;
    return syscall(SYS_write, file, bytes, length);
}

/* The threads. One that has been joined is listed until the kernel has done away with it, some microseconds. */
static int tasks(int expected) {
    int count, patience = 1000;
    do {
        DIR *folder = opendir("/proc/self/task");
        EXPECT(folder != NULL);
        for (count = -2; readdir(folder) != NULL; count++) {}
        closedir(folder);
    } while (count > expected && patience-- > 0 && usleep(50) == 0);
    return count;
}

static void make(size_t inputs, size_t hidden, size_t threads) {
    check(tl_network_new(TL_F32, inputs, hidden, 10, NULL, &network));
    check(tl_network_set_threads(network, threads));
    check(tl_train_options_init(&options, sizeof options));
}

/* Two threads and one network: both read it; one trains it, the other is refused; messages are each thread's own. */
static pthread_barrier_t meeting;

static void *reader(void *unused) {
    float p[100 * 10];
    int i;
    EXPECT(strlen(tl_last_error_message()) == 0);
    for (i = 0; i < 40; i++) {
        check(tl_predict(network, some, tl_out_f32(p, 100, 10)));
        EXPECT(memcmp(p, first, sizeof first) == 0);
    }
    EXPECT(tl_predict(network, tl_f32(p, 1, 1), tl_out_f32(p, 1, 10)) == TL_ERROR_LENGTH);
    EXPECT(strcmp(tl_last_error_message(), "x is 1 x 1; expected 1 x 64") == 0);
    return unused;
}

/* Lets the other thread try while the training is in its first iteration. */
static int wait_for_the_other(void *calls, size_t iteration, double batch_loss) {
    ++*(size_t *)calls;
    if (iteration == 0) {
        EXPECT(batch_loss > 0);
        EXPECT(tl_predict(network, some, tl_out_f32(first, 100, 10)) == TL_ERROR_BUSY);
        pthread_barrier_wait(&meeting);
        pthread_barrier_wait(&meeting);
    }
    return iteration == 4;
}

static void *trainer(void *unused) {
    tl_network_info info;
    size_t calls = 0;
    options.progress = wait_for_the_other;
    options.user = &calls;
    check(tl_train(network, x, digits.labels, digits.rows, &options, &loss));
    check(tl_network_get_info(network, &info, sizeof info));
    EXPECT(info.iterations == 5 && calls == 5);
    return unused;
}

static void test_threads(void) {
    pthread_t threads[2];
    tl_network *copy;
    make(digits.inputs, 50, 2);
    copy = network;
    check(tl_predict(network, some, tl_out_f32(first, 100, 10)));
    EXPECT(pthread_create(&threads[0], NULL, reader, NULL) == 0);
    EXPECT(pthread_create(&threads[1], NULL, reader, NULL) == 0);
    EXPECT(pthread_join(threads[0], NULL) == 0 && pthread_join(threads[1], NULL) == 0);

    EXPECT(pthread_barrier_init(&meeting, NULL, 2) == 0 && pthread_create(&threads[0], NULL, trainer, NULL) == 0);
    pthread_barrier_wait(&meeting);
    EXPECT(tl_predict(network, some, tl_out_f32(first, 100, 10)) == TL_ERROR_BUSY);
    EXPECT(strstr(tl_last_error_message(), "in use by another call") != NULL);
    EXPECT(tl_evaluate(network, some, digits.labels, 100, &loss, &accuracy) == TL_ERROR_BUSY);
    EXPECT(tl_network_set_seed(network, 1) == TL_ERROR_BUSY);
    EXPECT(tl_network_free(&copy) == TL_ERROR_BUSY && copy == network);
    pthread_barrier_wait(&meeting);
    EXPECT(pthread_join(threads[0], NULL) == 0 && pthread_barrier_destroy(&meeting) == 0);
    check(tl_predict(network, some, tl_out_f32(first, 100, 10)));
}

/* All that the library does. */
static void test_uses(void) {
    static float a[300 * 200], c[300 * 300];
    const tl_matrix view = tl_f32(a, 300, 200);
    int i;
    uint32_t classes[100];
    tl_network *loaded;
    make(digits.inputs, 50, 4);
    check(tl_train(network, x, digits.labels, digits.rows, NULL, &loss));
    EXPECT(tasks(4) == 4);
    check(tl_evaluate(network, x, digits.labels, digits.rows, &loss, &accuracy));
    EXPECT(accuracy > 0.9);
    check(tl_classify(network, some, classes, 100));
    check(tl_gradient(network, some, digits.labels, 100, tl_out_f32(values, 1, 65 * 50 + 51 * 10)));
    check(tl_numerical_gradient(network, some, digits.labels, 100, 1e-4, tl_out_f64(numerical, 1, 65 * 50 + 51 * 10)));
    for (i = 0; i < 300 * 200; i++)
        a[i] = (float)(i / 200);
    check(tl_gemm(2, view, tl_transposed(view), 0, tl_out_f32(c, 300, 300), 4));
    EXPECT(c[1 * 300 + 1] == 400 && c[1 * 300 + 2] == 800 && c[7 * 300 + 3] == 2 * 200 * 21);
    check(tl_network_save_checkpoint(network, "model"));
    check(tl_network_load("model", &loaded));
    options.learning_rate = 1e38;
    EXPECT(tl_train(loaded, x, digits.labels, digits.rows, &options, &loss) == TL_ERROR_DIVERGED && loss != loss);
    check(tl_network_free(&loaded));
    EXPECT(tl_network_load("/nowhere/model", &loaded) == TL_ERROR_FILE && loaded == NULL);
}

/* Leaves the process so many kilobytes more than it has. */
static void leave(size_t kilobytes) {
    struct rlimit limit;
    unsigned long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file != NULL && fscanf(file, "%lu", &pages) == 1 && fclose(file) == 0);
    EXPECT(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = pages * (size_t)sysconf(_SC_PAGESIZE) + kilobytes * 1024;
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

static int refused;

static void see(tl_status status) {
    EXPECT(status == TL_OK || status == TL_ERROR_MEMORY);
    refused += status == TL_ERROR_MEMORY;
}

/* With little memory left to the process, every call that needs more returns TL_ERROR_MEMORY, and the process lives. */
static void test_memory(void) {
    static uint8_t pixels[ROWS * LARGE];
    static uint32_t labels[ROWS];
    const tl_matrix rows = tl_u8(pixels, ROWS, LARGE), batch = tl_u8(pixels, 100, LARGE);
    const tl_matrix_out all = tl_out_f32(values, 1, PARAMETERS), wide = tl_out_f64(numerical, 1, PARAMETERS);
    tl_network *other = NULL;
    size_t kilobytes;
    int round = 0;
    make(LARGE, HIDDEN, 1);
    check(tl_network_save(network, "model"));
    options.iterations = 3;
    for (kilobytes = 32; kilobytes < 300000; kilobytes = kilobytes * 3 / 2) {
        leave(kilobytes);
        check(tl_network_set_threads(network, round++ % 2 ? 64 : 1));
        see(tl_network_new(TL_F32, LARGE, HIDDEN, 10, NULL, &other));
        check(tl_network_free(&other));
        see(tl_network_load("model", &other));
        check(tl_network_free(&other));
        see(tl_network_save(network, "model"));
        see(tl_network_save_checkpoint(network, "model"));
        see(tl_network_get_parameters(network, TL_ALL, all));
        see(tl_predict(network, rows, tl_out_f32(probabilities, ROWS, 10)));
        see(tl_evaluate(network, rows, labels, ROWS, &loss, &accuracy));
        see(tl_gradient(network, batch, labels, 100, all));
        see(tl_numerical_gradient(network, tl_u8(pixels, 2, LARGE), labels, 2, 1e-4, wide));
        see(tl_train(network, batch, labels, 100, &options, &loss));
        options.optimizer = round % 3 ? TL_ADAM : TL_SGD;
        options.sampling = round % 2 ? TL_SHUFFLED : TL_WITH_REPLACEMENT;
        see(tl_train(network, rows, labels, ROWS, &options, &loss));
        see(tl_train(network, tl_transposed(tl_u8(pixels, LARGE, ROWS)), labels, ROWS, &options, &loss));
    }
    EXPECT(refused > 10 && refused < 12 * round - 10);
}

/* Of what is no network, the eight bytes at the pointer are read and no more. */
static void test_stray(void) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    tl_network *stray = (void *)(pages + page - 8);
    EXPECT(pages != MAP_FAILED && mprotect(pages + page, page, PROT_NONE) == 0);
    EXPECT(tl_predict(stray, some, tl_out_f32(first, 100, 10)) == TL_ERROR_HANDLE);
    EXPECT(tl_network_free(&stray) == TL_ERROR_HANDLE);
    munmap(pages, 2 * page);
}

int main(int argc, char **argv) {
    int asked = environment;
    EXPECT(argc == 4 && chdir(argv[3]) == 0);
    digits = read_digits(argv[2], "train");
    x = images(&digits);
    some = tl_u8(digits.pixels, 100, digits.inputs);
    test_stray();
    if (strcmp(argv[1], "threads") == 0)
        test_threads();
    else if (strcmp(argv[1], "uses") == 0)
        test_uses();
    else
        test_memory();
    check(tl_network_free(&network));
    EXPECT(network == NULL && tasks(1) == 1);
    EXPECT(environment == asked && signals == 0 && outputs == 0);
    free_digits(&digits);
    puts("ok");
    return 0;
}
