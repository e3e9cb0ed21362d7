/* SPDX-License-Identifier: Apache-2.0 */
#include "recorder/sender.c"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static void counts_go_on_when_a_page_returns(void **state)
{
	struct senders senders = { 0 };
	bool known = true;

	(void)state;
	struct sender *ana = sender_attach(&senders, 71, &known);
	assert_false(known);
	assert_int_equal(ana->taken, 0);
	ana->taken = 12;
	struct sender *other = sender_attach(&senders, 72, &known);
	assert_false(known);
	assert_ptr_not_equal(ana, other);
	sender_detach(ana);
	assert_int_equal(sender_attach(&senders, 71, &known)->taken, 12);
	assert_true(known);
}

static void a_page_without_a_number_is_not_counted(void **state)
{
	struct senders senders = { 0 };
	bool known = true;

	(void)state;
	assert_null(sender_attach(&senders, 0, &known));
	assert_false(known);
	sender_detach(NULL);
}

/* The one that is away longest is forgotten; one that is attached never. */
static void the_oldest_gives_way(void **state)
{
	struct senders senders = { 0 };
	bool known;

	(void)state;
	struct sender *here = sender_attach(&senders, 1, &known);
	here->taken = 5;
	for (uint64_t page = 2; page <= SENDERS_MAX; page++)
		sender_detach(sender_attach(&senders, page, &known));
	sender_detach(sender_attach(&senders, 2, &known)); /* was here again: not the oldest now */
	assert_true(known);
	sender_detach(sender_attach(&senders, 1000, &known));
	assert_false(known);
	assert_non_null(find(&senders, 1));
	assert_non_null(find(&senders, 2));
	assert_null(find(&senders, 3));
	assert_int_equal(here->taken, 5);
	for (unsigned i = 0; i < SENDERS_MAX; i++)
		senders.rows[i].attached = true;
	assert_null(sender_attach(&senders, 2000, &known)); /* more than can be attached */
	assert_false(known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_go_on_when_a_page_returns),
		cmocka_unit_test(a_page_without_a_number_is_not_counted),
		cmocka_unit_test(the_oldest_gives_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
