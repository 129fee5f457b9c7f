#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Writes a large text, the same for the same arguments.

    make_text.py BYTES DISTINCT OUT

Words are drawn by rank, log-uniformly, so that few are frequent and many rare, as in a real text; in
between every one of the DISTINCT words comes at least once. Capitals, digits and punctuation see to it
that the reader has to split and to lower.
"""
import random
import sys

SYLLABLES = [consonant + vowel for consonant in "bcdfghjklmnprstvwxyz" for vowel in "aeiou"]


def word(index):
    """The index-th word; bijective, so no two are equal."""
    letters = []
    index += 1
    while index > 0:
        index -= 1
        letters.append(SYLLABLES[index % 100])
        index //= 100
    return "".join(letters)


def text(size, distinct, seed=20):
    """The text, of SIZE bytes; the last words may be cut."""
    draw = random.Random(seed)
    words = [word(index) for index in range(distinct)]
    order = list(range(distinct))
    draw.shuffle(order)
    every = max(1, size // (distinct * 8)) # a word with its separator is about 6.5 bytes long
    out = []
    length = 0
    count = 0
    while length < size:
        if count % every == 0 and order:
            item = words[order.pop()]
        else:
            item = words[int(distinct ** draw.random()) - 1]
        if count % 11 == 0:
            item = item.capitalize()
        item += "\n" if count % 13 == 12 else ", " if count % 17 == 0 else " 1984 " if count % 101 == 0 else " "
        out.append(item)
        length += len(item)
        count += 1
    if order:
        raise ValueError(f"{len(order)} words found no place in {size} bytes")
    return "".join(out)[:size]


if __name__ == "__main__":
    with open(sys.argv[3], "w", encoding="ascii") as file:
        file.write(text(int(sys.argv[1]), int(sys.argv[2])))
