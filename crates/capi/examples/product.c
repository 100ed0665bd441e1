/*
 * Calls the matrix product by itself: C = A B, and D = A transposed times A.
 */
#include <stdio.h>
#include <twolayer.h>

int main(void) {
    const float a[2 * 3] = {1, 2, 3, 4, 5, 6}, b[3 * 2] = {1, 0, 0, 1, 1, 1};
    float c[2 * 2], d[3 * 3];
    const tl_matrix a_view = tl_f32(a, 2, 3);
    if (tl_gemm(NULL, 1, a_view, tl_f32(b, 3, 2), 0, tl_out_f32(c, 2, 2)) != TL_OK ||
        tl_gemm(NULL, 1, tl_transposed(a_view), a_view, 0, tl_out_f32(d, 3, 3)) != TL_OK) {
        fprintf(stderr, "error: %s\n", tl_last_error_message());
        return 1;
    }
    printf("C = %g %g / %g %g\n", c[0], c[1], c[2], c[3]);
    printf("D = %g %g %g / %g %g %g / %g %g %g\n", d[0], d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]);
    return 0;
}
