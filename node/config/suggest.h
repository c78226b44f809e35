/* "Did you mean": the name nearest to a mistyped word. */
#pragma once

#include <stddef.h>

/* Longest word that gets a suggestion, in bytes: twice the longest name anyone could reasonably
 * give a command or an option. */
#define NODE_SUGGEST_BYTES_MAX 64u

/* The index of the nearest of `count` names, `name(i)` each, or `count` when none is near enough:
 * more than two edits, or more than half of the word's letters, would have to change.  Of equally
 * near names the first. */
size_t node_suggest(const char *word, const char *(*name)(size_t index), size_t count);
