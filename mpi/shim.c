//go:build mpi

#define _GNU_SOURCE  // ppoll

#include "shim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#endif
#if defined(OMPI_MAJOR_VERSION) && OMPI_MAJOR_VERSION >= 5
#include <mpi-ext.h>
#endif

static _Thread_local int owner;  // set on the thread that has started MPI, and is to end it
static int any_thread;           // may call MPI, one at a time; else the owner alone
static int inside;               // a thread is in one of the functions below
static int finalized;

// enter reports why a function that calls MPI cannot begin, if so. It ends with leave.
static int enter(void) {
	if (finalized) return L2L_FINALIZED;
	if (!owner && !any_thread) return L2L_THREAD;
	return __atomic_exchange_n(&inside, 1, __ATOMIC_SEQ_CST) ? L2L_BUSY : MPI_SUCCESS;
}

static void leave(int *entered) {
	if (*entered == MPI_SUCCESS) __atomic_store_n(&inside, 0, __ATOMIC_SEQ_CST);
}

// ENTER is the first line of each of them, and has them leave wherever they return.
#define ENTER \
	int entered_ __attribute__((cleanup(leave))) = enter(); \
	if (entered_ != MPI_SUCCESS) return entered_
#define TRY(call) \
	do { \
		int rc_ = (call); \
		if (rc_ != MPI_SUCCESS) return rc_; \
	} while (0)

// ---- ranks that die ----

// An MPI with ULFM (Open MPI from version 5 on, started by mpirun --with-ft ulfm) goes on when a rank dies: calls that need that rank fail, and
// those that any rank could serve do so until the death is acknowledged. We take a dead rank for one that hangs: what is sent to it gets lost, and
// who waits for any rank waits for the others. Who waits for the dead one alone has an error. MPI_Abort and MPI_Finalize may never return from then
// on (Open MPI 5.0), so that each rank ends without them.
static int seen_death;

#ifdef OMPI_HAVE_MPI_EXT_FTMPI
static int is_death(int rc) {
	int class = MPI_SUCCESS;
	if (rc != MPI_SUCCESS) MPI_Error_class(rc, &class);
	int is = class == MPIX_ERR_PROC_FAILED || class == MPIX_ERR_PROC_FAILED_PENDING;
	if (is) seen_death = 1;
	return is;
}

static int acknowledge(MPI_Comm comm) { return MPIX_Comm_failure_ack(comm); }
#else
static int is_death(int rc) { (void)rc; return 0; }

static int acknowledge(MPI_Comm comm) { (void)comm; return MPI_SUCCESS; }
#endif

// ---- sends in the background ----

// A send whose data MPI still needs. They form a queue.
typedef struct pending {
	struct pending *next;
	MPI_Comm comm;
	MPI_Request request;
	unsigned char data[];
} pending;
static pending *first, *last;

static void enqueue(pending *p) {
	p->next = NULL;
	if (last) last->next = p; else first = p;
	last = p;
}

// reap frees sends that are complete. It looks at a few from the front and puts the others back at the end, so that a
// call costs the same however many are pending.
static int reap(void) {
	for (int n = 0; first && n < 16; n++) {
		pending *p = first;
		first = p->next;
		if (!first) last = NULL;
		int done = 0;
		int rc = MPI_Test(&p->request, &done, MPI_STATUS_IGNORE);
		if (rc != MPI_SUCCESS || done) free(p); else enqueue(p);
		if (!is_death(rc)) TRY(rc);
	}
	return MPI_SUCCESS;
}

// ---- waiting ----

// The spin is longer than the first sleep: of two ranks that answer each other, one that has begun to sleep then finds
// the other one spinning when it wakes, and both are quick again. Otherwise each would sleep while the other answers.
enum { SPIN_NS = 50 * 1000, FIRST_SLEEP_NS = 20 * 1000 };

// Pauses double up to SHORT_SLEEP_NS. From then on they are a small part of the time waited, up to max_idle_ns: what they add to a wait of some
// length is less than a hundredth of it, and a rank that has nothing to do for long uses next to nothing.
enum { SHORT_SLEEP_NS = 200 * 1000, PART_OF_WAIT = 128 };

// Both MPIs may fetch a message from the network only after looking for it: what has arrived during a sleep is then seen
// by the second look. With one look per sleep, two ranks that answer each other stay at 300 us a message instead of 1 us.
// After a long sleep the second look is the last, as looks are then most of the cost.
enum { LOOKS = 3, LOOKS_AFTER_LONG_SLEEP = 2 };

