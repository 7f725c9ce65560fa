package dispatch

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/meta-optimization/l2l-mpi/l2l"
	"github.com/meta-optimization/l2l-mpi/l2l/codec"
	"github.com/meta-optimization/l2l-mpi/mpi"
)

// What the ranks of a team say to each other, besides what rank 0 and a worker do, which the leader and each of the others do as well. An evaluation has
// a number, which is larger than those of all before it.
//
//	leader -> r  share  the number of an evaluation, and the evaluation: evaluate it; its result comes when it has ended
//	leader -> r  leave  the number of an evaluation that has failed: its end is to be soon
//	r -> r       part   what the optimizee of one rank sends to that of another: see mail
const (
	tagShare = iota + 50
	tagLeave
	tagPart
)

// Teammate is a rank that evaluates together with others: the server of a rank in [Teams].
type Teammate struct {
	*Worker
	ranks []int // of the team; the leader's is the first
	mail  *mail
	bell  chan struct{} // to the goroutine that serves, while it is not in a Probe
	role  role
}

// role is the part of a leader, or of another member.
type role interface {
	// turn does what there is to do, and take takes in a message. They report whether the run is over.
	turn() (over bool, err error)
	take(from, tag int, b []byte) (over bool, err error)
	// until is when turn is to be called at the latest; the zero time if that depends on messages.
	until() time.Time
}

// NewTeammate makes the optimizee of a rank of a team, which has one slot. Like NewWorker, it does not communicate.
func NewTeammate(ctx context.Context, comm mpi.Comm, team []int, opts Options) (*Teammate, error) {
	t := &Teammate{ranks: team, bell: make(chan struct{}, 1)}
	me := slices.Index(team, comm.Rank())
	if me < 0 {
		return nil, fmt.Errorf("dispatch: rank %d is not in its team %v", comm.Rank(), team)
	}
	ring := func() {
		select {
		case t.bell <- struct{}{}:
		default:
		}
		comm.Wake()
	}
	t.mail = newMail(me, len(team), ring)
	opts.Slots, opts.Batch, opts.mail = 1, 1, t.mail
	p, err := newPool(ctx, comm.Rank(), opts, ring)
	if err != nil {
		return nil, err
	}
	t.Worker = &Worker{comm: comm, chief: team[0], pool: p}
	t.role = &member{Teammate: t}
	if me == 0 {
		t.chief = 0
		t.role = &leader{Teammate: t, number: time.Now().UnixNano()} // larger than those of a run before
	}
	return t, nil
}

// Serve evaluates, until the run is over. It answers messages while the optimizee is at work, so that one knows that the rank lives.
func (t *Teammate) Serve(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, t.pool.close()) }()
	patience := shortestLook
	for {
		for _, l := range t.mail.letters() {
			if err := t.comm.Send(t.ranks[l.to], tagPart, l.data); err != nil {
				return err
			}
			patience = shortestLook
		}
		over, err := t.role.turn()
		if over || err != nil {
			return err
		}
		from, err := t.listen(ctx, &patience)
		switch {
		case errors.Is(err, mpi.ErrWoken):
			continue
		case err != nil:
			return err
		}
		b, _, err := t.comm.Recv(ctx, from.From, from.Tag, nil) // in memory of its own, as it may be kept
		if err != nil {
			return err
		}
		if over, err = t.take(from.From, from.Tag, b); over || err != nil {
			return err
		}
	}
}

// While the optimizee is at work, the goroutine that may call MPI is to be at hand as soon as it sends something or waits for something. A Probe takes long
// to be woken, as it sleeps: so it waits for the bell instead, and looks for messages now and then, for less than a hundredth of the time.
const (
	shortestLook = 100 * time.Microsecond
	longestLook  = 5 * time.Millisecond
)

// listen waits for a message. Its error is mpi.ErrWoken if there is something else to do.
func (t *Teammate) listen(ctx context.Context, patience *time.Duration) (mpi.Envelope, error) {
	if t.mail.computing() {
		timer := time.NewTimer(*patience)
		defer timer.Stop()
		select {
		case <-t.bell:
			*patience = shortestLook
			return mpi.Envelope{}, mpi.ErrWoken
		case <-timer.C:
			*patience = min(2**patience, longestLook)
		}
		t.comm.Wake() // so that Probe does not wait
	}
	until := t.role.until()
	if until.IsZero() {
		return t.comm.Probe(ctx, mpi.Any, mpi.Any)
	}
	period, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	from, err := t.comm.Probe(period, mpi.Any, mpi.Any)
	if err != nil && ctx.Err() == nil && period.Err() != nil {
		err = mpi.ErrWoken
	}
	return from, err
}

