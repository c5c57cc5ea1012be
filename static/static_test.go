package static

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
)

func TestPages(t *testing.T) {
	index, err := fs.ReadFile(Pages(), "index.html")
	if err != nil || !strings.Contains(strings.ToLower(string(index)), "<!doctype html>") {
		t.Errorf("index.html: %v, %.40q", err, index)
	}
	for _, name := range []string{"static.go", "no-such-file", "../go.mod", "/index.html"} {
		if _, err := Pages().Open(name); !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			t.Errorf("%s: error %v, want that it does not exist", name, err)
		}
	}
}