static int64_t max_idle_ns;

// Linux rounds sleeps up by 50 us unless told otherwise for a thread.
static void sleep_exactly(void) {
#ifdef __linux__
	static _Thread_local int told;
	if (!told) prctl(PR_SET_TIMERSLACK, 1UL);
	told = 1;
#endif
}

static int64_t now_ns(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_ns(int64_t ns) {
	struct timespec t = {ns / 1000000000, ns % 1000000000};
	sleep_exactly();
	nanosleep(&t, NULL);  // a signal ends it early, which is harmless
}

static int is_set(const uint32_t *flag) { return flag && __atomic_load_n(flag, __ATOMIC_SEQ_CST); }

// A look_fn looks once whether something has come about, and says so in *done.
typedef int look_fn(void *arg, int *done);

// ---- bells ----

// A rank that has waited for long would look for messages some hundred times a second, and never find one. Where all ranks are on one machine it
// sleeps much longer instead, and whoever sends it the first message after a while rings its bell, a socket. A bell says only that it is worth
// looking: one that is rung for nothing costs a look, and one that is not heard costs the rest of the sleep, BELL_SLEEP_NS at most.
//
// A message is the first one after a while if the one before was sent more than QUIET_NS ago. A wait has lasted longer than that, by far, before
// its sleeps exceed max_idle_ns.
enum { BELL_SLEEP_NS = 20 * 1000 * 1000, QUIET_NS = 50 * 1000 * 1000 };

static int bell = -1;        // this rank's; -1 where not all ranks can ring it
static uint32_t asleep;      // set while this rank sleeps until the bell rings

#ifdef __linux__
// A bell's address is a name in the kernel, which goes with the process: so it leaves no file behind. It is known in one network namespace.
typedef struct {
	uint64_t machine, net;  // names of the machine as it runs since its start, and of the network namespace; 0: not known
	uint64_t length;        // of name
	char name[16];
} bell_address;

static bell_address *bells;  // by rank of the world
static int64_t *sent_at;     // by rank of the world: when it was last sent a message
static int me;

static uint64_t hash(const char *s, int n) {  // FNV-1a
	uint64_t h = 14695981039346656037u;
	while (n--) h = (h ^ (unsigned char)*s++) * 1099511628211u;
	return h;
}

static bell_address hang_bell(void) {
	bell_address a = {0};
	char id[64];
	struct stat net;
	int f = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	int n = f < 0 ? 0 : (int)read(f, id, sizeof id);
	if (f >= 0) close(f);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	socklen_t length = sizeof at.sun_family;  // alone: the kernel chooses the name
	bell = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (bell < 0 || n <= 0 || stat("/proc/self/ns/net", &net) || bind(bell, (struct sockaddr *)&at, length)) return a;
	length = sizeof at;
	if (getsockname(bell, (struct sockaddr *)&at, &length)) return a;
	a.length = length - offsetof(struct sockaddr_un, sun_path);
	if (a.length > sizeof a.name) return (bell_address){0};
	memcpy(a.name, at.sun_path, a.length);
	a.machine = hash(id, n);
	a.net = net.st_ino;
	return a;
}

static void ring(int rank) {
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	memcpy(at.sun_path, bells[rank].name, bells[rank].length);
	// It fails where the bell has been rung often and not been heard, and where the rank is gone: neither matters.
	sendto(bell, "", 1, MSG_NOSIGNAL, (struct sockaddr *)&at, offsetof(struct sockaddr_un, sun_path) + bells[rank].length);
}

// has_sent is called after each message, and rings the bell of a rank that may be asleep.
static void has_sent(int rank) {
	if (bell < 0 || rank == me) return;
	int64_t now = now_ns();
	if (now - sent_at[rank] > QUIET_NS) ring(rank);
	sent_at[rank] = now;
}

// await_bell sleeps for ns, or until the bell rings, and reports whether it has. It does not begin where a flag is set already.
static int await_bell(int64_t ns, const uint32_t *cancel, const uint32_t *wake) {
	struct pollfd p = {.fd = bell, .events = POLLIN};
	struct timespec t = {0, ns};
	char rings[64];
	int rung = 1;
	sleep_exactly();
	__atomic_store_n(&asleep, 1, __ATOMIC_SEQ_CST);
	if (!is_set(cancel) && !is_set(wake)) rung = ppoll(&p, 1, &t, NULL) > 0;
	__atomic_store_n(&asleep, 0, __ATOMIC_SEQ_CST);
	while (rung && recv(bell, rings, sizeof rings, 0) >= 0) {}
	return rung;
}

void l2l_rouse(void) {
	if (bell >= 0) ring(me);
}

static int look_request(void *request, int *done);
static int await(look_fn *look, void *arg, const uint32_t *cancel, const uint32_t *wake, int by_bell);

// hang_bells tells all ranks of each other's bells. All have just left MPI_Init.
static int hang_bells(void) {
	int n;
	MPI_Request request;
	TRY(MPI_Comm_size(MPI_COMM_WORLD, &n));
	TRY(MPI_Comm_rank(MPI_COMM_WORLD, &me));
	bells = calloc(n, sizeof *bells);
	sent_at = calloc(n, sizeof *sent_at);
	bell_address mine = hang_bell();
	if (!bells || !sent_at) return L2L_NO_MEMORY;
	TRY(MPI_Iallgather(&mine, sizeof mine, MPI_BYTE, bells, sizeof mine, MPI_BYTE, MPI_COMM_WORLD, &request));
	TRY(await(look_request, &request, NULL, NULL, 0));
	int all = max_idle_ns > 0;
	for (int i = 0; i < n; i++) all = all && bells[i].machine && bells[i].machine == mine.machine && bells[i].net == mine.net;
	if (!all && bell >= 0) {
		close(bell);
		bell = -1;
	}
	return MPI_SUCCESS;
}
#else
static int hang_bells(void) { return MPI_SUCCESS; }
static void has_sent(int rank) { (void)rank; }
static int await_bell(int64_t ns, const uint32_t *cancel, const uint32_t *wake) { return 0; }
void l2l_rouse(void) {}
#endif

uint32_t *l2l_asleep(void) { return &asleep; }

// await is the only function that waits: it looks, for SPIN_NS without a pause, then with pauses that grow. A blocking
// MPI call would burn a core that a simulator needs (Open MPI yields it only when told so, MPICH never), and a pause made
// in Go lasts a millisecond at least. by_bell says that whoever brings about what it waits for rings this rank's bell.
static int await(look_fn *look, void *arg, const uint32_t *cancel, const uint32_t *wake, int by_bell) {
	int64_t began = 0, pause = FIRST_SLEEP_NS;
	for (;;) {
		int looks = pause > SHORT_SLEEP_NS ? LOOKS_AFTER_LONG_SLEEP : LOOKS;
		for (int i = 0; i < looks; i++) {
			int done = 0;
			TRY(look(arg, &done));
			if (done) return MPI_SUCCESS;
		}
		if (is_set(cancel)) return L2L_CANCELLED;
		if (is_set(wake)) return L2L_WOKEN;
		TRY(reap());
		int64_t now = now_ns();
		if (!began) began = now;
		int64_t waited = now - began;
		if (waited < SPIN_NS || max_idle_ns == 0) continue;
		int64_t longest = by_bell && bell >= 0 && !first && max_idle_ns < BELL_SLEEP_NS ? BELL_SLEEP_NS : max_idle_ns;
		if (pause > longest) pause = longest;
		if (pause <= max_idle_ns) {
			sleep_ns(pause);
			// A sleep that ends late tells of more ranks awake than cores. To look again soon would keep those from the cores that are waited for.
			int64_t late = now_ns() - now - pause;
			if (pause < late) pause = late < max_idle_ns ? late : max_idle_ns;
		} else if (await_bell(pause, cancel, wake)) {
			began = 0;
			pause = FIRST_SLEEP_NS;
			continue;
		}
		if (pause < SHORT_SLEEP_NS) pause = 2 * pause < SHORT_SLEEP_NS ? 2 * pause : SHORT_SLEEP_NS;
		if (pause < waited / PART_OF_WAIT) pause = waited / PART_OF_WAIT;
	}
}

static int look_request(void *request, int *done) { return MPI_Test(request, done, MPI_STATUS_IGNORE); }

// ---- start and end ----

static const char *dying_words;  // NULL unless MPI is being started

static void say_last_words(void) {
	if (dying_words && write(STDERR_FILENO, dying_words, strlen(dying_words)) < 0) return;  // nobody is left to tell
}

int l2l_init(int64_t max_idle, const char *last_words) {
	int initialized = 0, provided = 0;
	MPI_Initialized(&initialized);
	if (initialized) return L2L_INITIALIZED;
	// Until it has started, errors of MPI end the process, by exit in Open MPI and in MPICH.
	atexit(say_last_words);
	dying_words = last_words;
	int rc = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
	dying_words = NULL;
	TRY(rc);
	owner = 1;
	any_thread = provided >= MPI_THREAD_SERIALIZED;
	max_idle_ns = max_idle;
	return provided < MPI_THREAD_FUNNELED ? L2L_NO_THREADS : hang_bells();
}

// give_way has the other ranks of this machine come first on its cores. In MPI_Finalize, ranks of MPICH wait for each other without a pause, and rank
// 0, to which all have sent messages, has the most to take down: where ranks share a core, it would get the least of it.
static void give_way(void) {
#ifdef __linux__
	setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + 5);  // of this thread, and for good: to take it back is a right of root
#endif
}