// take takes in a message.
func (t *Teammate) take(from, tag int, b []byte) (over bool, err error) {
	if tag != tagPart {
		return t.role.take(from, tag, b)
	}
	index := slices.Index(t.ranks, from)
	if index < 0 {
		return false, fmt.Errorf("dispatch: from rank %d, which is not in the team, a part of an evaluation", from)
	}
	return false, t.mail.deliver(index, b)
}

// numbered is a message that begins with the number of an evaluation; unnumbered is the inverse.
func numbered(number int64) []byte { return binary.LittleEndian.AppendUint64(nil, uint64(number)) }

func unnumbered(b []byte) (number int64, rest []byte, err error) {
	if len(b) < 8 {
		return 0, nil, fmt.Errorf("dispatch: a message of %d bytes, want the number of an evaluation in it", len(b))
	}
	return int64(binary.LittleEndian.Uint64(b)), b[8:], nil
}

// member is a rank of a team that another one leads.
type member struct {
	*Teammate
	number int64 // of the last evaluation
}

func (*member) until() time.Time { return time.Time{} }

func (m *member) turn() (over bool, err error) {
	rs := m.pool.take()
	if len(rs) == 0 {
		return false, nil
	}
	m.mail.over(m.number, errOver)
	err = m.send(rs)
	m.pool.giveBack(rs)
	return false, err
}

func (m *member) take(_, tag int, b []byte) (over bool, err error) {
	switch tag {
	case tagShare:
		number, rest, err := unnumbered(b)
		if err != nil {
			return false, err
		}
		es, err := decodeTasks(rest)
		if err != nil {
			return false, err
		}
		m.number = number
		m.mail.begin(number)
		m.pool.submit(es)
	case tagLeave:
		number, _, err := unnumbered(b)
		if err != nil {
			return false, err
		}
		m.mail.over(number, errFailed)
	default:
		return m.Worker.take(tag, b)
	}
	return false, nil
}

// errFailed is the error of members when another one has failed.
var errFailed = errors.New("another rank of the team has failed")

// leader is the first rank of a team: to rank 0 it is a worker of one slot. It has one evaluation under way at a time, its own part and those of the
// members, and begins the next one when all of these have ended: a member that does not come back has the team come to a halt. It then answers rank 0
// no more, which takes it for lost, and has what it held evaluated by others.
type leader struct {
	*Teammate
	waiting []l2l.Evaluation // that rank 0 has given, and that have not begun
	task    *task            // under way; nil for none
	number  int64            // of the last one
	results []l2l.Result     // for rank 0

	unheard map[int]bool // members that have not answered rank 0's last question whether they are there; nil: all have
	leaving map[int]bool // members whose bye is awaited, once the run is over; nil before
	leaveBy time.Time
}

// task is an evaluation that a team shares.
type task struct {
	l2l.Evaluation
	shared  bool         // the members have been told
	left    map[int]bool // those that have not ended, by their ranks
	failure *l2l.Result  // the first one of any rank; nil for none
	given   bool         // the members know that it has failed
	ended   bool         // the leader has its result, and so has rank 0
}

func (l *leader) until() time.Time {
	if l.leaving != nil {
		return l.leaveBy
	}
	return time.Time{}
}

func (l *leader) turn() (over bool, err error) {
	if l.leaving != nil {
		return l.leave()
	}
	rs := l.pool.take()
	for _, r := range rs { // at most one, of the task
		if l.task == nil || l.task.ended || keyOfResult(&r) != keyOf(l.task.Evaluation) {
			return false, fmt.Errorf("dispatch: a result of individual %d, which the team does not evaluate", r.Individual)
		}
		l.task.ended = true
		l.fails(r, "")
		if f := l.task.failure; f != nil { // of a member, perhaps, that has had the leader fail, too
			r.Ending, r.Reason, r.Fitness, r.Outputs, r.Targets = f.Ending, f.Reason, nil, nil, nil
		}
		l.mail.over(l.number, errOver)
		l.results = append(l.results, r)
	}
	l.pool.giveBack(rs)
	if l.task != nil {
		if err := l.advance(); err != nil {
			return false, err
		}
	}
	if l.task == nil && len(l.waiting) > 0 {
		l.number++
		l.task = &task{Evaluation: l.waiting[0]}
		l.waiting = l.waiting[1:]
		l.mail.begin(l.number)
		l.pool.submit([]l2l.Evaluation{l.task.Evaluation})
	}
	if len(l.results) == 0 {
		return false, nil
	}
	err = l.send(l.results)
	l.results = l.results[:0]
	return false, err
}

