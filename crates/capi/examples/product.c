/*
 * Calls the matrix product by itself: C = A B, and D = A transposed times A.
 */
#include <stdio.h>
#include <twolayer.h>

int main(void) {
    const float a[2 * 3] = {1, 2, 3, 4, 5, 6}, b[3 * 2] = {1, 0, 0, 1, 1, 1};
    float c[2 * 2], d[3 * 3];
    /* data, length, rows, columns, strides from row to row and from column to column */
    const tl_matrix_f32 a_view = {a, 6, 2, 3, 3, 1}, a_transposed = {a, 6, 3, 2, 1, 3}, b_view = {b, 6, 3, 2, 2, 1};
    const tl_matrix_mut_f32 c_view = {c, 4, 2, 2, 2}, d_view = {d, 9, 3, 3, 3};
    if (tl_gemm_f32(NULL, 1, &a_view, &b_view, 0, &c_view) != TL_STATUS_OK ||
        tl_gemm_f32(NULL, 1, &a_transposed, &a_view, 0, &d_view) != TL_STATUS_OK) {
        fprintf(stderr, "error: %s\n", tl_last_error_message());
        return 1;
    }
    printf("C = %g %g / %g %g\n", c[0], c[1], c[2], c[3]);
    printf("D = %g %g %g / %g %g %g / %g %g %g\n", d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]);
    return 0;
}