int l2l_any_thread(void) { return any_thread; }

int l2l_finalize(void) {
	ENTER;
	if (!owner) return L2L_THREAD;
	finalized = 1;
	if (seen_death) return MPI_SUCCESS;
	int rank;
	TRY(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
	if (rank > 0) give_way();
	return MPI_Finalize();
}

// What this rank has said last is in a pipe to its launcher. MPICH's forgets it where it hears of the abort before it has read that.
enum { LAST_WORDS_NS = 200 * 1000 * 1000 };

void l2l_abort(int code) {
	if (!finalized && !seen_death) {
		sleep_ns(LAST_WORDS_NS);
		MPI_Abort(MPI_COMM_WORLD, code);
	}
	_exit(code);
}

// ---- groups ----

int l2l_places(MPI_Comm comm, int n, int *places) {
	ENTER;
	MPI_Group group, world;
	TRY(MPI_Comm_group(comm, &group));
	TRY(MPI_Comm_group(MPI_COMM_WORLD, &world));
	int *ranks = malloc(n * sizeof *ranks);
	if (!ranks) return L2L_NO_MEMORY;
	for (int i = 0; i < n; i++) ranks[i] = i;
	int rc = MPI_Group_translate_ranks(group, n, ranks, world, places);
	free(ranks);
	TRY(rc);
	TRY(MPI_Group_free(&group));
	return MPI_Group_free(&world);
}

// duplicate makes *comm of the ranks of parent, whose errors are returned. It does not burn the core, as MPI_Comm_dup does.
static int duplicate(MPI_Comm parent, MPI_Comm *comm) {
	MPI_Request request;
	TRY(MPI_Comm_idup(parent, comm, &request));
	TRY(await(look_request, &request, NULL, NULL, 0));
	return MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN);
}

