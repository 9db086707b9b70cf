/* SPDX-License-Identifier: MIT */
/*
 * quiet_status - the bits and doorbells of a service's page (proto/page.h)
 *
 * Three workers take and free themselves, two of them may be killed anywhere,
 * also between their bit and their message, and one may be asked to leave.
 * Promised: when nothing is under way any more, the master knows whether any
 * worker is ready, and whether at least LOW are.
 *
 * OPS: how many steps each worker takes; LOW: the mark. Mistakes that have to
 * be found (run.py):
 * FACT   the master believes the word of a message
 * COUNT  a bare counter instead of a bit for each
 * KEEP   who is asked to leave keeps its bit, and only the master knows
 * NOMARK (TIMED) nobody rings for being the first one taken
 * ONCE   (TIMED) the master does not look again after it has moved that mark
 * RETIRE lets one be asked to leave. TIMED has the mark of the first one taken
 * (clients have a time); promised then, that the master looks now and then as
 * long as anybody has a client. What is not needed any more is set to 0,
 * for each value that differs is a state of its own.
 */
#define N 3
#ifndef OPS
#define OPS 2
#endif
#ifndef LOW
#define LOW 1
#endif
#ifndef KILLS
#define KILLS 2
#endif

#define ME(i) (1 << (i))
#define COUNT_OF(b) (((b) & 1) + (((b) >> 1) & 1) + (((b) >> 2) & 1))

byte bits = 7;		/* the page */
byte counter = N;	/* the same, as COUNT has it */
byte retire = 0;	/* the page: please leave */
byte live = 7;		/* the master: neither dead nor asked to leave */
bool watch = 0;		/* the master: nobody is ready, so I listen */
bool starts = 0;	/* the master: fewer than LOW are */
bool busy = 0;		/* the master is in the middle of something */
byte kills = 0;
#ifdef TIMED
byte mark = N;		/* the page: whoever is taken then rings */
bool polls = 0;		/* the master: it will look again by itself */
#endif

bool idle[N] = 1;	/* truly waiting for a client */
bool dead[N];
bool mid[N];		/* between bit and message */
bool ended[N];		/* its end has not been heard of */
chan words[N] = [8] of { bit };

#ifdef COUNT
#define READY counter
#else
#define READY COUNT_OF(bits & live)
#endif

inline look()
{
	watch = (READY == 0 -> 1 : 0);
	starts = (READY < LOW -> 1 : 0);
#ifdef TIMED
	polls = ((bits & live) != live -> 1 : 0)
#endif
}

/* In the order that matters: the mark, and then what it may have missed. */
#ifdef TIMED
#ifdef NOMARK
#define MARK 0
#else
#define MARK COUNT_OF(live)
#endif
#ifdef ONCE
#define AGAIN skip
#else
#define AGAIN look()
#endif
#define SETTLE busy = 1 }; atomic { look() }; mark = MARK; \
	atomic { AGAIN; busy = 0
#else
#define SETTLE look()
#endif

inline take(i)
{
#ifdef COUNT
	counter--;
	ring = (counter == 0)
#else
	ring = ring || (bits & ME(i)) == 0 || COUNT_OF(bits) == 1 ||
		COUNT_OF(bits) == LOW;
#ifdef TIMED
	ring = ring || (mark != 0 && COUNT_OF(bits) >= mark);
#endif
	bits = bits & ~ME(i)
#endif
}

inline give(i)
{
#ifdef COUNT
	ring = (counter == 0);
	counter++
#else
	ring = (bits & ME(i)) != 0 || COUNT_OF(bits) == 0 ||
		COUNT_OF(bits) + 1 == LOW;
	bits = bits | ME(i)
#endif
}

/* A step of its own: whoever is dead by then says nothing any more. */
inline tell(i, word)
{
	if
	:: atomic { !dead[i] && ring -> words[i]!word; mid[i] = 0; ring = 0 }
	:: atomic { !dead[i] && !ring -> mid[i] = 0 }
	:: atomic { dead[i] -> goto over }
	fi
}

proctype Worker(byte i)
{
	byte steps = 0;
	bool ring;

	do
	:: atomic { !dead[i] && steps < OPS && idle[i] ->
		steps++; mid[i] = 1;
		idle[i] = 0;
		take(i) };
		tell(i, 0)
	:: atomic { !dead[i] && steps < OPS && !idle[i] &&
			(retire & ME(i)) == 0 ->
		steps++; mid[i] = 1; idle[i] = 1;
		give(i) };
#ifdef RETIRE
		if
		:: atomic { !dead[i] && (retire & ME(i)) != 0 ->
			idle[i] = 0; take(i) }
		:: atomic { !dead[i] && (retire & ME(i)) == 0 -> skip }
		:: atomic { dead[i] -> goto over }
		fi;
#endif
		tell(i, 1)
	:: atomic { dead[i] -> break }
	:: atomic { steps >= OPS && !dead[i] -> break }
	od;
over:
	skip
}

inline kill(i)
{
	atomic {
		kills < KILLS && !dead[i] ->
		dead[i] = 1; mid[i] = 0; idle[i] = 0; ended[i] = 1; kills++
	}
}

proctype Killer()
{
	do
	:: kill(0)
	:: kill(1)
	:: kill(2)
	:: break
	od
}

inline hear(i)
{
#ifdef FACT
	atomic { words[i]?word -> watch = !word; starts = !word; word = 0 }
#else
	atomic { words[i]?word -> look(); word = 0 }
#endif
}

inline bury(i)
{
	atomic {
		ended[i] ->
		ended[i] = 0;
		live = live & ~ME(i);
		bits = bits & ~ME(i);
		SETTLE
	}
}

active proctype Master()
{
	bit word;
	bool asked = 0;

#ifdef NOMARK
	mark = 0;
#endif
	atomic { run Worker(0); run Worker(1); run Worker(2); run Killer() }
end:
	do
	:: hear(0)
	:: hear(1)
	:: hear(2)
	:: bury(0)
	:: bury(1)
	:: bury(2)
#ifdef RETIRE
	:: atomic { !asked && (live & ME(0)) != 0 && !ended[0] ->
		asked = 1; busy = 1; live = live & ~ME(0);
		retire = retire | ME(0) };
#ifndef KEEP
		bits = bits & ~ME(0);
#endif
		atomic { SETTLE; busy = 0 }
#endif
#ifdef TIMED
	:: atomic { polls -> look() }
#endif
	od
}

#define SERVES(i) (idle[i] && (live & ME(i)) != 0)
#define HAS(i) (!idle[i] && !dead[i] && (live & ME(i)) != 0)
#define QUIET(i) (empty(words[i]) && !ended[i] && !mid[i])

active proctype Monitor()
{
end:
	do
	:: atomic {
		!busy && QUIET(0) && QUIET(1) && QUIET(2) ->
		assert(SERVES(0) || SERVES(1) || SERVES(2) || watch);
		assert(SERVES(0) + SERVES(1) + SERVES(2) >= LOW || starts);
#ifdef TIMED
		assert(polls || !(HAS(0) || HAS(1) || HAS(2)))
#endif
	}
	od
}
