/* SPDX-License-Identifier: MIT */
#include "conf/postfix_host.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "conf/postfix_word.h"

enum {
	NAME_BYTES = 255,
	LABEL_BYTES = 63,
};

/* inet_pton() wants a NUL behind it; longer than this is no address. */
static bool parse(int family, struct text text, uint8_t *out)
{
	char copy[INET6_ADDRSTRLEN];

	if (text.n == 0 || text.n >= sizeof(copy))
		return false;
	memcpy(copy, text.bytes, text.n);
	copy[text.n] = '\0';
	return strlen(copy) == text.n && inet_pton(family, copy, out) == 1;
}

bool postfix_address_parse(struct text text, struct postfix_address *out)
{
	struct postfix_address address = {.family = FAMILY_IPV4};

	if (!parse(AF_INET, text, address.bytes)) {
		address.family = FAMILY_IPV6;
		if (!parse(AF_INET6, text, address.bytes))
			return false;
	}
	*out = address;
	return true;
}

bool postfix_address_same(
	const struct postfix_address *a, const struct postfix_address *b)
{
	return a->family == b->family &&
	       memcmp(a->bytes, b->bytes,
		       a->family == FAMILY_IPV4 ? 4 : sizeof(a->bytes)) == 0;
}

bool postfix_address_is_loopback(const struct postfix_address *address)
{
	static const uint8_t one[16] = {[15] = 1};

	if (address->family == FAMILY_IPV4)
		return address->bytes[0] == 127;
	return memcmp(address->bytes, one, sizeof(one)) == 0;
}

void postfix_address_put(
	struct text_builder *builder, const struct postfix_address *address)
{
	char text[INET6_ADDRSTRLEN];
	const char *put =
		inet_ntop(address->family == FAMILY_IPV4 ? AF_INET : AF_INET6,
			address->bytes, text, sizeof(text));

	assert(put != NULL);
	text_put(builder, put);
}

static const char *label_fault(struct text label)
{
	if (label.n == 0)
		return "misplaced delimiter";
	if (label.n > LABEL_BYTES)
		return "hostname label too long";
	if (label.bytes[0] == '-' || label.bytes[label.n - 1] == '-')
		return "misplaced hyphen";
	for (size_t i = 0; i < label.n; i++)
		if (!postfix_is_name(label.bytes[i]) && label.bytes[i] != '-')
			return "invalid character";
	return NULL;
}

const char *postfix_hostname_fault(struct text name)
{
	struct text rest = name, label;
	bool is_numeric = true;

	if (name.n == 0)
		return "empty hostname";
	if (name.n > NAME_BYTES)
		return "hostname too long";
	while (text_cut(&rest, '.', &label)) {
		const char *fault = label_fault(label);

		if (fault != NULL)
			return fault;
		is_numeric = is_numeric && postfix_is_digits(label);
	}
	return is_numeric ? "numeric hostname" : NULL;
}