int l2l_world(MPI_Comm *comm, MPI_Comm *fatal) {
	ENTER;
	*fatal = MPI_COMM_WORLD;
	return duplicate(MPI_COMM_WORLD, comm);
}

// A choice is what a rank of the parent has given to l2l_split.
typedef struct {
	int colour, key, rank;
} choice;

static int by_key(const void *a, const void *b) {
	const choice *x = a, *y = b;
	int order = (x->key > y->key) - (x->key < y->key);
	return order ? order : x->rank - y->rank;
}

// part makes *comm of those ranks of parent whose colour is this one, as MPI_Comm_split does, which waits for all ranks of the parent without a pause.
// Here only the members do, and all are at the same place by then.
static int part(MPI_Comm parent, int colour, int key, MPI_Comm *comm, const uint32_t *cancel) {
	int rank, size, n = 0;
	MPI_Request request;
	MPI_Group all, members;
	TRY(MPI_Comm_rank(parent, &rank));
	TRY(MPI_Comm_size(parent, &size));
	choice *choices = malloc((size + 1) * sizeof *choices);  // not freed where cancel has left MPI with it
	int *ranks = malloc(size * sizeof *ranks);
	if (!choices || !ranks) return L2L_NO_MEMORY;
	choice *mine = choices + size;
	*mine = (choice){colour, key, rank};
	TRY(MPI_Iallgather(mine, sizeof *mine, MPI_BYTE, choices, sizeof *mine, MPI_BYTE, parent, &request));
	TRY(await(look_request, &request, cancel, NULL, 0));
	*comm = MPI_COMM_NULL;
	if (colour >= 0) {
		qsort(choices, size, sizeof *choices, by_key);
		for (int i = 0; i < size; i++)
			if (choices[i].colour == colour) ranks[n++] = choices[i].rank;
		TRY(MPI_Comm_group(parent, &all));
		TRY(MPI_Group_incl(all, n, ranks, &members));
		TRY(MPI_Comm_create_group(parent, members, 0, comm));
		TRY(MPI_Group_free(&members));
		TRY(MPI_Group_free(&all));
	}
	free(choices);
	free(ranks);
	return MPI_SUCCESS;
}

