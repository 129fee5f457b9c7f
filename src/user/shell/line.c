// SPDX-License-Identifier: BSD-2-Clause
// The serial port hands over single bytes; all editing is here.
#include "line.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BACKSPACE 0x08
#define DELETE 0x7f
#define ESCAPE 0x1b
#define KILL_LINE 0x15 // Ctrl-U

// Where in an escape sequence we are: ESC, or ESC [ and parameters up to a byte from 0x40 on.
enum escape { NO_ESCAPE, AFTER_ESCAPE, IN_SEQUENCE };

struct editor {
    char *line;
    size_t room, count;
    enum escape escape;
    bool fits, after_return;
};

static void echo(const char *bytes, size_t count) { fwrite(bytes, 1, count, stdout); }

static void take_back(struct editor *editor, size_t count) {
    for (; count > 0 && editor->count > 0; count--) {
        // The bytes of one UTF-8 character go together.
        while (editor->count > 1 && ((unsigned char)editor->line[editor->count - 1] & 0xc0) == 0x80)
            editor->count--;
        editor->count--;
        echo("\b \b", 3);
    }
}

static void add(struct editor *editor, char c) {
    if (editor->count + 1 >= editor->room) {
        editor->fits = false;
        return;
    }
    editor->line[editor->count++] = c;
    echo(&c, 1);
}

// True when it belongs to an escape sequence.
static bool in_escape(struct editor *editor, unsigned char c) {
    switch (editor->escape) {
    case NO_ESCAPE:
        if (c != ESCAPE)
            return false;
        editor->escape = AFTER_ESCAPE;
        return true;
    case AFTER_ESCAPE:
        editor->escape = c == '[' || c == 'O' ? IN_SEQUENCE : NO_ESCAPE;
        return c >= ' '; // a control character counts for itself
    default:
        if (c >= 0x40 || c < ' ')
            editor->escape = NO_ESCAPE;
        return c >= ' ';
    }
}

// True at the end of the line. A line feed that follows a carriage return belongs to it.
static bool take(struct editor *editor, unsigned char c) {
    bool second = c == '\n' && editor->after_return;
    editor->after_return = c == '\r';
    if (second || in_escape(editor, c))
        return false;
    if (c == '\r' || c == '\n')
        return true;
    if (c == BACKSPACE || c == DELETE)
        take_back(editor, 1);
    else if (c == KILL_LINE)
        take_back(editor, editor->count);
    else if (c >= ' ')
        add(editor, (char)c);
    return false;
}

bool line_read(char *line, size_t room, bool *fits) {
    static struct editor editor; // a carriage return may end the line before
    editor.line = line;
    editor.room = room;
    editor.count = 0;
    editor.fits = true;
    for (;;) {
        unsigned char c;
        fflush(stdout);
        if (read(STDIN_FILENO, &c, 1) != 1)
            return false;
        if (take(&editor, c))
            break;
    }
    echo("\n", 1);
    line[editor.count] = '\0';
    *fits = editor.fits;
    return true;
}
