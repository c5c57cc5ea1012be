// Command bench measures the real program's speed and memory as ratios in one run, and fails when one is out of its bound:
// a publish against a bare SQLite group commit, a delivery against mosquitto, what sessions hold, imports and searches of people, files
// against nginx, and the web app in a browser. Run it by make bench.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type options struct {
	dir        string // for what is made on the way
	publishers int
	members    int
	messages   int // of one round of the fan-out
	sessions   int
	rounds     int
	round      time.Duration
}

// result is one line of the table.
type result struct {
	what, ours, theirs string
	value, bound       float64
	unit               string // of value; a ratio has none
}

func main() {
	var o options
	flag.IntVar(&o.publishers, "publishers", 256, "clients that publish at once")
	flag.IntVar(&o.members, "members", 1000, "online members of the group")
	flag.IntVar(&o.messages, "messages", 150, "messages of one round of the fan-out")
	flag.IntVar(&o.sessions, "sessions", 10000, "idle sessions")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each measurement")
	flag.DurationVar(&o.round, "round", 4*time.Second, "length of one round of publishing")
	only := flag.String("only", "publish,fanout,memory,directory,files,pages", "what to measure")
	flag.Parse()
	ok, err := run(context.Background(), o, strings.Split(*only, ","))
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, o options, only []string) (ok bool, err error) {
	// Beside the program, on a disk like the one that it will have: /tmp may be memory.
	if o.dir, err = os.MkdirTemp("bin", "bench-"); err != nil {
		return false, err
	}
	defer os.RemoveAll(o.dir)
	if err := os.Chmod(o.dir, 0o755); err != nil { // mosquitto gives up root before it reads its file
		return false, err
	}
	data := filepath.Join(o.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return false, err
	}
	fmt.Fprintln(os.Stderr, "making people …")
	w, err := makeWorld(ctx, data, max(o.sessions, o.members+1, 2*o.publishers), o.members)
	if err != nil {
		return false, fmt.Errorf("make people: %w", err)
	}
	var results []result
	for _, part := range []struct {
		name string
		run  func(context.Context, *world, options) ([]result, error)
	}{{"memory", memory}, {"directory", directory}, {"fanout", fanOut}, {"publish", publishing}, {"files", files}, {"pages", pages}} {
		if !slices.Contains(only, part.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "measuring", part.name, "…")
		r, err := part.run(ctx, w, o)
		if err != nil {
			return false, fmt.Errorf("%s: %w", part.name, err)
		}
		results = append(results, r...)
	}
	return report(results), nil
}

// report prints the table, and says whether every value is within its bound.
func report(results []result) bool {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "what\tmagpie\tcompared with\tratio\tbound\t")
	ok := true
	for _, r := range results {
		verdict := ""
		if r.value >= r.bound {
			verdict, ok = "BROKEN", false
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%.2f%s\t< %g%s\t%s\n", r.what, r.ours, r.theirs, r.value, r.unit, r.bound, r.unit, verdict)
	}
	t.Flush()
	return ok
}