int l2l_split(MPI_Comm parent, int colour, int key, MPI_Comm *comm, MPI_Comm *fatal, const uint32_t *cancel) {
	ENTER;
	TRY(part(parent, colour, key, comm, cancel));
	if (*comm == MPI_COMM_NULL) return MPI_SUCCESS;
	TRY(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN));
	TRY(duplicate(*comm, fatal));
	return MPI_Comm_set_errhandler(*fatal, MPI_ERRORS_ARE_FATAL);
}

int l2l_free(MPI_Comm comm, MPI_Comm fatal) {
	ENTER;
	if (seen_death) return MPI_SUCCESS;
	TRY(MPI_Comm_free(&comm));
	return fatal == MPI_COMM_WORLD ? MPI_SUCCESS : MPI_Comm_free(&fatal);
}

typedef struct {
	MPI_Comm comm, fatal;
	int entered;
	MPI_Request barrier;
} leaving;

static int drop_unreceived(MPI_Comm comm) {
	for (;;) {
		int found = 0, len;
		MPI_Message message;
		MPI_Status status;
		TRY(MPI_Improbe(MPI_ANY_SOURCE, MPI_ANY_TAG, comm, &found, &message, &status));
		if (!found) return MPI_SUCCESS;
		TRY(MPI_Get_count(&status, MPI_BYTE, &len));
		void *scratch = malloc(len + 1);
		if (!scratch) return L2L_NO_MEMORY;
		int rc = MPI_Mrecv(scratch, len, MPI_BYTE, &message, MPI_STATUS_IGNORE);
		free(scratch);
		TRY(rc);
	}
}

static int look_leaving(void *arg, int *done) {
	leaving *l = arg;
	TRY(drop_unreceived(l->comm));
	if (!l->entered) {
		for (pending *p = first; p; p = p->next)
			if (p->comm == l->comm) return MPI_SUCCESS;
		// On fatal, as a cancelled collective leaves comm out of step.
		TRY(MPI_Ibarrier(l->fatal, &l->barrier));
		l->entered = 1;
	}
	return MPI_Test(&l->barrier, done, MPI_STATUS_IGNORE);
}

int l2l_leave(MPI_Comm comm, MPI_Comm fatal) {
	ENTER;
	if (fatal == MPI_COMM_WORLD && !owner) return L2L_THREAD;  // l2l_finalize is to follow
	leaving l = {.comm = comm, .fatal = fatal};
	TRY(MPI_Comm_set_errhandler(fatal, MPI_ERRORS_RETURN));
	int rc = await(look_leaving, &l, NULL, NULL, 0);
	return is_death(rc) ? MPI_SUCCESS : rc; // nobody waits for the dead
}

// ---- messages ----

typedef struct {
	MPI_Comm comm;
	int from, tag;
	MPI_Status status;
} wanted;

static MPI_Message matched;  // the message that l2l_recv has found

// unless_dead is what a look for a message has returned, unless others may still send one.
static int unless_dead(int rc, const wanted *w, int *done) {
	if (w->from != MPI_ANY_SOURCE || !is_death(rc)) return rc;
	*done = 0;
	return acknowledge(w->comm);
}

static int look_probe(void *arg, int *done) {
	wanted *w = arg;
	return unless_dead(MPI_Iprobe(w->from, w->tag, w->comm, done, &w->status), w, done);
}

// A matched probe: with a plain probe and wildcards, the receive could take another message than the one found.
static int look_match(void *arg, int *done) {
	wanted *w = arg;
	return unless_dead(MPI_Improbe(w->from, w->tag, w->comm, done, &matched, &w->status), w, done);
}

