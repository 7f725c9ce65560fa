package mpi

import (
	"container/list"
	"sync"
)

// message is one message on its way between local ranks.
type message struct {
	from, tag int
	data      []byte
}

func (m *message) envelope() Envelope { return Envelope{From: m.from, Tag: m.tag, Len: len(m.data)} }

// mailbox holds what was sent to one local rank, in order of arrival. Everybody puts and wakes; only the owner looks.
type mailbox struct {
	// bell tells the owner to look again. It holds one ring: that is enough, as the owner looks at everything.
	bell chan struct{}

	mu    sync.Mutex
	queue list.List // of *message
	woken bool
}

func newMailbox() *mailbox { return &mailbox{bell: make(chan struct{}, 1)} }

func (b *mailbox) ring() {
	select {
	case b.bell <- struct{}{}:
	default:
	}
}

func (b *mailbox) put(m *message) {
	b.mu.Lock()
	b.queue.PushBack(m)
	b.mu.Unlock()
	b.ring()
}

func (b *mailbox) wake() {
	b.mu.Lock()
	b.woken = true
	b.mu.Unlock()
	b.ring()
}

// look returns the first match, which it removes if take is set. Without a match it returns nil, or, unless it came to
// take, ErrWoken if there was a wake.
func (b *mailbox) look(from, tag int, take bool) (*message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.first(from, tag); e != nil {
		if take {
			b.queue.Remove(e)
		}
		return e.Value.(*message), nil
	}
	if b.woken && !take {
		b.woken = false
		return nil, ErrWoken
	}
	return nil, nil
}

func (b *mailbox) first(from, tag int) *list.Element {
	for e := b.queue.Front(); e != nil; e = e.Next() {
		m := e.Value.(*message)
		if (from == Any || from == m.from) && (tag == Any || tag == m.tag) {
			return e
		}
	}
	return nil
}
