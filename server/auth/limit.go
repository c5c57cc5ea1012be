package auth

import (
	"crypto/sha256"
	"sync"
	"time"

	"magpie/server/chat"
)

// maxKeys bounds the memory of a limiter. Each failure costs its sender the time of a password hash, so a flood of accounts can't
// reach it within the window on any machine that we know.
const maxKeys = 100_000

// limiter counts failures of an account from an address in a sliding window.
type limiter struct {
	most   int // 0: no limit
	window time.Duration

	mu    sync.Mutex // guards fails
	fails map[[16]byte][]time.Time
}

func newLimiter(most int, window time.Duration) *limiter {
	return &limiter{most: most, window: window, fails: map[[16]byte][]time.Time{}}
}

// limitKey names an account and a network.
func limitKey(eid, account, addr string) [16]byte {
	sum := sha256.Sum256([]byte(eid + "\x00" + account + "\x00" + chat.Network(addr)))
	return [16]byte(sum[:16])
}

// blocked returns how long until the next attempt is allowed, 0 for now.
func (l *limiter) blocked(key [16]byte, now time.Time) time.Duration { return l.count(key, now, false) }

// count is blocked and, where that is 0, counts a failure: both in one step.
func (l *limiter) count(key [16]byte, now time.Time, failure bool) time.Duration {
	if l.most <= 0 {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	recent := l.recent(key, now)
	if len(recent) >= l.most {
		return recent[len(recent)-l.most].Add(l.window).Sub(now)
	}
	if failure {
		if len(recent) == 0 && len(l.fails) >= maxKeys {
			l.sweep(now)
		}
		l.fails[key] = append(recent, now)
	}
	return 0
}

// recent drops what is older than the window. The caller holds mu.
func (l *limiter) recent(key [16]byte, now time.Time) []time.Time {
	times := l.fails[key]
	for len(times) > 0 && now.Sub(times[0]) >= l.window {
		times = times[1:]
	}
	if len(times) == 0 {
		delete(l.fails, key)
		return nil
	}
	l.fails[key] = times
	return times
}

// sweep makes room for a while: it drops all that is over and then, if that is not enough, any keys. The caller holds mu.
func (l *limiter) sweep(now time.Time) {
	for key := range l.fails {
		l.recent(key, now)
	}
	for key := range l.fails {
		if len(l.fails) < maxKeys*9/10 {
			return
		}
		delete(l.fails, key)
	}
}
