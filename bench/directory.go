package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	small, tenfold, crowded = 1000, 10_000, 100_000
	searches                = 150 // of each text, of one round
)

// texts are what somebody may look for: names by their letters and by pinyin, titles, departments, and somebody in particular.
var texts = []string{"a", "zhang", "王", "engineer", "team 3", "p0009", "nobody"}

// directory compares the processor time of an import of 10,000 people with one of 1,000, and of a search among 100,000 with one among 1,000.
func directory(ctx context.Context, _ *world, o options) ([]result, error) {
	imports := map[int][]time.Duration{}
	company := func(n int) (*server, string, error) {
		dir := filepath.Join(o.dir, fmt.Sprintf("company-%d-%d", n, len(imports[n])))
		if err := os.Mkdir(dir, 0o700); err != nil {
			return nil, "", err
		}
		w, err := makeWorld(ctx, dir, circle, 2)
		if err != nil {
			return nil, "", err
		}
		s, err := startMagpie(dir)
		if err != nil {
			return nil, "", err
		}
		token := w.account(0).password
		took, err := s.importPeople(ctx, token, n)
		if err != nil {
			return nil, "", fmt.Errorf("import %d people: %w", n, err)
		}
		imports[n] = append(imports[n], took)
		return s, token, nil
	}
	for range o.rounds {
		for _, n := range []int{small, tenfold} {
			s, _, err := company(n)
			if err == nil {
				err = s.stop()
			}
			if err != nil {
				return nil, err
			}
		}
	}
	one, ten := slices.Min(imports[small]), slices.Min(imports[tenfold])

	var places [2]struct {
		s     *server
		token string
		took  time.Duration
	}
	for i, n := range []int{small, crowded} {
		s, token, err := company(n)
		if err != nil {
			return nil, err
		}
		defer func() { _ = s.stop() }()
		if err := settle(s); err != nil {
			return nil, err
		}
		places[i].s, places[i].token = s, token
	}
	for range o.rounds {
		for i := range places {
			p := &places[i]
			took, err := p.s.search(ctx, p.token)
			if err != nil {
				return nil, fmt.Errorf("search: %w", err)
			}
			if p.took == 0 || took < p.took {
				p.took = took
			}
		}
	}
	each := func(d time.Duration) string {
		return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000/float64(searches*len(texts)))
	}
	return []result{
		{what: fmt.Sprintf("processor time of an import of %d people", tenfold), ours: fmt.Sprintf("%.1f s", ten.Seconds()),
			theirs: fmt.Sprintf("of %d: %.2f s", small, one.Seconds()), value: float64(ten) / float64(one), bound: 20},
		{what: fmt.Sprintf("processor time of a search among %d people", crowded), ours: each(places[1].took),
			theirs: fmt.Sprintf("among %d: %s", small, each(places[0].took)), value: float64(places[1].took) / float64(places[0].took), bound: 2},
	}, nil
}

// importPeople has the server import n people, and returns the processor time that this took.
func (s *server) importPeople(ctx context.Context, token string, n int) (time.Duration, error) {
	given := []string{"Ann", "Bo", "Chidi", "Dana", "Emil", "张伟", "王芳", "李娜", "刘洋", "陈静"}
	surnames := []string{"Smith", "Okafor", "Garcia", "Novak", "Tanaka", "Zhang", "Wang"}
	titles := []string{"Engineer", "Senior engineer", "Accountant", "会计", "Sales"}
	var file bytes.Buffer
	file.WriteString("uid,name,email,title,departments\n")
	for i := range n {
		fmt.Fprintf(&file, "p%06d,%s %s,p%d@bench.example,%s,Division %d/Team %d\n", i, given[i%len(given)], surnames[i%len(surnames)], i, titles[i%len(titles)], i%7, i%280)
	}
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	b, _, err := ask(ctx, "POST", "http://"+s.http+"/api/v1/admin/users/import", token, &file, map[string]string{"Content-Type": "text/csv"})
	for err == nil {
		var job struct {
			ID, State string
			Result    struct{ Created int }
		}
		if err := json.Unmarshal(b, &job); err != nil {
			return 0, err
		}
		switch {
		case job.State == "done" && job.Result.Created == n:
			after, err := s.cpu()
			return after - before, err
		case job.State != "checking" && job.State != "running":
			return 0, fmt.Errorf("the import ends so: %s", b)
		}
		time.Sleep(100 * time.Millisecond)
		b, _, err = ask(ctx, "GET", "http://"+s.http+"/api/v1/admin/jobs/"+job.ID, token, nil, nil)
	}
	return 0, err
}

// search asks for the first page of each of texts, and returns the server's processor time.
func (s *server) search(ctx context.Context, token string) (time.Duration, error) {
	before, err := s.cpu()
	if err != nil {
		return 0, err
	}
	for range searches {
		for _, text := range texts {
			if _, _, err := ask(ctx, "GET", "http://"+s.http+"/api/v1/users?q="+url.QueryEscape(text), token, nil, nil); err != nil {
				return 0, err
			}
		}
	}
	after, err := s.cpu()
	return after - before, err
}
