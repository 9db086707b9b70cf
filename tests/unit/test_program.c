/* SPDX-License-Identifier: MIT */
#include "sys/program.h"

#include "spawn_fixture.h"

/* A directory with a copy of ourselves, the recorder, in it. */
struct place {
	char directory[32];
	char path[48];
	char other[48];
};

static void write_file(const char *path, const char *bytes, size_t n)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);

	assert_true(fd >= 0);
	for (size_t at = 0; at < n;) {
		int done = sys_write(fd, bytes + at, n - at);

		assert_true(done > 0);
		at += (size_t)done;
	}
	fd_close(&fd);
}

static void copy_ourselves(const char *path)
{
	AUTO_FREE char *bytes = NULL;
	size_t n;

	assert_int_equal(
		sys_read_file("/proc/self/exe", &bytes, &n, 1u << 28), 0);
	write_file(path, bytes, n);
}

static void make_place(struct place *place)
{
	strcpy(place->directory, "/tmp/ostler-program-XXXXXX");
	assert_non_null(mkdtemp(place->directory));
	snprintf(place->path, sizeof(place->path), "%s/it", place->directory);
	snprintf(place->other, sizeof(place->other), "%s/other",
		place->directory);
}

static void remove_place(const struct place *place)
{
	(void)unlink(place->path);
	(void)unlink(place->other);
	assert_int_equal(rmdir(place->directory), 0);
}

/* What PLACE's program writes, or what is held of it. */
static char *run_it(struct spawner *s, const struct place *place,
	const struct program *program)
{
	int null = sys_open_null();
	int ends[2], fds[3] = {null, -1, null};
	struct spawn_order order = recorder(fds, 3);
	struct spawned child;
	struct spawn_done done;

	assert_int_equal(sys_pipe(ends, false), 0);
	fds[1] = ends[1];
	order.path = place->path;
	order.program = program;
	assert_int_equal(spawn_start(s, &order, 1, &child), 0);
	fd_close(&ends[1]);
	fd_close(&null);
	done = collect(s, child.pidfd);
	assert_string_equal(spawn_stage_name(done.stage), "done");
	assert_int_equal(reap(&child).code, 0);
	return read_all(ends[0]);
}

static void put_script(const char *path, const char *words)
{
	char text[64];

	snprintf(text, sizeof(text), "#!/bin/sh\necho %s\n", words);
	write_file(path, text, strlen(text));
}

static void a_file_is_the_same_until_it_is_replaced_or_written(void **state)
{
	struct place place;
	struct program_id first, second, third;

	(void)state;
	make_place(&place);
	put_script(place.path, "one");
	assert_int_equal(program_identify(place.path, &first), 0);
	assert_int_equal(program_identify(place.path, &second), 0);
	assert_true(program_same(&first, &second));
	put_script(place.other, "one");
	assert_int_equal(rename(place.other, place.path), 0);
	assert_int_equal(program_identify(place.path, &second), 0);
	assert_false(program_same(&first, &second));
	put_script(place.path, "longer");
	assert_int_equal(program_identify(place.path, &third), 0);
	assert_false(program_same(&second, &third));
	assert_int_equal(unlink(place.path), 0);
	assert_int_equal(program_identify(place.path, &third), -ENOENT);
	remove_place(&place);
}

static void what_cannot_be_opened_is_not_held(void **state)
{
	struct program program;

	(void)state;
	assert_int_equal(program_hold("/nonexistent/it", &program), -ENOENT);
	assert_int_equal(program.fd, -1);
	program_release(&program);
	program_release(&program);
}

static void a_held_program_outlives_its_name(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		struct program program;
		struct place place;
		char *text;

		make_place(&place);
		copy_ourselves(place.path);
		assert_int_equal(program_hold(place.path, &program), 0);
		assert_false(program.script);
		put_script(place.other, "another");
		assert_int_equal(rename(place.other, place.path), 0);
		text = run_it(s, &place, &program);
		CHECK_LINE(text, "arg --record");
		/* It has what was ordered, and no trace of how it began. */
		assert_null(strstr(text, "fd 3 "));
		free(text);
		text = run_it(s, &place, NULL);
		assert_string_equal(text, "another\n");
		free(text);
		assert_int_equal(unlink(place.path), 0);
		text = run_it(s, &place, &program);
		CHECK_LINE(text, "arg --record");
		free(text);
		program_release(&program);
		remove_place(&place);
		spawner_destroy(s);
	}
}

static void a_program_in_place_is_started_by_its_name(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		struct program program;
		struct place place;
		char *text;

		make_place(&place);
		write_file(place.path, "#!/bin/sh\necho $0\n", 18);
		assert_int_equal(program_hold(place.path, &program), 0);
		assert_true(program.script);
		text = run_it(s, &place, &program);
		assert_non_null(strstr(text, place.path));
		free(text);
		program_release(&program);
		remove_place(&place);
		spawner_destroy(s);
	}
}

static void a_held_script_outlives_its_name(void **state)
{
	(void)state;
	EACH_METHOD(m)
	{
		struct spawner *s = make(methods[m]);
		struct program program;
		struct place place;
		char *text;

		make_place(&place);
		put_script(place.path, "first");
		assert_int_equal(program_hold(place.path, &program), 0);
		put_script(place.other, "second");
		assert_int_equal(rename(place.other, place.path), 0);
		text = run_it(s, &place, &program);
		assert_string_equal(text, "first\n");
		free(text);
		program_release(&program);
		remove_place(&place);
		spawner_destroy(s);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_file_is_the_same_until_it_is_replaced_or_written),
		cmocka_unit_test(what_cannot_be_opened_is_not_held),
		cmocka_unit_test(a_held_program_outlives_its_name),
		cmocka_unit_test(a_program_in_place_is_started_by_its_name),
		cmocka_unit_test(a_held_script_outlives_its_name),
	};

	if (argc > 2 && strcmp(argv[1], "--record") == 0)
		return record(argv, environ);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
