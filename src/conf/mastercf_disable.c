/* SPDX-License-Identifier: MIT */
#include "conf/mastercf_disable.h"

#include "conf/postfix_word.h"

/* Split ITEM at its last SEPARATOR. */
static bool split(struct text item, char separator, struct text *out_name,
	struct text *out_type)
{
	for (size_t i = item.n; i > 0; i--) {
		if (item.bytes[i - 1] != separator)
			continue;
		*out_name = (struct text){item.bytes, i - 1};
		*out_type = postfix_behind(item, i);
		return true;
	}
	return false;
}

static bool matches(struct text item, struct text name, struct text type)
{
	struct text item_name, item_type;

	if (!split(item, '/', &item_name, &item_type) &&
		!split(item, '.', &item_name, &item_type))
		return postfix_same_word(item, type);
	return postfix_same_word(item_name, name) &&
	       postfix_same_word(item_type, type);
}

bool mastercf_is_disabled(const char *list, struct text name, struct text type)
{
	struct text rest = text_of(list), item;

	while (postfix_cut_field(&rest, POSTFIX_LIST_SEPARATORS, &item)) {
		bool disables = true;

		while (item.n > 0 && item.bytes[0] == '!') {
			disables = !disables;
			item = postfix_behind(item, 1);
		}
		if (matches(item, name, type))
			return disables;
	}
	return false;
}