// fails takes in how the part of a rank has ended, which whose is the name of.
func (l *leader) fails(r l2l.Result, whose string) {
	if r.Ending != l2l.OK && l.task.failure == nil {
		r.Reason = whose + r.Reason
		l.task.failure = &r
	}
}

// advance does what is due for the task.
func (l *leader) advance() error {
	t := l.task
	if !t.shared && l.mail.has(l.number) { // this rank is ready for it, and has made its directory
		t.shared, t.left = true, map[int]bool{}
		for _, rank := range l.ranks[1:] {
			t.left[rank] = true
		}
		if err := l.tell(tagShare, appendTasks(numbered(l.number), []l2l.Evaluation{t.Evaluation})); err != nil {
			return err
		}
	}
	if t.failure != nil && !t.given {
		t.given = true
		l.mail.over(l.number, errFailed)
		for rank := range t.left {
			if err := l.comm.Send(rank, tagLeave, numbered(l.number)); err != nil {
				return err
			}
		}
	}
	if t.shared && len(t.left) == 0 {
		l.mail.ended()
	}
	if t.ended && len(t.left) == 0 {
		l.task = nil
	}
	return nil
}

func (l *leader) take(from, tag int, b []byte) (over bool, err error) {
	if from != 0 {
		return false, l.takeOf(from, tag, b)
	}
	switch tag {
	case tagTasks, tagBlock:
		es, err := decodeTasks(b)
		l.waiting = append(l.waiting, es...)
		return false, err
	case tagDrop:
		es, err := decodeTasks(b)
		if err != nil {
			return false, err
		}
		unwanted := map[key]bool{}
		for _, e := range es {
			unwanted[keyOf(e)] = true
		}
		var dropped []l2l.Evaluation
		l.waiting, dropped = without(l.waiting, unwanted)
		l.results = append(l.results, l.pool.failed(dropped, l2l.Failed, notNeeded, 0)...)
		if l.task != nil && unwanted[keyOf(l.task.Evaluation)] {
			l.pool.drop(es)
		}
	case tagPing: // the team is there if all of it is
		l.unheard = map[int]bool{}
		for _, rank := range l.ranks[1:] {
			l.unheard[rank] = true
		}
		return false, l.tell(tagPing, nil)
	case tagLimits:
		if err := l.tell(tagLimits, b); err != nil {
			return false, err
		}
		return l.Worker.take(tag, b)
	case tagStop:
		l.mail.over(l.number, errOver)
		l.pool.cancel()
		l.leaving, l.leaveBy = map[int]bool{}, time.Now().Add(farewell/2) // rank 0 waits too
		for _, rank := range l.ranks[1:] {
			l.leaving[rank] = true
		}
		return false, l.tell(tagStop, nil)
	default:
		return l.Worker.take(tag, b)
	}
	return false, nil
}

// takeOf takes in a message of a member.
func (l *leader) takeOf(from, tag int, b []byte) error {
	if l.unheard[from] {
		if delete(l.unheard, from); len(l.unheard) == 0 {
			if err := l.comm.Send(0, tagPong, nil); err != nil {
				return err
			}
		}
	}
	switch tag {
	case tagBye:
		delete(l.leaving, from)
	case tagResults:
		rs, err := decodeResults(b, nil)
		if err != nil {
			return fmt.Errorf("from rank %d: %w", from, err)
		}
		for _, r := range rs {
			if l.task == nil || !l.task.left[from] || keyOfResult(&r) != keyOf(l.task.Evaluation) {
				continue
			}
			delete(l.task.left, from)
			l.fails(r, fmt.Sprintf("rank %d of the team, which is rank %d: ", slices.Index(l.ranks, from), from))
		}
	}
	return nil
}

// tell tells all members the same.
func (l *leader) tell(tag int, b []byte) error {
	for _, rank := range l.ranks[1:] {
		if err := l.comm.Send(rank, tag, b); err != nil {
			return err
		}
	}
	return nil
}

// leave tells rank 0 that no message follows, once all members have said so or have had time enough, and which have not.
func (l *leader) leave() (over bool, err error) {
	if len(l.leaving) > 0 && time.Now().Before(l.leaveBy) {
		return false, nil
	}
	var b []byte
	if len(l.leaving) > 0 {
		var a account
		for rank := range l.leaving {
			a.Lost = append(a.Lost, rank)
		}
		if b, err = codec.Marshal(a); err != nil {
			return true, err
		}
	}
	return true, l.comm.Send(0, tagBye, b)
}

// Spare is the server of a rank that is in no team.
type Spare struct{}

// Serve has nothing to do.
func (Spare) Serve(context.Context) error { return nil }

// Close has nothing to close.
func (Spare) Close() error { return nil }
