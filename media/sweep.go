package media

import (
	"context"
	"errors"
	"time"
)

// sweepEvery is how often the library is put in order.
const sweepEvery = time.Minute

// Run keeps the library in order until ctx ends.
func (l *Library) Run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := l.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
			l.Log.Warn("files are not put in order", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep removes, in small steps, what is not needed any more: files that nothing has carried for a day, and bytes that belong to no file.
func (l *Library) Sweep(ctx context.Context, now time.Time) error {
	err := errors.Join(
		steps(func() (bool, error) { return l.Rows.SweepUploads(ctx, now) }),
		steps(func() (bool, error) { return l.Rows.SweepGroups(ctx, now) }),
		steps(func() (bool, error) { return l.Rows.SweepFiles(ctx, now.Add(-keepLoose)) }))
	return errors.Join(err, steps(func() (bool, error) { return l.sweepKeys(ctx, now) }))
}

func steps(step func() (more bool, err error)) error {
	for {
		if more, err := step(); err != nil || !more {
			return err
		}
	}
}

// maxRefused is how many keys a step tries in vain: the store is down, then, and later is soon enough.
const maxRefused = 10

// sweepKeys removes some bytes. What can't be removed stays for later, and holds up nothing else.
func (l *Library) sweepKeys(ctx context.Context, now time.Time) (more bool, err error) {
	keys, err := l.Rows.TakeKeys(ctx, now)
	if err != nil || len(keys) == 0 {
		return false, err
	}
	var gone []string
	var refused []error
	for _, key := range keys {
		if err := l.Store.Delete(ctx, key); err == nil {
			gone = append(gone, key)
		} else if refused = append(refused, err); len(refused) == maxRefused {
			break
		}
	}
	if len(gone) > 0 {
		err = l.Rows.DropKeys(ctx, gone)
	}
	return err == nil && len(refused) == 0, errors.Join(append(refused, err)...)
}
