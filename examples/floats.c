// SPDX-License-Identifier: BSD-2-Clause
// Floating point, the maths library and malloc: ./scripts/run --app examples/floats.c [COUNT]
//
// Numerical integration of a quarter circle; the sum over four times that is pi. The samples are
// kept on the heap, which the pager fills with zeros page by page as it is touched.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
    size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
    double *samples = malloc(count * sizeof *samples);
    if (count == 0 || samples == NULL) {
        fprintf(stderr, "no room for %zu samples\n", count);
        return 1;
    }
    for (size_t i = 0; i < count; i++) {
        double x = ((double)i + 0.5) / (double)count;
        samples[i] = sqrt(1 - x * x);
    }
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += samples[i];
    double pi = 4 * sum / (double)count;
    printf("%zu samples, %zu KiB of heap\n", count, count * sizeof *samples / 1024);
    printf("pi is %.6f, %g away from M_PI\n", pi, fabs(pi - M_PI));
    printf("as a hexadecimal float: %a; e is %.15f\n", pi, exp(1.0));
    free(samples);
    return fabs(pi - M_PI) < 1e-4 ? 0 : 1;
}
