package broker

import (
	"sync"

	"magpie/server/chat"
)

// later appends to the log what is said under a lock, where the store's queue, which may be full, must not be waited for. It keeps
// the order.
type later struct {
	to func(chat.Append)

	mu      sync.Mutex // guards all below
	queue   []chat.Append
	running bool
}

func (l *later) append(a chat.Append) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, a)
	if !l.running {
		l.running = true
		go l.run()
	}
}

func (l *later) run() {
	for {
		l.mu.Lock()
		if len(l.queue) == 0 {
			l.queue, l.running = nil, false
			l.mu.Unlock()
			return
		}
		a := l.queue[0]
		l.queue = l.queue[1:]
		l.mu.Unlock()
		l.to(a)
	}
}
