/* SPDX-License-Identifier: MIT */
#include "proto/page.h"

/* Other languages and the manual rely on it. */
_Static_assert(sizeof(struct ostler__page_head) == 128, "two lines");
_Static_assert(sizeof(struct ostler__page_word) == 64, "one line");
_Static_assert(sizeof(struct ostler__page_slot) == 128, "two lines");
_Static_assert(offsetof(struct ostler__page_word, low) == 32, "no padding");
_Static_assert(offsetof(struct ostler__page_slot, peer) == 48, "no padding");
_Static_assert(sizeof(struct ostler__page_head) +
			       OSTLER__PAGE_WORDS_MAX *
				       sizeof(struct ostler__page_word) <=
		       OSTLER__PAGE_TOP_BYTES,
	"the master maps head and words alone");

/* Shared by processes: a lock within one of them would not do. */
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
	"atomics need no lock");

unsigned ostler__popcount(uint64_t bits)
{
	unsigned n = 0;

	for (; bits != 0; bits &= bits - 1)
		n++;
	return n;
}

size_t ostler__page_bytes(uint32_t words_n)
{
	return OSTLER__PAGE_TOP_BYTES +
	       (size_t)words_n * 64 * sizeof(struct ostler__page_slot);
}

static struct ostler__page_word *words_of(void *top)
{
	return (struct ostler__page_word *)((struct ostler__page_head *)top +
					    1);
}

struct ostler__page_word *ostler__page_words(void *top)
{
	return words_of(top);
}

struct ostler__page_word *ostler__page_init(void *top, uint32_t words_n)
{
	struct ostler__page_head *head = top;
	struct ostler__page_word *words = words_of(top);

	head->magic = OSTLER__PAGE_MAGIC;
	head->version = OSTLER__PAGE_VERSION;
	head->words_n = words_n;
	head->slots_n = words_n * 64;
	head->slots_offset = OSTLER__PAGE_TOP_BYTES;
	head->slot_bytes = sizeof(struct ostler__page_slot);
	for (uint32_t i = 0; i < words_n; i++)
		atomic_store(&words[i].low, 1);
	return words;
}

uint32_t ostler__page_low(uint32_t least, uint32_t words_n)
{
	uint32_t low = least / words_n + (least % words_n != 0);

	return low > 1 ? low : 1;
}

bool ostler__page_enter(
	struct ostler__page *page, void *top, size_t bytes, uint32_t slot)
{
	struct ostler__page_head *head = top;
	uint32_t words_n;

	if (bytes < OSTLER__PAGE_TOP_BYTES)
		return false;
	words_n = head->words_n;
	if (head->magic != OSTLER__PAGE_MAGIC ||
		head->version != OSTLER__PAGE_VERSION || words_n == 0 ||
		words_n > OSTLER__PAGE_WORDS_MAX || slot / 64 >= words_n ||
		head->slots_offset != OSTLER__PAGE_TOP_BYTES ||
		head->slot_bytes != sizeof(struct ostler__page_slot) ||
		bytes < ostler__page_bytes(words_n))
		return false;
	page->head = head;
	page->words = words_of(top);
	page->words_n = words_n;
	page->word = &page->words[slot / 64];
	page->slots = (struct ostler__page_slot *)((char *)top +
						   OSTLER__PAGE_TOP_BYTES);
	page->slot = &page->slots[slot];
	page->me = UINT64_C(1) << slot % 64;
	return true;
}

/* seq_cst, all of it: the bit first, the message second. */
bool ostler__page_take(struct ostler__page *page)
{
	uint64_t old = atomic_fetch_and(&page->word->ready, ~page->me);
	unsigned n = ostler__popcount(old);
	uint32_t full = atomic_load(&page->word->full);

	if ((old & page->me) == 0)
		return true;
	return n == 1 || n == atomic_load(&page->word->low) ||
	       (full != 0 && n >= full);
}

bool ostler__page_give(struct ostler__page *page)
{
	uint64_t old = atomic_fetch_or(&page->word->ready, page->me);
	unsigned n = ostler__popcount(old);

	if ((old & page->me) != 0)
		return true;
	return n == 0 || n + 1 == atomic_load(&page->word->low);
}

bool ostler__page_retires(const struct ostler__page *page)
{
	return (atomic_load(&page->word->retire) & page->me) != 0;
}

uint32_t ostler__page_taken(const struct ostler__page *page)
{
	uint32_t n = 0, used = atomic_load(&page->head->words_used);

	for (uint32_t i = 0; i < used && i < page->words_n; i++)
		n += ostler__popcount(atomic_load(&page->words[i].opened) &
				      ~atomic_load(&page->words[i].ready));
	return n;
}
