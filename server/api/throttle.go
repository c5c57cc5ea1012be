package api

import (
	"sync"
	"time"

	"golang.org/x/time/rate"

	"magpie/server/chat"
)

// throttleKeys bounds the memory of a throttle.
const throttleKeys = 10_000

// throttle bounds how often each key may act: a token bucket for each.
type throttle struct {
	perSecond int // 0: no limit
	burst     int

	mu      sync.Mutex // guards buckets
	buckets map[string]*rate.Limiter
}

func newThrottle(perSecond, burst int) *throttle {
	return &throttle{perSecond: perSecond, burst: max(burst, 1), buckets: map[string]*rate.Limiter{}}
}

// take returns 0 if key may act now, and how long it should wait otherwise.
func (t *throttle) take(key string, now time.Time) time.Duration {
	if t.perSecond <= 0 {
		return 0
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.buckets[key]
	if b == nil {
		if len(t.buckets) >= throttleKeys {
			t.sweep(now)
		}
		b = rate.NewLimiter(rate.Limit(t.perSecond), t.burst)
		t.buckets[key] = b
	}
	if b.AllowN(now, 1) {
		return 0
	}
	return time.Second / time.Duration(t.perSecond)
}

// sweep forgets full buckets, which are as good as new ones, and, where that is not enough, others. The caller holds mu.
func (t *throttle) sweep(now time.Time) {
	for key, b := range t.buckets {
		if b.TokensAt(now) >= float64(t.burst) {
			delete(t.buckets, key)
		}
	}
	for key := range t.buckets {
		if len(t.buckets) < throttleKeys*9/10 {
			return
		}
		delete(t.buckets, key)
	}
}

// tooFast is the error of who must wait.
func tooFast(message string, wait time.Duration) *chat.Error {
	e := chat.Errorf(chat.RateLimited, "%s", message)
	e.RetryAfter = int((wait + time.Second - 1) / time.Second)
	return e
}
