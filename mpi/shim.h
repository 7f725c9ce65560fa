// The C half of world.go: what gompi lacks, and the one place that waits.
//
// Every function returns MPI_SUCCESS, an MPI error code (> 0), or one of the values below. Functions that may wait take
// cancel, a flag that makes them give up; NULL where nothing can cancel. Those that return an int and are not l2l_error or l2l_any_thread are called
// by one thread at a time, and where l2l_any_thread is 0 by the one alone that called l2l_init.

#ifndef L2L_SHIM_H
#define L2L_SHIM_H

#include <mpi.h>
#include <stdint.h>

enum {
	L2L_CANCELLED = -1,    // *cancel was set
	L2L_WOKEN = -2,        // *wake was set
	L2L_THREAD = -3,       // not the thread of l2l_init
	L2L_FINALIZED = -4,    // after l2l_finalize
	L2L_SHORT = -5,        // the message is longer than the buffer: call l2l_take with a longer one
	L2L_INITIALIZED = -6,  // somebody else has initialised MPI
	L2L_NO_THREADS = -7,   // the library refuses programs with threads
	L2L_NO_MEMORY = -8,
	L2L_BUSY = -9,         // another thread is in one of these functions
};

typedef struct {
	int from, tag, len;
} l2l_envelope;

// l2l_init starts MPI. Waits sleep for at most max_idle nanoseconds at a time, or longer where a message wakes them; 0: they never sleep. last_words are written to the
// standard error if MPI ends the process instead.
int l2l_init(int64_t max_idle, const char *last_words);
// l2l_any_thread is not 0 where threads may take turns.
int l2l_any_thread(void);
// l2l_finalize ends it, on the thread of l2l_init.
int l2l_finalize(void);
// l2l_abort ends all ranks and does not return.
void l2l_abort(int code);

// l2l_world makes two communicators of all ranks: *comm, on which errors are returned, and *fatal, MPI_COMM_WORLD, on
// which they end the job.
int l2l_world(MPI_Comm *comm, MPI_Comm *fatal);
// l2l_split makes such communicators of the ranks of parent that have the same colour, ordered by key, then by rank. A negative colour joins none:
// *comm is MPI_COMM_NULL.
int l2l_split(MPI_Comm parent, int colour, int key, MPI_Comm *comm, MPI_Comm *fatal, const uint32_t *cancel);
// l2l_leave waits until what this rank sent on comm is delivered and all ranks have come so far. What others sent and
// nobody received is dropped, or its senders would wait for ever. For all ranks it is called on the thread of l2l_init, as l2l_finalize is.
int l2l_leave(MPI_Comm comm, MPI_Comm fatal);
int l2l_free(MPI_Comm comm, MPI_Comm fatal);
// l2l_places sets places to the ranks in the world of the n ranks of comm.
int l2l_places(MPI_Comm comm, int n, int *places);

// l2l_send copies data and sends it in the background. place is the receiver's rank in the world.
int l2l_send(MPI_Comm comm, int to, int place, int tag, const unsigned char *data, int len);
// l2l_probe waits for a message; it also gives up when *wake is set. A negative from or tag matches any.
int l2l_probe(MPI_Comm comm, int from, int tag, l2l_envelope *env, const uint32_t *cancel, const uint32_t *wake);
// l2l_recv waits for a message and takes it. If it is longer than cap, only env is set, and l2l_take must follow.
int l2l_recv(MPI_Comm comm, int from, int tag, unsigned char *buf, int64_t cap, l2l_envelope *env, const uint32_t *cancel);
int l2l_take(unsigned char *buf, int len);
// *l2l_asleep is not 0 while this rank sleeps in l2l_probe or l2l_recv for so long that whoever sets one of their flags, from whichever thread, must
// call l2l_rouse after that.
uint32_t *l2l_asleep(void);
void l2l_rouse(void);

// The collectives may go on using their buffers after L2L_CANCELLED, for as long as the process lives.
int l2l_barrier(MPI_Comm comm, const uint32_t *cancel);
int l2l_bcast(MPI_Comm comm, int root, unsigned char *buf, int len, const uint32_t *cancel);
// l2l_gather gathers one number per rank.
int l2l_gather(MPI_Comm comm, int root, const int64_t *x, int64_t *all, const uint32_t *cancel);
int l2l_gatherv(MPI_Comm comm, int root, const unsigned char *data, int len, unsigned char *all, const int *lens,
	const int *offsets, const uint32_t *cancel);
// l2l_max gives each rank the maximum of the two numbers over all ranks.
int l2l_max(MPI_Comm comm, const int64_t *x, int64_t *all, const uint32_t *cancel);

// l2l_error describes an MPI error code in text, MPI_MAX_ERROR_STRING long, and returns its class.
int l2l_error(int code, char *text);
// l2l_library writes the library's name and version to text, MPI_MAX_LIBRARY_VERSION_STRING long.
void l2l_library(char *text);

#endif