static int find(look_fn *look, MPI_Comm comm, int from, int tag, l2l_envelope *env, const uint32_t *cancel,
	const uint32_t *wake) {
	wanted w = {
		.comm = comm,
		.from = from < 0 ? MPI_ANY_SOURCE : from,
		.tag = tag < 0 ? MPI_ANY_TAG : tag,
	};
	TRY(reap());
	TRY(await(look, &w, cancel, wake, 1));
	env->from = w.status.MPI_SOURCE;
	env->tag = w.status.MPI_TAG;
	return MPI_Get_count(&w.status, MPI_BYTE, &env->len);
}

int l2l_send(MPI_Comm comm, int to, int place, int tag, const unsigned char *data, int len) {
	ENTER;
	TRY(reap());
	pending *p = malloc(sizeof *p + len);
	if (!p) return L2L_NO_MEMORY;
	if (len > 0) memcpy(p->data, data, len);
	p->comm = comm;
	int done = 0;
	int rc = MPI_Isend(p->data, len, MPI_BYTE, to, tag, comm, &p->request);
	if (rc == MPI_SUCCESS) rc = MPI_Test(&p->request, &done, MPI_STATUS_IGNORE);
	if (rc != MPI_SUCCESS || done) free(p); else enqueue(p);
	has_sent(place);
	return is_death(rc) ? MPI_SUCCESS : rc;
}

int l2l_probe(MPI_Comm comm, int from, int tag, l2l_envelope *env, const uint32_t *cancel, const uint32_t *wake) {
	ENTER;
	return find(look_probe, comm, from, tag, env, cancel, wake);
}

// take cannot be cancelled: a matched message cannot be put back.
static int take(unsigned char *buf, int len) {
	MPI_Request request;
	TRY(MPI_Imrecv(buf, len, MPI_BYTE, &matched, &request));
	return await(look_request, &request, NULL, NULL, 0);
}

int l2l_recv(MPI_Comm comm, int from, int tag, unsigned char *buf, int64_t cap, l2l_envelope *env,
	const uint32_t *cancel) {
	ENTER;
	TRY(find(look_match, comm, from, tag, env, cancel, NULL));
	return env->len <= cap ? take(buf, env->len) : L2L_SHORT;
}

int l2l_take(unsigned char *buf, int len) {
	ENTER;
	return take(buf, len);
}

// ---- collectives ----

int l2l_barrier(MPI_Comm comm, const uint32_t *cancel) {
	ENTER;
	MPI_Request request;
	TRY(MPI_Ibarrier(comm, &request));
	return await(look_request, &request, cancel, NULL, 0);
}

int l2l_bcast(MPI_Comm comm, int root, unsigned char *buf, int len, const uint32_t *cancel) {
	ENTER;
	MPI_Request request;
	TRY(MPI_Ibcast(buf, len, MPI_BYTE, root, comm, &request));
	return await(look_request, &request, cancel, NULL, 0);
}

int l2l_gather(MPI_Comm comm, int root, const int64_t *x, int64_t *all, const uint32_t *cancel) {
	ENTER;
	MPI_Request request;
	TRY(MPI_Igather(x, 1, MPI_INT64_T, all, 1, MPI_INT64_T, root, comm, &request));
	return await(look_request, &request, cancel, NULL, 0);
}

int l2l_gatherv(MPI_Comm comm, int root, const unsigned char *data, int len, unsigned char *all, const int *lens,
	const int *offsets, const uint32_t *cancel) {
	ENTER;
	MPI_Request request;
	TRY(MPI_Igatherv(data, len, MPI_BYTE, all, lens, offsets, MPI_BYTE, root, comm, &request));
	return await(look_request, &request, cancel, NULL, 0);
}

int l2l_max(MPI_Comm comm, const int64_t *x, int64_t *all, const uint32_t *cancel) {
	ENTER;
	MPI_Request request;
	TRY(MPI_Iallreduce(x, all, 2, MPI_INT64_T, MPI_MAX, comm, &request));
	return await(look_request, &request, cancel, NULL, 0);
}

// ---- words ----

int l2l_error(int code, char *text) {
	int class = MPI_ERR_UNKNOWN, len;
	MPI_Error_class(code, &class);
	MPI_Error_string(code, text, &len);
	return class;
}

void l2l_library(char *text) {
	int len;
	MPI_Get_library_version(text, &len);
}
