// SPDX-License-Identifier: BSD-2-Clause
// Words of the boot arguments: separated by spaces, percent-encoded.
#include <sheaf/start.h>

static int hex_value(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

// The character at *text, decoded; *text moves behind it. A `%` without two hexadecimal digits
// stands for itself.
static char decoded(const char **text) {
    const char *at = *text;
    if (at[0] == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
        *text = at + 3;
        return (char)(hex_value(at[1]) * 16 + hex_value(at[2]));
    }
    *text = at + 1;
    return at[0];
}

static bool ends_word(char c) { return c == ' ' || c == '\0'; }

bool sheaf_boot_word(const char **text, char *out, size_t room, bool *fits) {
    const char *at = *text;
    size_t used = 0;
    while (*at == ' ')
        at++;
    if (*at == '\0' || room == 0) {
        *text = at;
        return false;
    }
    if (at[0] == '%' && ends_word(at[1])) {
        at++; // the empty word
    }
    while (!ends_word(*at)) {
        char c = decoded(&at);
        if (used + 1 < room)
            out[used++] = c;
        else
            *fits = false;
    }
    out[used] = '\0';
    *text = at;
    return true;
}
