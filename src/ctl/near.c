/* SPDX-License-Identifier: MIT */
#include "ctl/near.h"

#include <string.h>

#include "proto/control.h"

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * How many letters have to be put in, left out, changed, or swapped with
 * their neighbour (optimal string alignment). ROW[i % 3] is about the first i
 * letters of A.
 */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[3][CONTROL_NAME_MAX] = {{0}};
	size_t a_n = strlen(a);
	size_t b_n = strlen(b);

	for (unsigned j = 0; j <= b_n; j++)
		row[0][j] = j;
	for (unsigned i = 1; i <= a_n; i++) {
		unsigned *now = row[i % 3];
		const unsigned *before = row[(i + 2) % 3];
		const unsigned *swapped = row[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= b_n; j++) {
			now[j] = least(before[j] + 1, now[j - 1] + 1,
				before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
				a[i - 2] == b[j - 1] &&
				swapped[j - 2] + 1 < now[j])
				now[j] = swapped[j - 2] + 1;
		}
	}
	return row[a_n % 3][b_n];
}

bool near_enough(const char *typed, const char *name)
{
	size_t n = strlen(typed);

	if (n >= CONTROL_NAME_MAX || strlen(name) >= CONTROL_NAME_MAX)
		return false;
	if (n >= 2 && strncmp(typed, name, n) == 0)
		return true;
	return distance(typed, name) <= (n < 2 ? 0 : n < 6 ? 1 : n / 3);
}
