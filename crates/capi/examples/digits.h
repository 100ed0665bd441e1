/* What the examples share: images and labels read from a folder of IDX files, and an end for failed calls. */
#include <stdio.h>
#include <stdlib.h>
#include <twolayer.h>

/* Ends the program unless a call went well. */
static inline void check(tl_status status) {
    if (status != TL_OK) {
        fprintf(stderr, "error: %s (%s)\n", tl_last_error_message(), tl_status_name(status));
        exit(1);
    }
}

struct digits {
    uint8_t *pixels;
    uint32_t *labels;
    size_t rows, inputs;
};

static inline tl_matrix images(const struct digits *digits) {
    return tl_u8(digits->pixels, digits->rows, digits->inputs);
}

/* The path of FOLDER/PART-STEM.gz, or without .gz if there is no such file; gives its sizes. */
static inline void find(char path[4096], const char *folder, const char *part, const char *stem, size_t sizes[3]) {
    tl_type type;
    size_t dimensions;
    snprintf(path, 4096, "%s/%s-%s.gz", folder, part, stem);
    if (tl_idx_info(path, &type, &dimensions, sizes, 3) == TL_ERROR_FILE)
        snprintf(path, 4096, "%s/%s-%s", folder, part, stem);
    check(tl_idx_info(path, &type, &dimensions, sizes, 3));
}

/* Reads the images and labels of a part of a data set, "train" or "t10k". */
static inline struct digits read_digits(const char *folder, const char *part) {
    char path[4096];
    size_t sizes[3] = {0, 1, 1};
    struct digits digits;
    find(path, folder, part, "images-idx3-ubyte", sizes);
    digits.rows = sizes[0];
    digits.inputs = sizes[1] * sizes[2];
    /* Without memory, they are NULL, which the library refuses. */
    digits.pixels = (uint8_t *)malloc(digits.rows * digits.inputs);
    digits.labels = (uint32_t *)malloc(digits.rows * sizeof *digits.labels);
    check(tl_idx_read(path, tl_out_u8(digits.pixels, digits.rows, digits.inputs)));
    find(path, folder, part, "labels-idx1-ubyte", sizes);
    check(tl_idx_read_labels(path, digits.labels, digits.rows));
    return digits;
}

static inline void free_digits(struct digits *digits) {
    free(digits->pixels);
    free(digits->labels);
}
