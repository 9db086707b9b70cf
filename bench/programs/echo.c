/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <unistd.h>

/*
 * echo - what superservers start for each client
 *
 *   echo [HOLD_MS [START_MS]]
 *
 * Takes START_MS to begin, reads up to 32 bytes from its standard input,
 * holds them for HOLD_MS, writes them and ends.
 */
int main(int argc, char **argv)
{
	char bytes[32];
	ssize_t n;

	if (argc > 2)
		usleep((useconds_t)atoi(argv[2]) * 1000U);
	n = read(0, bytes, sizeof(bytes));
	if (argc > 1)
		usleep((useconds_t)atoi(argv[1]) * 1000U);
	if (n > 0 && write(1, bytes, (size_t)n) != n)
		return 1;
	return 0;
}
